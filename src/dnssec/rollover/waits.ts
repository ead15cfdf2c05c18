/** The waits of a key's state before it moves on: for times, the parent, and other signers. */
import { type ForeignKey, type KeyProgress, type KeyRecord, type Lasting, TTL_OF, type ZoneKeys } from './key-state.js';
import type { RolloverPolicy } from './rollover-policy.js';
import { expiryOf } from './served-ttls.js';

/** The waits. The simulation shows that each of them is needed. */
export type Wait =
  | 'dnskey'
  | 'zone'
  | 'ds'
  | 'propagation'
  | 'parentPropagation'
  | 'parent'
  | 'publication'
  | 'signersKey'
  | 'signersCds'
  | 'signersLag';

const NOTHING: ReadonlySet<Wait> = new Set();

/** Times are whole seconds: an event that is noted for a second may have happened at its end. */
const TICK = 1;

/**
 * The sighting at the other signers that a record of a key waits for before it moves on (RFC 8901 §6.2, §7, §8); undefined: it waits
 * for none. A resolver may hold their DNSKEY RRset and our signatures, and the parent may take their CDS records. A KSK signs our
 * DNSKEY RRset only: the others need not have it. A key that goes stays ours until they have lost it: it must not come back from them
 * as one of theirs.
 */
export function signersWait(
  { role, records, signers }: KeyProgress,
  record: KeyRecord,
  { hasOtherSigners = false }: RolloverPolicy,
  without: ReadonlySet<Wait> = NOTHING,
): Lasting | undefined {
  if (!hasOtherSigners) return undefined;
  const isComing = records[record].state === 'rumoured';
  const never: Lasting = { since: undefined, sure: undefined };
  if (record === 'dnskey' && !(role === 'ksk' && isComing) && !without.has('signersKey'))
    return (isComing ? signers?.hasKey : signers?.lacksKey) ?? never;
  if (record === 'ds' && !without.has('signersCds')) return (isComing ? signers?.hasCds : signers?.lacksCds) ?? never;
  return undefined;
}

/** When caches hold nothing any more from before a rumoured or unretentive state; undefined: another event has to come first. */
export function endOf(
  key: KeyProgress,
  record: KeyRecord,
  { ttls }: ZoneKeys,
  policy: RolloverPolicy,
  without: ReadonlySet<Wait> = NOTHING,
): number | undefined {
  const { state, since } = key.records[record];
  const kind = TTL_OF[record];
  const isAtParent = record === 'ds';
  let begin = since ?? (without.has('publication') ? 0 : undefined);
  if (begin === undefined) return undefined;
  if (isAtParent && !without.has('parent')) {
    const seen = state === 'rumoured' ? key.parent.seen : key.parent.gone;
    if (seen === undefined || key.parent.sure === undefined) return undefined;
    begin = Math.max(begin, key.parent.sure);
  }
  const sight = signersWait(key, record, policy, without);
  if (sight !== undefined) {
    if (sight.sure === undefined) return undefined;
    // Until then, the parent may have read older CDS of another signer. It may take as long to follow them as it took to follow ours.
    const seen = state === 'rumoured' ? key.parent.seen : key.parent.gone;
    const lag = isAtParent && !without.has('signersLag') ? Math.max(0, (seen ?? 0) - (since ?? 0)) : 0;
    begin = Math.max(begin, sight.sure + lag);
  }
  let delay = TICK + (without.has('propagation') ? 0 : policy.propagation);
  // The parent may still read an older CDS from a secondary that lags behind, and take a step back.
  if (isAtParent && !without.has('parentPropagation')) delay += policy.parentPropagation;
  return without.has(kind) ? begin + delay : expiryOf(ttls[kind], begin, delay);
}

/** When no cache holds our DNSKEY RRset without a key of another signer any more; undefined: that key is not published yet. */
export function foreignEnd(
  { record }: ForeignKey,
  { ttls }: ZoneKeys,
  { propagation }: RolloverPolicy,
): number | undefined {
  return record.since === undefined ? undefined : expiryOf(ttls.dnskey, record.since, TICK + propagation);
}
