/**
 * DNSSEC algorithms (IANA "DNS Security Algorithm Numbers") that can be verified here. Not here: DSA (3, 6), RSA/MD5 (1),
 * GOST (12, 23), SM2 (17) and private algorithms (253, 254): node:crypto lacks them, or RFCs have retired them.
 * Signatures are made with those that RFC 8624 §3.1 does not discourage.
 */
import {
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { promisify } from 'node:util';
import { readU16 } from '../protocol/octets.js';

interface Algorithm {
  readonly mnemonic: string;
  /** Name of the digest for node:crypto; null where the algorithm has one of its own. */
  readonly digest: string | null;
  /** The public key as a JSON Web Key (RFC 7517); undefined when it has not the length or form that the RFC asks for. */
  jwk(publicKey: Uint8Array): JsonWebKey | undefined;
  /** Makes private keys; absent where no signatures are made. */
  readonly generation?: Generation;
}

interface Generation {
  /** `bits`: of the modulus, for RSA. */
  now(bits: number): KeyObject;
  /** In the pool of threads of libuv. */
  aside(bits: number): Promise<KeyObject>;
}

/** Bits of the modulus of RSA keys that are made here: `most` is the limit of DNSSEC (RFC 5702 §2); below `least`, keys can be broken. */
export const RSA_BITS = { least: 1024, default: 2048, most: 4096 } as const;

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

const generateAside = promisify(generateKeyPair);

const RSA: Generation = {
  now: (bits) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey,
  aside: async (bits) => (await generateAside('rsa', { modulusLength: bits })).privateKey,
};
const ellipticCurve = (namedCurve: string): Generation => ({
  now: () => generateKeyPairSync('ec', { namedCurve }).privateKey,
  aside: async () => (await generateAside('ec', { namedCurve })).privateKey,
});
const ED25519: Generation = {
  now: () => generateKeyPairSync('ed25519').privateKey,
  aside: async () => (await generateAside('ed25519', undefined)).privateKey,
};
const ED448: Generation = {
  now: () => generateKeyPairSync('ed448').privateKey,
  aside: async () => (await generateAside('ed448', undefined)).privateKey,
};

const ALGORITHMS: ReadonlyMap<number, Algorithm> = new Map<number, Algorithm>([
  [5, { mnemonic: 'RSASHA1', digest: 'sha1', jwk: rsaKey }], // RFC 3110
  [7, { mnemonic: 'RSASHA1-NSEC3-SHA1', digest: 'sha1', jwk: rsaKey }], // RFC 5155
  [8, { mnemonic: 'RSASHA256', digest: 'sha256', jwk: rsaKey, generation: RSA }], // RFC 5702
  [10, { mnemonic: 'RSASHA512', digest: 'sha512', jwk: rsaKey }], // RFC 5702
  [
    13,
    { mnemonic: 'ECDSAP256SHA256', digest: 'sha256', jwk: curveKey('P-256', 32), generation: ellipticCurve('P-256') },
  ], // RFC 6605
  [
    14,
    { mnemonic: 'ECDSAP384SHA384', digest: 'sha384', jwk: curveKey('P-384', 48), generation: ellipticCurve('P-384') },
  ], // RFC 6605
  [15, { mnemonic: 'ED25519', digest: null, jwk: edwardsKey('Ed25519', 32), generation: ED25519 }], // RFC 8080
  [16, { mnemonic: 'ED448', digest: null, jwk: edwardsKey('Ed448', 57), generation: ED448 }], // RFC 8080
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

/** `algorithm 13 (ECDSAP256SHA256)`, `algorithm 8 (RSASHA256), 2048 bits`. */
export function keyKindText(algorithm: number, bits: number | undefined): string {
  return bits === undefined ? algorithmText(algorithm) : `${algorithmText(algorithm)}, ${bits} bits`;
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

/** The mnemonic of an algorithm that is known here; its number as text otherwise. */
export function algorithmMnemonic(algorithm: number): string {
  return ALGORITHMS.get(algorithm)?.mnemonic ?? String(algorithm);
}

/** Whether signatures of this algorithm can be made here. */
export function canSign(algorithm: number): boolean {
  return ALGORITHMS.get(algorithm)?.generation !== undefined;
}

/** The mnemonics of the algorithms that signatures can be made with. */
export function signingMnemonics(): string[] {
  return [...ALGORITHMS].filter(([number]) => canSign(number)).map(([, { mnemonic }]) => mnemonic);
}

/** The algorithm of a mnemonic, in upper or lower case, or of a number as text; undefined when none is known here. */
export function algorithmNumber(text: string): number | undefined {
  const wanted = text.toUpperCase();
  return [...ALGORITHMS].find(([number, { mnemonic }]) => mnemonic === wanted || String(number) === text)?.[0];
}

/** Whether keys of this algorithm are of RSA, and so of different sizes. */
export function isRsa(algorithm: number): boolean {
  return ALGORITHMS.get(algorithm)?.jwk === rsaKey;
}

/** Bits of the modulus of an RSA key, as DNSKEY RDATA has it behind its four fixed octets; undefined: it is malformed. */
export function rsaBits(publicKey: Uint8Array): number | undefined {
  const modulus = Buffer.from(rsaKey(publicKey)?.n ?? '', 'base64url');
  const first = modulus.findIndex((octet) => octet !== 0);
  return first < 0 ? undefined : (modulus.length - first) * 8 - (Math.clz32(modulus[first]!) - 24);
}

/** Makes a private key; `algorithm` is one that canSign() knows, `bits` is for RSA. */
export function generatePrivateKey(algorithm: number, bits: number = RSA_BITS.default): KeyObject {
  return ALGORITHMS.get(algorithm)!.generation!.now(bits);
}

/** As generatePrivateKey(), while the event loop turns: a key of RSA takes a tenth of a second, or several. */
export function generatePrivateKeyAside(algorithm: number, bits: number = RSA_BITS.default): Promise<KeyObject> {
  return ALGORITHMS.get(algorithm)!.generation!.aside(bits);
}

/**
 * The public key of a private one, as DNSKEY RDATA has it behind its four fixed octets; undefined when the key is none of this
 * algorithm.
 */
export function publicKeyOctets(algorithm: number, key: KeyObject): Uint8Array | undefined {
  const { kty, crv, n, e, x, y } = createPublicKey(key).export({ format: 'jwk' });
  const octets = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
  const exponent = octets(e);
  const long = [0, exponent.length >> 8, exponent.length & 0xff];
  const parts =
    kty === 'RSA'
      ? [Buffer.from(exponent.length < 256 ? [exponent.length] : long), exponent, octets(n)]
      : [octets(x), octets(y)];
  const publicKey = Uint8Array.from(Buffer.concat(parts));
  const own = ALGORITHMS.get(algorithm)?.jwk(publicKey);
  return own !== undefined && own.kty === kty && own.crv === crv ? publicKey : undefined;
}

/** Signs data. `algorithm` is one that canSign() knows, and `key` a private key of it. */
export function makeSignature(algorithm: number, key: KeyObject, data: Uint8Array): Uint8Array {
  return sign(ALGORITHMS.get(algorithm)!.digest, data, { key, dsaEncoding: 'ieee-p1363' });
}
