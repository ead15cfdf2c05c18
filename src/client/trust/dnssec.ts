/**
 * Verifies RRsets by DNSSEC (RFC 4033 to 4035), from a trust anchor of the zone that they are in.
 *
 * Not here: the way from the root or another zone above, by DS records; denial of existence; wildcards; algorithms that RFC 9905 forbids.
 */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { Type } from '../../protocol/iana.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import type { ResourceRecord } from '../wire/message.js';
import { sameName, textToName } from '../wire/names.js';
import { rdataFromText } from '../wire/rdata/from-text.js';

/** A key of a zone, or its digest, that the caller trusts. */
export interface TrustAnchor {
  readonly zone: Uint8Array;
  readonly type: number;
  readonly rdata: Uint8Array;
}

/** A curve by its algorithm (RFC 6605, RFC 8080), with the octets of a coordinate, and the hash of the signed octets. */
const CURVES: Readonly<
  Record<number, { readonly kty: string; readonly crv: string; readonly octets: number; readonly hash: string | null }>
> = {
  13: { kty: 'EC', crv: 'P-256', octets: 32, hash: 'sha256' },
  14: { kty: 'EC', crv: 'P-384', octets: 48, hash: 'sha384' },
  15: { kty: 'OKP', crv: 'Ed25519', octets: 32, hash: null },
  16: { kty: 'OKP', crv: 'Ed448', octets: 57, hash: null },
};
/** RFC 5702. */
const RSA_HASHES: Readonly<Record<number, string>> = { 8: 'sha256', 10: 'sha512' };
/** Digests of DS records (RFC 4509, RFC 6605 §2). */
const DIGESTS: Readonly<Record<number, string>> = { 2: 'sha256', 4: 'sha384' };
/** Octets of RRSIG RDATA before the signer's name, and of DNSKEY and DS RDATA before the key or digest. */
const RRSIG_FIXED = 18;
const DNSKEY_FIXED = 4;
const DS_FIXED = 4;
/** Zone key, not revoked (RFC 4034 §2.1.1, RFC 5011 §2.1). */
const ZONE_KEY = 0x0100;
const REVOKED = 0x0080;

/** DS and DNSKEY records of zones, a line each, with comments behind `;`, as `adotd keys zone` prints them. Throws CLIENT_INPUT. */
export function trustAnchors(text: string): TrustAnchor[] {
  const lines = text.split('\n').map((line) => line.replace(/;.*/, '').trim());
  const anchors = lines.flatMap((line): TrustAnchor[] => {
    if (line === '') return [];
    const found = /^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(DS|DNSKEY)\s+(.+)$/i.exec(line);
    const [, name = '', type = '', rdata = ''] = found ?? [];
    if (found === null) throw wrong(line);
    const number = type.toUpperCase() === 'DS' ? Type.DS : Type.DNSKEY;
    return [{ zone: textToName(name), type: number, rdata: rdataFromText(number, rdata) }];
  });
  if (anchors.length === 0) throw wrong(text.trim());
  return anchors;
}

function wrong(found: string): ClientError {
  const message = `found ${JSON.stringify(found.slice(0, 80))}, expected DS or DNSKEY records as trust anchors, such as "example.net. IN DS 12345 13 2 4B20…"`;
  return new ClientError(ClientErrorCode.INPUT, message);
}

/** The anchors of the closest zone that a name is in; none: no anchor is of use. */
export function anchorsFor(anchors: readonly TrustAnchor[], name: Uint8Array): TrustAnchor[] {
  const above = anchors.filter(({ zone }) => isWithin(name, zone));
  const longest = Math.max(0, ...above.map(({ zone }) => zone.length));
  return above.filter(({ zone }) => zone.length === longest);
}

function isWithin(name: Uint8Array, zone: Uint8Array): boolean {
  for (let at = 0; ; at += 1 + (name[at] ?? 0)) {
    if (sameName(name.subarray(at), zone)) return true;
    if ((name[at] ?? 0) === 0) return false;
  }
}

/**
 * The keys of a zone, as RDATA: of its DNSKEY RRset, which a key that the anchors name has signed. An empty list: the RRset is not
 * verified. `records`: of the answer; `now`: seconds since 1970.
 */
export function verifiedKeys(
  anchors: readonly TrustAnchor[],
  records: readonly ResourceRecord[],
  now: number,
): Uint8Array[] {
  const [anchor] = anchors;
  if (anchor === undefined) return [];
  const keys = records.filter(({ type, owner }) => type === Type.DNSKEY && sameName(owner, anchor.zone));
  const rdatas = keys.map(({ rdata }) => rdata);
  const trusted = rdatas.filter((key) => anchors.some((one) => isOfAnchor(key, one)));
  return isVerified(keys, records, anchor.zone, trusted, now) ? rdatas : [];
}

function isOfAnchor(key: Uint8Array, { zone, type, rdata }: TrustAnchor): boolean {
  if (type === Type.DNSKEY) return Buffer.compare(key, rdata) === 0;
  const digest = DIGESTS[rdata[3] ?? 0];
  if (digest === undefined || rdata[2] !== key[3]) return false;
  const found = createHash(digest).update(lowerCase(zone)).update(key).digest();
  return found.equals(rdata.subarray(DS_FIXED));
}

