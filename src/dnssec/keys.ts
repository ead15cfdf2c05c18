/** The DNSKEY records of a zone (RFC 4034 §2). */
import { Type } from '../protocol/iana.js';
import { readU16 } from '../protocol/octets.js';
import { findRrset, type Rrsets } from '../zone/rrsets.js';
import { isRsa, rsaBits } from './algorithms.js';

/** Flags of DNSKEY RDATA: the key may verify RRsets of the zone (RFC 4034 §2.1.1), it is revoked (RFC 5011 §2.1). */
const ZONE_KEY = 0x0100;
const REVOKED = 0x0080;
/** The only value of the field "protocol" (RFC 4034 §2.1.2). */
const PROTOCOL = 3;
/** Where DNSKEY RDATA has the algorithm; CDNSKEY RDATA is the same. */
const ALGORITHM = 3;
/** Octets of DNSKEY RDATA before the public key. */
const FIXED = 4;

export interface ZoneKey {
  /** The record's row in the store. */
  readonly row: number;
  readonly tag: number;
  readonly algorithm: number;
  /** Whether it may verify RRsets of the zone: a revoked key verifies only the DNSKEY RRset, and nobody trusts it. */
  readonly isUsable: boolean;
  readonly isRevoked: boolean;
  readonly publicKey: Uint8Array;
}

/** The keys at the apex; none without a DNSKEY RRset. */
export function zoneKeys(rrsets: Rrsets, apex: number): readonly ZoneKey[] {
  const { store, start, records } = rrsets;
  const set = findRrset(rrsets, apex, Type.DNSKEY);
  if (set < 0) return [];
  const rows = Array.from(records.subarray(start[set]!, start[set + 1]!));
  return rows.map((row) => {
    const at = store.rdataAt[row]!;
    return zoneKey(row, store.rdata.subarray(at, at + store.rdataLength[row]!));
  });
}

/** Keys by tag and algorithm: signatures name both, and several keys may share them. */
export class KeyIndex {
  readonly #keys = new Map<number, ZoneKey[]>();

  constructor(keys: readonly ZoneKey[]) {
    for (const key of keys) {
      const name = key.tag * 256 + key.algorithm;
      const same = this.#keys.get(name);
      if (same === undefined) this.#keys.set(name, [key]);
      else same.push(key);
    }
  }

  /** The keys of this tag and algorithm. */
  find(tag: number, algorithm: number): readonly ZoneKey[] {
    return this.#keys.get(tag * 256 + algorithm) ?? NO_KEYS;
  }
}

const NO_KEYS: readonly ZoneKey[] = [];

function zoneKey(row: number, rdata: Uint8Array): ZoneKey {
  const flags = readU16(rdata, 0);
  const isRevoked = (flags & REVOKED) !== 0;
  return {
    row,
    tag: keyTag(rdata),
    algorithm: algorithmOf(rdata),
    isUsable: (flags & ZONE_KEY) !== 0 && !isRevoked && rdata[2] === PROTOCOL,
    isRevoked,
    publicKey: rdata.subarray(FIXED),
  };
}

/** The algorithm of DNSKEY RDATA; 0 where it ends before. */
export function algorithmOf(rdata: Uint8Array): number {
  return rdata[ALGORITHM] ?? 0;
}

/** The bits of an RSA key in DNSKEY RDATA; undefined: it is of another algorithm. */
export function bitsOf(rdata: Uint8Array): number | undefined {
  return isRsa(algorithmOf(rdata)) ? rsaBits(rdata.subarray(FIXED)) : undefined;
}

/** The key tag of DNSKEY RDATA (RFC 4034 appendix B). Not here: that of algorithm 1, which nobody uses any more. */
export function keyTag(rdata: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < rdata.length; i++) sum += (i & 1) === 0 ? rdata[i]! * 256 : rdata[i]!;
  return (sum + Math.floor(sum / 65_536)) & 0xffff;
}
