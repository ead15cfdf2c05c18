/** The key records that a zone publishes in a given state of its keys, and the keys that sign it. */
import { DELETE_CDNSKEY, DELETE_CDS, dsRdata } from '../keys/delegation-signer.js';
import type { SigningKey } from '../keys/signing-key.js';
import { type ApexKeys, NO_APEX_KEYS } from '../signing/apex-keys.js';
import type { KeySet } from '../signing/signing-policy.js';
import { isPublished, type KeyRecord, RECORDS_OF, type ZoneKeys } from './key-state.js';

/** By record: the ids of the keys of which it is published, or of `ds`, asked of the parent. */
interface PublishedIds extends Readonly<Record<KeyRecord, readonly string[]>> {
  /** The parent is asked to remove all DS records. */
  readonly isRemoval: boolean;
}

/**
 * A DS record is asked for as soon as its state is rumoured: by the rules, the key and all signatures are known everywhere by then.
 * Removal is asked for while the zone is to be unsigned and the parent may still have a DS record.
 */
export function publishedIds({ keys, isLeaving }: ZoneKeys): PublishedIds {
  const ids = (record: KeyRecord): string[] =>
    keys.filter((key) => RECORDS_OF[key.role].includes(record) && isPublished(key.records[record])).map(({ id }) => id);
  const ds = ids('ds');
  const isRemoval = isLeaving && ds.length === 0 && keys.some(({ records }) => records.ds.state !== 'hidden');
  return { dnskey: ids('dnskey'), krrsig: ids('krrsig'), zrrsig: ids('zrrsig'), ds, isRemoval };
}

/**
 * `keyOf`: the key of an id. `zone`: the zone's name in wire format and in lower case. With `hasCds`, CDS and CDNSKEY ask the parent
 * for DS records (RFC 7344), or for their removal (RFC 8078 §4): those of `foreign` too, which are records of other signers (RFC 8901 §8).
 */
export function keySetOf(
  state: ZoneKeys,
  keyOf: (id: string) => SigningKey,
  zone: Uint8Array,
  hasCds: boolean,
  foreign: ApexKeys = NO_APEX_KEYS,
): KeySet {
  const { dnskey, krrsig, zrrsig, ds, isRemoval } = publishedIds(state);
  const asked = hasCds ? ds.map(keyOf) : [];
  // CDS of other signers alone would ask the parent to take our DS records away.
  const others = asked.length > 0 ? foreign : NO_APEX_KEYS;
  const removal = hasCds && isRemoval;
  return {
    dnskey: [...dnskey.map((id) => keyOf(id).dnskey), ...(zrrsig.length > 0 ? foreign.dnskey : [])],
    cds: removal ? [DELETE_CDS] : [...asked.map((key) => dsRdata(key.dnskey, zone)), ...others.cds],
    cdnskey: removal ? [DELETE_CDNSKEY] : [...asked.map((key) => key.dnskey), ...others.cdnskey],
    keySigners: krrsig.map(keyOf),
    zoneSigners: zrrsig.map(keyOf),
  };
}