/** Whether one of the keys, as RDATA, has signed the RRset. `records`: of the answer, the RRset's RRSIG records among them. */
export function isVerified(
  rrset: readonly ResourceRecord[],
  records: readonly ResourceRecord[],
  zone: Uint8Array,
  keys: readonly Uint8Array[],
  now: number,
): boolean {
  const [first] = rrset;
  if (first === undefined) return false;
  const signatures = records.filter(
    ({ type, owner, rdata }) => type === Type.RRSIG && sameName(owner, first.owner) && u16(rdata, 0) === first.type,
  );
  return signatures.some(({ rdata }) => keys.some((key) => isSignedBy(rrset, rdata, zone, key, now)));
}

function isSignedBy(
  rrset: readonly ResourceRecord[],
  rrsig: Uint8Array,
  zone: Uint8Array,
  key: Uint8Array,
  now: number,
): boolean {
  const { owner } = rrset[0]!;
  const end = RRSIG_FIXED + zone.length;
  const flags = u16(key, 0);
  const isKey = (flags & ZONE_KEY) !== 0 && (flags & REVOKED) === 0 && key[2] === 3;
  if (!isKey || !sameName(rrsig.subarray(RRSIG_FIXED, end), zone) || rrsig[2] !== key[3]) return false;
  // With fewer labels, the record comes from a wildcard, which needs a proof as well.
  if (rrsig[3] !== labelsOf(owner) || u16(rrsig, 16) !== keyTag(key)) return false;
  // Serial number arithmetic (RFC 4034 §3.1.5).
  if (((u32(rrsig, 8) - now) | 0) < 0 || ((now - u32(rrsig, 12)) | 0) < 0) return false;
  const data = [
    Buffer.from(rrsig.subarray(0, RRSIG_FIXED)),
    lowerCase(zone),
    ...canonical(rrset, rrsig.subarray(4, 8)),
  ];
  return isSignature(key, Buffer.concat(data), rrsig.subarray(end));
}

/** RFC 4034 §6. The types that are verified here have no names that are compared without letter case. */
function canonical(rrset: readonly ResourceRecord[], ttl: Uint8Array): Buffer[] {
  const rdatas = rrset.map(({ rdata }) => Buffer.from(rdata)).sort(Buffer.compare);
  const { owner, type, class: of } = rrset[0]!;
  return rdatas.flatMap((rdata) => {
    const numbers = [type >> 8, type & 255, of >> 8, of & 255, ...ttl, rdata.length >> 8, rdata.length & 255];
    return [lowerCase(owner), Buffer.from(numbers), rdata];
  });
}

function isSignature(key: Uint8Array, data: Buffer, signature: Uint8Array): boolean {
  const algorithm = key[3] ?? 0;
  const curve = CURVES[algorithm];
  const hash = curve === undefined ? RSA_HASHES[algorithm] : curve.hash;
  if (hash === undefined) return false;
  try {
    const publicKey = curve === undefined ? rsaKey(key) : curveKey(key, curve);
    return verify(hash, data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    // The key is none.
    return false;
  }
}

function curveKey(key: Uint8Array, { kty, crv, octets }: (typeof CURVES)[number]): KeyObject {
  const text = (from: number): string => Buffer.from(key.subarray(from, from + octets)).toString('base64url');
  const jwk: JsonWebKey = { kty, crv, x: text(DNSKEY_FIXED), ...(kty === 'EC' && { y: text(DNSKEY_FIXED + octets) }) };
  return createPublicKey({ key: jwk, format: 'jwk' });
}

/** RFC 3110 §2. */
function rsaKey(key: Uint8Array): KeyObject {
  const isLong = key[DNSKEY_FIXED] === 0;
  const at = DNSKEY_FIXED + (isLong ? 3 : 1);
  const end = at + (isLong ? u16(key, DNSKEY_FIXED + 1) : (key[DNSKEY_FIXED] ?? 0));
  const text = (from: number, to?: number): string => Buffer.from(key.subarray(from, to)).toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', e: text(at, end), n: text(end) }, format: 'jwk' });
}

/** RFC 4034 appendix B. */
function keyTag(key: Uint8Array): number {
  const sum = key.reduce((all, octet, index) => all + (index % 2 === 0 ? octet << 8 : octet), 0);
  return (sum + ((sum >> 16) & 0xffff)) & 0xffff;
}

function labelsOf(name: Uint8Array): number {
  let count = 0;
  for (let at = 0; (name[at] ?? 0) !== 0; at += 1 + name[at]!) count++;
  return count;
}

/** The octets of length are below those of letters. */
function lowerCase(name: Uint8Array): Buffer {
  return Buffer.from(name.map((octet) => (octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet)));
}

const u16 = (octets: Uint8Array, at: number): number => ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
const u32 = (octets: Uint8Array, at: number): number => u16(octets, at) * 65_536 + u16(octets, at + 2);
