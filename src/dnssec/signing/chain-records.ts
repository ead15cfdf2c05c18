/** RDATA of the records that deny existence: NSEC (RFC 4034 §4), NSEC3 and NSEC3PARAM (RFC 5155 §3, §4). */

import { NSEC3_HASH_OCTETS, nsec3Hash } from '../../protocol/nsec3.js';
import { readU32 } from '../../protocol/octets.js';
import { MAX_TYPE_BITMAP, writeTypeBitmap } from '../../protocol/rdata/bitmap.js';

/** Hash algorithm SHA-1, flags 0, 0 additional iterations, a salt of 0 octets (RFC 9276 §3.1). */
export const NSEC3PARAM: Uint8Array = Uint8Array.of(1, 0, 0, 0, 0);
/** Seconds: only servers ask for NSEC3PARAM. */
export const NSEC3PARAM_TTL = 0;
const OPT_OUT = 1;
/** Octets of NSEC3 RDATA before the next hash when there is no salt. */
const NSEC3_FIXED = 6;

const NO_SALT = new Uint8Array(0);
const types = new Uint16Array(65_536);
const bitmap = new Uint8Array(MAX_TYPE_BITMAP);

function bitmapOf(list: readonly number[]): Uint8Array {
  types.set(list);
  return bitmap.subarray(0, writeTypeBitmap(types, list.length, bitmap));
}

/** `next`: the next name of the chain in lower case; `present`: the types that the bitmap names. */
export function nsecRdata(next: Uint8Array, present: readonly number[]): Uint8Array {
  const windows = bitmapOf(present);
  const rdata = new Uint8Array(next.length + windows.length);
  rdata.set(next);
  rdata.set(windows, next.length);
  return rdata;
}

/** `next`: the next hash of the chain; `present`: the types that the bitmap names. */
export function nsec3Rdata(next: Uint8Array, present: readonly number[], isOptOut: boolean): Uint8Array {
  const windows = bitmapOf(present);
  const rdata = new Uint8Array(NSEC3_FIXED + NSEC3_HASH_OCTETS + windows.length);
  rdata[0] = 1;
  rdata[1] = isOptOut ? OPT_OUT : 0;
  rdata[NSEC3_FIXED - 1] = NSEC3_HASH_OCTETS;
  rdata.set(next, NSEC3_FIXED);
  rdata.set(windows, NSEC3_FIXED + NSEC3_HASH_OCTETS);
  return rdata;
}

/** The hash of a name in lower case, without salt and additional iterations. */
export function hashOf(name: Uint8Array, length = name.length): Uint8Array {
  const hash = new Uint8Array(NSEC3_HASH_OCTETS);
  nsec3Hash(name, 0, length, NO_SALT, 0, 0, 0, hash, 0);
  return hash;
}

/** Whether an NSEC3 record belongs to a chain like those that are made here. */
export function isOwnNsec3(rdata: Uint8Array, isOptOut: boolean): boolean {
  return rdata[0] === 1 && rdata[1] === (isOptOut ? OPT_OUT : 0) && rdata[2] === 0 && rdata[3] === 0 && rdata[4] === 0;
}

/** Seconds: the TTL of NSEC and NSEC3 records, which is that of negative answers by the SOA record (RFC 9077 §3). */
export function denialTtl(soaTtl: number, soaRdata: Uint8Array): number {
  return Math.min(soaTtl, readU32(soaRdata, soaRdata.length - 4));
}
