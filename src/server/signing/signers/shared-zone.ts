/** The special rules for the keys of a zone that other signers sign as well (RFC 8901). */
import type { ZoneKeys } from '../../../dnssec/rollover/key-state.js';
import type { DnssecPolicy } from '../dnssec-policy.js';
import { foreignStates, type StoredForeign } from './foreign-keys.js';

/** The states of a zone's keys with those of the other signers' keys that are in the content. */
export function withForeign(keys: ZoneKeys, { all }: StoredForeign): ZoneKeys {
  return { ...keys, foreign: foreignStates(keys.foreign, all) };
}

/**
 * The policy without a roll to an algorithm that the other signers do not have: no key of that algorithm may be in a DNSKEY RRset before
 * all of them sign with it (RFC 8901 §4).
 */
export function held(policy: DnssecPolicy, { foreign }: ZoneKeys): DnssecPolicy {
  const [other] = foreign;
  const { keys } = policy.rollover;
  if (other === undefined || keys.every((key) => foreign.some(({ algorithm }) => algorithm === key.algorithm)))
    return policy;
  const same = keys.map((key) => ({ ...key, algorithm: other.algorithm, bits: undefined }));
  return { ...policy, rollover: { ...policy.rollover, keys: same } };
}
