/**
 * DS records that carry records of the child to its resolvers, signed by the parent (DS glue, draft-schwartz-ds-glue). IANA has
 * assigned no numbers for it, nor for the digest VERBATIM (draft-vandijk-dnsop-ds-digest-verbatim): the caller chooses them.
 *
 * Not here: records that deny others (NSEC, NSEC3).
 */
import { Type } from '../protocol/iana.js';
import { LOWER, labelCount, suffixAt } from '../protocol/name.js';
import { keyTag } from './keys.js';

export interface GlueNumbers {
  readonly algorithm: number;
  readonly digestType: number;
}

/** A record below the apex of the child, or at it. */
export interface SourceRecord {
  /** Wire format. */
  readonly owner: Uint8Array;
  readonly type: number;
  readonly rdata: Uint8Array;
}

/** Flags SEP, protocol 3 ("Encoding"). */
const FIXED = [0, 1, 3];

/** RDATA of a DS record with owner `apex`, for a DNSKEY record that stands for the source record. Names are in wire format. */
export function dsGlueRdata(
  apex: Uint8Array,
  source: SourceRecord,
  { algorithm, digestType }: GlueNumbers,
): Uint8Array {
  const { owner, type, rdata } = source;
  const end = suffixAt(owner, 0, apex, labelCount(apex));
  if (end < 0) throw new RangeError('the owner of a source record is not below the apex');
  const prefix = lowerCase(owner.subarray(0, end));
  // RFC 4034 §6.2: of the types that are glue, NS alone has a name without letter case.
  const canonical = type === Type.NS ? lowerCase(rdata) : rdata;
  const key = Uint8Array.from([...FIXED, algorithm, type >> 8, type & 255, ...canonical]);
  const tag = keyTag(key);
  return Uint8Array.from([tag >> 8, tag & 255, algorithm, digestType, ...prefix, 0, ...key]);
}

/** The octets of length are below those of letters. */
function lowerCase(name: Uint8Array): Uint8Array {
  return name.map((octet) => LOWER[octet]!);
}
