/** The status of a zone that is signed here, in words and as plain data. */

import { algorithmText } from '../../dnssec/algorithms.js';
import { dsRdata } from '../../dnssec/keys/delegation-signer.js';
import { describeKeys } from '../../dnssec/rollover/describe.js';
import type { ForeignKey, KeyProgress, KeyRecord, KeyRole, RecordState } from '../../dnssec/rollover/key-state.js';
import { Type } from '../../protocol/iana.js';
import { rdataToText } from '../../protocol/rdata/print.js';
import type { DnssecPolicy } from './dnssec-policy.js';
import { foreignDsText, type ParentLook, startText } from './parent/parent-look.js';
import type { SignersLook } from './signers/signers-look.js';
import { isOnlyKept, onlyKeptText, policyInForce, type SigningWish } from './signing-wish.js';
import type { SigningZone } from './signing-zone.js';
import { dnskeyOf } from './stored/stored-signing.js';

interface KeyStatus {
  readonly id: string;
  readonly role: KeyRole;
  readonly algorithm: number;
  readonly tag: number;
  /** `KSK 12345, algorithm 13 (ECDSAP256SHA256), to be used`. */
  readonly title: string;
  /** The events that the key waits for, one sentence each. */
  readonly waits: readonly string[];
  /** RDATA of its DS and of its DNSKEY record, in presentation format. */
  readonly ds: string;
  readonly dnskey: string;
  readonly records: Readonly<Record<KeyRecord, RecordState>>;
  readonly goal: KeyProgress['goal'];
  /** Seconds since 1970. */
  readonly created: number;
  /** Seconds since 1970: when its lifetime began; undefined: it has not. */
  readonly active: number | undefined;
}

/** Times are seconds since 1970. */
export interface DnssecStatus {
  readonly zone: string;
  /** Name of the policy that is in force; undefined: none. */
  readonly policy: string | undefined;
  /** `waiting`: it may not be signed yet. `leaving`: it is to be unsigned. `failed`: its last version could not be signed. */
  readonly state: 'unsigned' | 'signed' | 'waiting' | 'leaving' | 'failed';
  /** Why it waits, has failed, or is signed and bogus for resolvers that validate. */
  readonly reason?: string;
  /** A setting of the configuration, or its absence, that may be a mistake. */
  readonly warning?: string;
  readonly isFrozen: boolean;
  readonly keys: readonly KeyStatus[];
  /** When the next signatures are to be renewed; undefined: that is not known yet. */
  readonly signaturesDue?: number;
  /** When there is something to do next. */
  readonly next?: number;
  readonly lastParentLook?: { readonly at: number; readonly text: string };
  /** Keys of other signers in the content (RFC 8901): their tags, and a description of each. */
  readonly foreignKeys?: readonly { readonly tag: number; readonly text: string }[];
  /** The last look at the keys that other signers have. */
  readonly lastSignersLook?: { readonly at: number; readonly text: string };
}

interface Known {
  readonly wish: SigningWish;
  readonly failure: string | undefined;
  readonly look: ParentLook | undefined;
  readonly signersLook: SignersLook | undefined;
  readonly signaturesDue: number | undefined;
  readonly next: number | undefined;
  /** Seconds since 1970. */
  readonly now: number;
}

export function statusOf(zone: SigningZone, known: Known): DnssecStatus {
  const { wish, look, signersLook, signaturesDue, next } = known;
  const { kept } = zone;
  const { keys } = kept;
  const policy = policyInForce(kept, wish);
  const { state, reason } = stateOf(zone, known);
  return {
    zone: zone.zone,
    policy: policy?.name,
    state,
    ...(reason !== undefined && { reason }),
    ...(isOnlyKept(kept, wish) && { warning: onlyKeptText(zone.zone, kept) }),
    isFrozen: keys.isFrozen,
    keys: keysOf(zone, policy ?? kept.policy, known.now),
    ...(signaturesDue !== undefined && { signaturesDue }),
    ...(next !== undefined && { next }),
    ...(look !== undefined && { lastParentLook: { at: look.at, text: look.text } }),
    ...(keys.foreign.length > 0 && { foreignKeys: keys.foreign.map(foreignStatus) }),
    ...(signersLook !== undefined && { lastSignersLook: { at: signersLook.at, text: signersLook.text } }),
  };
}

function foreignStatus({ tag, algorithm, record }: ForeignKey): { readonly tag: number; readonly text: string } {
  const isKnown = record.state === 'omnipresent';
  const text = isKnown ? 'known to all resolvers' : 'resolvers may lack it; no new DS record is asked for';
  return { tag, text: `key ${tag} of another signer, ${algorithmText(algorithm)}: ${text}` };
}

/** The state of a zone without its keys, and the reason for it. */
export function stateOf(
  zone: SigningZone,
  { wish, failure, look }: Pick<Known, 'wish' | 'failure' | 'look'>,
): Pick<DnssecStatus, 'state' | 'reason'> {
  const reason = zone.damage?.message ?? failure;
  if (reason !== undefined) return { state: 'failed', reason };
  const { keys, policy: last } = zone.kept;
  const foreign = look?.isForeign ? { reason: `it ${foreignDsText(look, keys, zone.zone)}` } : undefined;
  const policy = policyInForce(zone.kept, wish);
  if (policy === undefined && last === undefined)
    return { state: 'waiting', reason: 'it has keys, but no policy of the configuration has it signed' };
  if (policy === undefined && keys.foreign.length > 0)
    return {
      state: 'leaving',
      reason: 'the content has keys of other signers: the zone stays signed until they are taken out of it',
    };
  if (policy === undefined) return { state: zone.kept.isUnsigned ? 'unsigned' : 'leaving' };
  if (keys.keys.length > 0) return { state: 'signed', ...foreign };
  if (keys.isFrozen) return { state: 'waiting', reason: 'all keys stand still by command' };
  if (foreign !== undefined && !keys.wasSigned) return { state: 'waiting', ...foreign };
  const seen = look === undefined ? 'they were not asked yet' : look.text;
  if (policy.rollover.isParentAsked)
    return { state: 'waiting', reason: `all servers of the parent have to say that there is no DS record: ${seen}` };
  if (keys.wasSigned)
    return {
      state: 'waiting',
      reason: `it was signed before, and an old DS record would make it bogus: once there is none, use adotd ctl dnssec start ${zone.zone}`,
    };
  return {
    state: 'waiting',
    reason: `resolvers are asked whether there is a DS record of another key: ${seen}; ${startText(zone.zone)}`,
  };
}

function keysOf(zone: SigningZone, policy: DnssecPolicy | undefined, now: number): KeyStatus[] {
  const { keys, dnskeys } = zone.kept;
  const reports = policy === undefined ? [] : describeKeys(keys, policy.rollover, now, zone.zone);
  return keys.keys.map(({ id, role, algorithm, tag, goal, created, active, records }, i) => {
    const dnskey = dnskeyOf(dnskeys, id);
    const { title = `${role.toUpperCase()} ${tag}`, waits = [] } = reports[i] ?? {};
    return {
      id,
      role,
      algorithm,
      tag,
      title,
      waits,
      ds: rdataToText(Type.DS, dsRdata(dnskey, zone.apex)),
      dnskey: rdataToText(Type.DNSKEY, dnskey),
      records: {
        dnskey: records.dnskey.state,
        krrsig: records.krrsig.state,
        zrrsig: records.zrrsig.state,
        ds: records.ds.state,
      },
      goal,
      created,
      active,
    };
  });
}
