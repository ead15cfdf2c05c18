/** Keys of maps: equal for owners that count as the same, and for records of an RRset that count as the same. */
import { LOWER, nameLength } from '../../protocol/name.js';
import { canonicalRdata } from '../../protocol/rdata/wire.js';

/** The name at the beginning of `owner`, in wire format; letter case does not count (RFC 4343). */
export function ownerKey(owner: Uint8Array): string {
  const length = nameLength(owner);
  const key = new Uint8Array(length);
  for (let i = 0; i < length; i++) key[i] = LOWER[owner[i]!]!;
  return textOf(key);
}

/** Uncompressed RDATA; records with the same canonical form are the same (RFC 4034 §6.3). */
export function rdataKey(type: number, rdata: Uint8Array): string {
  return textOf(canonicalRdata(type, rdata));
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}
