/**
 * RRsets in canonical form (RFC 4034 §6), for signatures and for digests of zones. Hot file: octets and integers, no allocation
 * for RRsets of one record.
 */
import { Class } from '../protocol/iana.js';
import { LOWER } from '../protocol/name.js';
import { writeU16, writeU32 } from '../protocol/octets.js';
import { hasLoweredNames } from '../protocol/rdata/table.js';
import { canonicalRecords } from '../zone/order.js';
import { canonicalOf, type Rrsets } from '../zone/rrsets.js';
import type { RecordStore } from '../zone/store.js';

/** Octets of a record between owner and RDATA: type, class, TTL, length. */
const FIXED = 10;

/** Writes the node's name in lower case at out[0…]; returns its length in octets. */
export function writeCanonicalOwner(store: RecordStore, node: number, out: Uint8Array): number {
  const length = store.writeName(node, out, 0);
  // Length octets are below 64, and so no letters.
  for (let i = 0; i < length; i++) out[i] = LOWER[out[i]!]!;
  return length;
}

/** The octets that writeRrset() writes. */
export function rrsetLength({ store, start, records }: Rrsets, set: number, ownerLength: number): number {
  let length = 0;
  for (let i = start[set]!; i < start[set + 1]!; i++) length += ownerLength + FIXED + store.rdataLength[records[i]!]!;
  return length;
}

/**
 * Writes the records of an RRset in canonical form and order at out[to…], all with `ttl` (seconds), and returns where they
 * end. `owner` is that of writeCanonicalOwner().
 */
export function writeRrset(
  rrsets: Rrsets,
  set: number,
  owner: Uint8Array,
  ownerLength: number,
  ttl: number,
  out: Uint8Array,
  to: number,
): number {
  const first = rrsets.start[set]!;
  const { store } = rrsets;
  if (rrsets.start[set + 1]! - first === 1)
    return writeRecord(store, rrsets.records[first]!, owner, ownerLength, ttl, out, to);
  let end = to;
  for (const row of canonicalRecords(rrsets, set)) end = writeRecord(store, row, owner, ownerLength, ttl, out, end);
  return end;
}

/** As writeRrset(), of one record. */
export function writeRecord(
  store: RecordStore,
  row: number,
  owner: Uint8Array,
  ownerLength: number,
  ttl: number,
  out: Uint8Array,
  to: number,
): number {
  for (let i = 0; i < ownerLength; i++) out[to + i] = owner[i]!;
  const at = to + ownerLength;
  const type = store.type[row]!;
  const length = store.rdataLength[row]!;
  writeU16(out, at, type);
  writeU16(out, at + 2, Class.IN);
  writeU32(out, at + 4, ttl);
  writeU16(out, at + 8, length);
  const from = store.rdataAt[row]!;
  if (hasLoweredNames(type)) out.set(canonicalOf(store, row), at + FIXED);
  else for (let i = 0; i < length; i++) out[at + FIXED + i] = store.rdata[from + i]!;
  return at + FIXED + length;
}
