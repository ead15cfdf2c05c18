/** The private keys of a zone, and the DNSKEY records that publish them (RFC 4034 §2). */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { AdotdError, ErrorCode, messageOf } from '../../errors.js';
import { algorithmText, canSign, generatePrivateKey, generatePrivateKeyAside, publicKeyOctets } from '../algorithms.js';
import { keyTag } from '../keys.js';

/** A key that can sign. */
export interface SigningKey {
  readonly algorithm: number;
  readonly tag: number;
  /** Whether the bit SEP is set (RFC 4034 §2.1.1): the key is a KSK, or a KSK and ZSK in one. */
  readonly isEntryPoint: boolean;
  readonly privateKey: KeyObject;
  /** RDATA of its DNSKEY record. */
  readonly dnskey: Uint8Array;
}

/** Flags of DNSKEY RDATA (RFC 4034 §2.1.1), and its field "protocol" (§2.1.2). */
const ZONE = 0x01;
const ENTRY_POINT = 0x01;
const PROTOCOL = 3;

/** A key of the octets of a private key. Throws ADOTD_DNSSEC_KEY when it is not one of this algorithm. */
export function signingKey(algorithm: number, isEntryPoint: boolean, privateKey: KeyObject): SigningKey {
  checkAlgorithm(algorithm);
  const publicKey = publicKeyOctets(algorithm, privateKey);
  if (publicKey === undefined) {
    const found = `found a private key of type ${privateKey.asymmetricKeyType}`;
    throw new AdotdError(ErrorCode.DNSSEC_KEY, `${found}, expected one for ${algorithmText(algorithm)}`);
  }
  const dnskey = Uint8Array.of(ZONE, isEntryPoint ? ENTRY_POINT : 0, PROTOCOL, algorithm, ...publicKey);
  return { algorithm, tag: keyTag(dnskey), isEntryPoint, privateKey, dnskey };
}

/**
 * Makes a key whose tag is none of `taken`: a signature names its key by tag and algorithm only, so that a validator has to try
 * all keys of one tag. `bits`: of RSA. Throws ADOTD_DNSSEC_KEY for an algorithm that is not used to sign.
 */
export function generateKey(
  algorithm: number,
  isEntryPoint: boolean,
  taken: Iterable<number> = [],
  bits?: number,
): SigningKey {
  checkAlgorithm(algorithm);
  const tags = new Set(taken);
  for (;;) {
    const key = signingKey(algorithm, isEntryPoint, generatePrivateKey(algorithm, bits));
    if (isFree(key, tags)) return key;
  }
}

/** Makes a key as generateKey() does, while the event loop turns. Rejects with ADOTD_DNSSEC_KEY as that throws. */
export async function generateKeyAside(
  algorithm: number,
  isEntryPoint: boolean,
  taken: Iterable<number> = [],
  bits?: number,
): Promise<SigningKey> {
  checkAlgorithm(algorithm);
  const tags = new Set(taken);
  for (;;) {
    const key = signingKey(algorithm, isEntryPoint, await generatePrivateKeyAside(algorithm, bits));
    if (isFree(key, tags)) return key;
  }
}

/** A revoked key has a tag of its own (RFC 5011 §3), which must be free as well. */
function isFree({ tag }: SigningKey, taken: ReadonlySet<number>): boolean {
  return !taken.has(tag) && !taken.has(tag + REVOKED);
}

/** The flag REVOKED adds this to a key tag. */
const REVOKED = 128;

function checkAlgorithm(algorithm: number): void {
  if (canSign(algorithm)) return;
  const found = `found a key of ${algorithmText(algorithm)}`;
  throw new AdotdError(ErrorCode.DNSSEC_KEY, `${found}, expected one of algorithm 8, 13, 14, 15 or 16`);
}

/** The private key as PEM of PKCS#8 (RFC 5958). */
export function keyToPem({ privateKey }: SigningKey): string {
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

/** Reads a private key in PEM. `place` names the file in errors. Throws ADOTD_DNSSEC_KEY. */
export function keyFromPem(pem: string, algorithm: number, isEntryPoint: boolean, place: string): SigningKey {
  try {
    return signingKey(algorithm, isEntryPoint, createPrivateKey(pem));
  } catch (error) {
    const reason = error instanceof AdotdError ? messageOf(error) : 'expected a private key in PEM (PKCS#8)';
    throw new AdotdError(ErrorCode.DNSSEC_KEY, `${place}: ${reason}`, { cause: error });
  }
}
