/**
 * RDATA that is well formed on the wire, but whose content contradicts the specification of its type. Resolvers that check
 * it take the whole answer for malformed: BIND's say SERVFAIL. So a zone file with such a record has an error (scan.ts).
 * checkRdata() (wire.ts) does not judge content: records that came in a zone transfer can be served all the same.
 */
import { nameLength } from '../name.js';
import { readU16 } from '../octets.js';
import { substitutionMistake } from '../substitution.js';
import { checkName } from './names.js';

/** Why the specification of the type rules out the content of the well-formed RDATA wire[at … end); undefined: it does not. */
export type ContentJudge = (wire: Uint8Array, at: number, end: number) => string | undefined;

/** Octets of fingerprints by type (RFC 4255 §3.1.2, RFC 6594 §3). */
const FINGERPRINTS: ReadonlyMap<number, number> = new Map([
  [1, 20], // SHA-1
  [2, 32], // SHA-256
]);

/** SSHFP: the fingerprint is as long as its type says. */
export const fingerprintMistake: ContentJudge = (wire, at, end) => {
  const type = wire[at + 1]!;
  const expected = FINGERPRINTS.get(type);
  const length = end - at - 2;
  if (expected === undefined || length === expected) return undefined;
  return `a fingerprint of ${length} octets; one of type ${type} has ${expected}`;
};

/** NSEC: the owner has the NSEC record itself, so that the set of types is never empty (RFC 4034 §4.1.2). */
export const nsecMistake: ContentJudge = (wire, at, end) =>
  at + nameLength(wire, at) === end ? 'no types; an NSEC record lists at least NSEC and RRSIG' : undefined;

/** Hash algorithm of NSEC3, and the octets of its hashes (RFC 5155 §11). */
const SHA1 = 1;
const SHA1_OCTETS = 20;

/** NSEC3: the next hash is as long as its algorithm says. */
export const nsec3Mistake: ContentJudge = (wire, at) => {
  const length = wire[at + 5 + wire[at + 4]!]!;
  if (wire[at] !== SHA1 || length === SHA1_OCTETS) return undefined;
  return `a next hashed owner of ${length} octets; one of algorithm 1 has ${SHA1_OCTETS}`;
};

const PRIVATEDNS = 253;
const PRIVATEOID = 254;

/** Octets of DNSKEY RDATA before the public key (RFC 4034 §2.1). */
const KEY_FIXED = 4;

/** DNSKEY and types like it: a key of a private algorithm begins with the algorithm's name or OID (RFC 4034 appendix A.1.1). */
export const keyMistake: ContentJudge = (wire, at, end) => {
  const algorithm = wire[at + 3];
  const key = at + KEY_FIXED;
  if (algorithm === PRIVATEDNS && checkName(wire, key, end) < 0)
    return 'a key of algorithm 253 that does not begin with a domain name, which says what it is';
  if (algorithm === PRIVATEOID && (key >= end || wire[key] === 0 || key + 1 + wire[key]! > end))
    return 'a key of algorithm 254 that does not begin with an OID behind its length, which says what it is';
  return undefined;
};

/** Both bits of the flags of KEY: there is no key (RFC 2535 §3.1.2). */
const NO_KEY = 0xc000;

/** KEY: there is a key, unless the flags say that there is none. */
export const oldKeyMistake: ContentJudge = (wire, at, end) => {
  const hasKey = end > at + KEY_FIXED;
  if ((readU16(wire, at) & NO_KEY) === NO_KEY)
    return hasKey ? 'a key although its flags say that there is none' : undefined;
  return hasKey ? keyMistake(wire, at, end) : 'no key although its flags say that there is one';
};

/** RKEY: all flags are reserved and zero (draft-reid-dnsext-rkey §2.1.1). */
export const resourceKeyMistake: ContentJudge = (wire, at, end) => {
  const flags = readU16(wire, at);
  return flags === 0 ? keyMistake(wire, at, end) : `flags of ${flags}, which are reserved; expected 0`;
};

/** Octets of RRSIG RDATA before the signer, and the place of the number of labels (RFC 4034 §3.1). */
const SIGNER = 18;
const LABELS = 3;

/** RRSIG: the owner is in the signer's zone, so that it has as many labels at least (RFC 4035 §5.3.1). */
export const signatureMistake: ContentJudge = (wire, at) => {
  let labels = 0;
  for (let label = at + SIGNER; wire[label] !== 0; label += wire[label]! + 1) labels++;
  const owner = wire[at + LABELS]!;
  return labels <= owner ? undefined : `an owner of ${owner} labels; its signer alone has ${labels}`;
};

/** IPSECKEY: there is a key, unless the algorithm is 0 (RFC 4025 §2.4). */
export const ipsecKeyMistake: ContentJudge = (wire, at, end) => {
  const [type, algorithm] = [wire[at + 1]!, wire[at + 2]!];
  const gateway = at + 3;
  const key = type === 3 ? gateway + nameLength(wire, gateway) : gateway + (GATEWAYS[type] ?? 0);
  return key < end || algorithm === 0 ? undefined : `no key; only algorithm 0 has none, not ${algorithm}`;
};

/** Octets of gateways by type (RFC 4025 §2.3). */
const GATEWAYS: readonly number[] = [0, 4, 16];

/** Digits of the shortest address: its country and network (RFC 1183 §3.1). */
const X25_DIGITS = 4;

/** X25: an address is digits. */
export const x25Mistake: ContentJudge = (wire, at, end) => {
  const text = Buffer.from(wire.subarray(at + 1, end)).toString('latin1');
  return /^[0-9]+$/.test(text) && text.length >= X25_DIGITS
    ? undefined
    : `an address other than ${X25_DIGITS} or more digits`;
};

/** LOC of version 0: sizes and precisions of zero have no exponent (RFC 1876 §2). */
export const locationMistake: ContentJudge = (wire, at) => {
  if (wire[at] !== 0) return undefined;
  for (let i = at + 1; i <= at + 3; i++)
    if (wire[i]! >> 4 === 0 && (wire[i]! & 15) !== 0) return 'a size or precision of zero with an exponent';
  return undefined;
};

/** Octets of WKS RDATA before the bitmap. */
const WKS_FIXED = 5;

/** WKS: the bitmap ends with the last service (RFC 1035 §3.4.2). */
export const servicesMistake: ContentJudge = (wire, at, end) =>
  end > at + WKS_FIXED && wire[end - 1] === 0 ? 'a bitmap that ends in a zero octet' : undefined;

/** NXT: bit 0 says that the bitmap has another form, which was never specified (RFC 2535 §5.2). */
export const nxtMistake: ContentJudge = (wire, at, end) => {
  const bitmap = at + nameLength(wire, at);
  return bitmap < end && (wire[bitmap]! & 0x80) !== 0 ? 'type 0 in its bitmap' : undefined;
};

/** NAPTR: the regular expression is a substitution expression (RFC 3402 §3.2), or empty. */
export const naptrMistake: ContentJudge = (wire, at) => {
  // Behind order and preference: flags, services, regular expression.
  let string = at + 4;
  for (let i = 0; i < 2; i++) string += wire[string]! + 1;
  return substitutionMistake(wire.subarray(string + 1, string + 1 + wire[string]!));
};
