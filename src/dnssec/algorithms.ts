/**
 * DNSSEC algorithms (IANA "DNS Security Algorithm Numbers") that can be verified here. Not here: DSA (3, 6), RSA/MD5 (1),
 * GOST (12, 23), SM2 (17) and private algorithms (253, 254), which node:crypto or the RFCs that retire them leave out.
 */
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { readU16 } from '../protocol/octets.js';

interface Algorithm {
  readonly mnemonic: string;
  /** Name of the digest for node:crypto; null where the algorithm has one of its own. */
  readonly digest: string | null;
  /** The public key as a JSON Web Key (RFC 7517); undefined when it has not the length or form that the RFC asks for. */
  jwk(publicKey: Uint8Array): JsonWebKey | undefined;
}

function base64url(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('base64url');
}

/** RFC 3110 §2: the length of the exponent in one octet, or in two behind a zero; exponent; modulus. */
function rsaKey(publicKey: Uint8Array): JsonWebKey | undefined {
  const isLong = publicKey[0] === 0;
  const at = isLong ? 3 : 1;
  const length = isLong ? readU16(publicKey, 1) : publicKey[0]!;
  if (length === 0 || publicKey.length <= at + length) return undefined;
  return {
    kty: 'RSA',
    e: base64url(publicKey.subarray(at, at + length)),
    n: base64url(publicKey.subarray(at + length)),
  };
}

/** RFC 6605 §4: the coordinates of the point, one behind the other. */
function curveKey(curve: string, octets: number): (publicKey: Uint8Array) => JsonWebKey | undefined {
  return (publicKey) =>
    publicKey.length === 2 * octets
      ? { kty: 'EC', crv: curve, x: base64url(publicKey.subarray(0, octets)), y: base64url(publicKey.subarray(octets)) }
      : undefined;
}

/** RFC 8080 §3. */
function edwardsKey(curve: string, octets: number): (publicKey: Uint8Array) => JsonWebKey | undefined {
  return (publicKey) => (publicKey.length === octets ? { kty: 'OKP', crv: curve, x: base64url(publicKey) } : undefined);
}

const ALGORITHMS: ReadonlyMap<number, Algorithm> = new Map([
  [5, { mnemonic: 'RSASHA1', digest: 'sha1', jwk: rsaKey }], // RFC 3110
  [7, { mnemonic: 'RSASHA1-NSEC3-SHA1', digest: 'sha1', jwk: rsaKey }], // RFC 5155
  [8, { mnemonic: 'RSASHA256', digest: 'sha256', jwk: rsaKey }], // RFC 5702
  [10, { mnemonic: 'RSASHA512', digest: 'sha512', jwk: rsaKey }], // RFC 5702
  [13, { mnemonic: 'ECDSAP256SHA256', digest: 'sha256', jwk: curveKey('P-256', 32) }], // RFC 6605
  [14, { mnemonic: 'ECDSAP384SHA384', digest: 'sha384', jwk: curveKey('P-384', 48) }], // RFC 6605
  [15, { mnemonic: 'ED25519', digest: null, jwk: edwardsKey('Ed25519', 32) }], // RFC 8080
  [16, { mnemonic: 'ED448', digest: null, jwk: edwardsKey('Ed448', 57) }], // RFC 8080
]);

/** Whether signatures of this algorithm can be verified here. */
export function isKnownAlgorithm(algorithm: number): boolean {
  return ALGORITHMS.has(algorithm);
}

/** `algorithm 13 (ECDSAP256SHA256)`, `algorithm 12`. */
export function algorithmText(algorithm: number): string {
  const known = ALGORITHMS.get(algorithm);
  return known === undefined ? `algorithm ${algorithm}` : `algorithm ${algorithm} (${known.mnemonic})`;
}

/** The public key of a DNSKEY record; undefined when it is malformed. `algorithm` has to be a known one. */
export function importPublicKey(algorithm: number, publicKey: Uint8Array): KeyObject | undefined {
  const key = ALGORITHMS.get(algorithm)?.jwk(publicKey);
  if (key === undefined) return undefined;
  try {
    // Read from DER, a key is OpenSSL's own, and verifies faster than one that is put together from numbers.
    const der = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'der' });
    return createPublicKey({ key: der, type: 'spki', format: 'der' });
  } catch {
    // The octets are no point of the curve, or no modulus that OpenSSL takes.
    return undefined;
  }
}

/**
 * Whether a signature is valid; undefined when the system's crypto policy forbids the algorithm (SHA-1 in some
 * distributions). `algorithm` has to be a known one.
 */
export function isValidSignature(
  algorithm: number,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean | undefined {
  const digest = ALGORITHMS.get(algorithm)?.digest ?? null;
  try {
    // DNSSEC writes r and s of ECDSA one behind the other (RFC 6605 §4), as IEEE P1363 does.
    return verify(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
  } catch {
    return undefined;
  }
}
