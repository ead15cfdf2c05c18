/** A look at the DS records of a zone at all servers of its parent: what it says, and when the next one is due. */
import { DigestType, dsRdata } from '../../../dnssec/keys/delegation-signer.js';
import type { KeyProgress } from '../../../dnssec/rollover/key-state.js';
import { endOf } from '../../../dnssec/rollover/step.js';
import { counted } from '../../../errors.js';
import type { DnssecPolicy } from '../dnssec-policy.js';
import type { StoredSigning } from '../stored-signing.js';
import type { DsAnswer } from './parent-servers.js';

export interface ParentLook {
  /** Seconds since 1970. */
  readonly at: number;
  /** What was seen, in words. */
  readonly text: string;
  /** Whether all servers say that there is no DS record; undefined: not all have answered. */
  readonly isDenied: boolean | undefined;
  /** Looks, this one included, since the last one that all servers have answered. */
  readonly silent: number;
}

/** Seconds between two looks: half of the time that caches keep DS records, within these bounds. A guess. */
const MIN_INTERVAL = 1;
const MAX_INTERVAL = 3600;
/** Seconds for which a look says whether a zone may be given its first key. A guess. */
const FRESH = 300;
const DIGESTS = Object.values(DigestType);

/** Whether a server has a DS record of this key. */
export function hasDs(answer: readonly Uint8Array[], dnskey: Uint8Array, zone: Uint8Array): boolean {
  return DIGESTS.some((digest) => {
    const expected = dsRdata(dnskey, zone, digest);
    return answer.some((rdata) => Buffer.compare(rdata, expected) === 0);
  });
}

/** `failures`: why servers gave no answer. */
export function lookOf(
  answers: readonly DsAnswer[],
  failures: readonly string[],
  now: number,
  before: ParentLook | undefined,
): ParentLook {
  const known = answers.filter((answer) => answer !== undefined);
  const isWhole = answers.length > 0 && known.length === answers.length;
  const text = [`${known.length} of ${counted(answers.length, 'server')} of the parent answered`];
  const tags = known.map((answer) => answer.map((rdata) => ((rdata[0] ?? 0) << 8) | (rdata[1] ?? 0)));
  const shown = new Set(tags.map((own) => [...new Set(own)].sort((a, b) => a - b).join(', ')));
  for (const own of shown) text.push(own === '' ? 'without a DS record' : `with DS records of key ${own}`);
  return {
    at: now,
    text: [text.join(' '), ...failures].join('; '),
    isDenied: isWhole ? known.every((answer) => answer.length === 0) : undefined,
    silent: isWhole ? 0 : (before?.silent ?? 0) + 1,
  };
}

/** What is known about DS records where no key is there yet (Facts.isDsDenied). */
export function denialOf(look: ParentLook | undefined, now: number): boolean | undefined {
  return look !== undefined && now >= look.at && now - look.at <= FRESH ? look.isDenied : undefined;
}

/** Seconds since 1970: when the parent is to be looked at next; undefined: nothing is waited for there. */
export function nextLook(
  { keys }: StoredSigning,
  policy: DnssecPolicy | undefined,
  isConfigured: boolean,
  look: ParentLook | undefined,
): number | undefined {
  if (policy === undefined || !policy.rollover.isParentAsked || keys.isFrozen) return undefined;
  const isStarting = keys.keys.length === 0 && isConfigured;
  const pending = keys.keys.filter(isAtParent);
  if (!isStarting && pending.length === 0) return undefined;
  if (look === undefined) return 0;
  const interval = Math.min(MAX_INTERVAL, Math.max(MIN_INTERVAL, Math.floor(policy.rollover.dsTtl / 2)));
  const next = look.at + Math.min(Math.max(MAX_INTERVAL, interval), interval * 2 ** Math.min(look.silent, 20));
  if (look.silent > 0) return next;
  // A state moves by a look that comes when its time is over.
  const ends = pending.flatMap((key) => endOf(key, 'ds', keys, policy.rollover) ?? []);
  return Math.min(next, ...ends.filter((end) => end > look.at));
}

/** Whether the parent is waited for to publish or to remove the DS record of a key. */
function isAtParent({ role, records }: KeyProgress): boolean {
  const { state, since } = records.ds;
  return role !== 'zsk' && since !== undefined && (state === 'rumoured' || state === 'unretentive');
}
