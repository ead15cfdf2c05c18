/**
 * Keys and algorithms of TSIG (RFC 8945 §6). NOT here: hmac-md5, which is broken and for which §6 says "MUST NOT", GSS-TSIG
 * (RFC 3645), and TKEY (RFC 2930).
 */
import { nameFromText } from '../name.js';

interface TsigAlgorithm {
  /** As in configuration files: without the final dot. */
  readonly name: string;
  /** Its name in wire format, in lower case. */
  readonly wire: Uint8Array;
  /** The name of the hash in node:crypto. */
  readonly hash: string;
  /** Octets of the whole MAC. */
  readonly octets: number;
}

const algorithm = (name: string, hash: string, octets: number): TsigAlgorithm => ({
  name,
  wire: nameFromText(name),
  hash,
  octets,
});

/** RFC 8945 §6, table 3. hmac-sha1 must be implemented, and is not recommended. */
export const TSIG_ALGORITHMS: readonly TsigAlgorithm[] = [
  algorithm('hmac-sha1', 'sha1', 20),
  algorithm('hmac-sha224', 'sha224', 28),
  algorithm('hmac-sha256', 'sha256', 32),
  algorithm('hmac-sha384', 'sha384', 48),
  algorithm('hmac-sha512', 'sha512', 64),
];

/** A key that a server and its peers share. */
export interface TsigKey {
  /** In wire format and lower case. */
  readonly name: Uint8Array;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Uint8Array;
  /** Octets of the MACs that are made with it, and the least that are accepted (RFC 8945 §5.2.2.1). */
  readonly macOctets: number;
}

/** The fewest octets of a truncated MAC: ten, and half of the whole (RFC 8945 §5.2.2.1). */
export function leastMac({ octets }: TsigAlgorithm): number {
  return Math.max(10, octets / 2);
}

/** Whether two names in wire format and lower case are the same. */
export function isSameName(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Keys by their names; keyNamed() finds one. */
export type TsigKeys = ReadonlyMap<string, TsigKey>;

/** Keys whose names differ. */
export function tsigKeys(keys: readonly TsigKey[]): TsigKeys {
  return new Map(keys.map((key) => [nameText(key.name), key]));
}

/** The key of a name in wire format and lower case. */
export function keyNamed(keys: TsigKeys, name: Uint8Array): TsigKey | undefined {
  return keys.get(nameText(name));
}

function nameText(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
}
