/** The NSEC3 chain of a zone in columns, in order of hash. Hot file: integers and octets, no object per record. */
import { base32hexToText, decodeBase32hex } from '../protocol/base32hex.js';
import { Type } from '../protocol/iana.js';
import { NSEC3_HASH_OCTETS } from '../protocol/nsec3.js';
import type { Report } from './record-report.js';
import { findRrset, type Rrsets } from './rrsets.js';
import type { RecordStore } from './store.js';

/** The parameters of an NSEC3PARAM record (RFC 5155 §4.2); the hash algorithm is SHA-1. */
export interface HashParameters {
  /** The record's row in the store. */
  readonly row: number;
  readonly iterations: number;
  /** Where the salt is in the store's RDATA. */
  readonly saltAt: number;
  readonly saltLength: number;
}

/** Entries in order of hash; entry i has its hashes at `i * NSEC3_HASH_OCTETS`. */
export interface HashChain {
  readonly count: number;
  /** Hashes of owners. */
  readonly hashes: Uint8Array;
  /** Next hashed owners. */
  readonly next: Uint8Array;
  /** 1 with the opt-out flag (RFC 5155 §3.1.2.1). */
  readonly optOut: Uint8Array;
  /** Row of the record in the store. */
  readonly row: Uint32Array;
  /** Entries whose hash begins with the bits b are `buckets[b] … buckets[b + 1] - 1`. */
  readonly buckets: Uint32Array;
  readonly bucketShift: number;
}

/** Hash algorithm SHA-1 (RFC 5155 §11). */
const SHA1 = 1;
const OPT_OUT = 1;
/** Characters of a hash in base32hex (RFC 4648 §7), which has five bits a character. */
const HASH_CHARACTERS = 32;

/** The first usable NSEC3PARAM record of the apex (RFC 5155 §4.1.2: flags other than 0 mean a chain in the making). */
export function findParameters(rrsets: Rrsets, apex: number): HashParameters | undefined {
  const { store, start, records } = rrsets;
  const set = findRrset(rrsets, apex, Type.NSEC3PARAM);
  if (set < 0) return undefined;
  for (let i = start[set]!; i < start[set + 1]!; i++) {
    const at = store.rdataAt[records[i]!]!;
    if (store.rdata[at] !== SHA1 || store.rdata[at + 1] !== 0) continue;
    const iterations = (store.rdata[at + 2]! << 8) | store.rdata[at + 3]!;
    return { row: records[i]!, iterations, saltAt: at + 5, saltLength: store.rdata[at + 4]! };
  }
  return undefined;
}

/** Gathers the NSEC3 records with the given parameters. Those whose owner cannot be in the chain are errors. */
export function collectChain(rrsets: Rrsets, apex: number, parameters: HashParameters, report: Report): HashChain {
  const { store } = rrsets;
  const rows = new Uint32Array(countRecords(rrsets));
  const hashes = new Uint8Array(rows.length * NSEC3_HASH_OCTETS);
  let count = 0;
  let isSorted = true;
  for (let set = 0; set < rrsets.count; set++) {
    if (rrsets.type[set] !== Type.NSEC3) continue;
    for (let i = rrsets.start[set]!; i < rrsets.start[set + 1]!; i++) {
      const row = rrsets.records[i]!;
      if (!hasParameters(store, row, parameters)) continue;
      const node = store.node[row]!;
      const at = count * NSEC3_HASH_OCTETS;
      const isHash = store.parent[node] === apex && readHash(store.labels, store.label[node]!, hashes, at);
      if (!isHash || nextHashAt(store, row) < 0) {
        report.error(
          row,
          () =>
            `found NSEC3 at ${report.owner(row)}, expected a hash of 20 octets in base32hex as first label and as next, below ${report.name(apex)}`,
        );
        continue;
      }
      if (count > 0 && compareHashes(hashes, at - NSEC3_HASH_OCTETS, hashes, at) >= 0) isSorted = false;
      rows[count++] = row;
    }
  }
  // Signers write the chain in order, so that sorting is rare.
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  if (!isSorted)
    order.sort((a, b) => compareHashes(hashes, a * NSEC3_HASH_OCTETS, hashes, b * NSEC3_HASH_OCTETS) || a - b);
  return arrange(store, order, rows, hashes, report);
}

function countRecords({ type, start, count }: Rrsets): number {
  let records = 0;
  for (let set = 0; set < count; set++) if (type[set] === Type.NSEC3) records += start[set + 1]! - start[set]!;
  return records;
}

/** Writes the columns in the order given, each owner only once. */
function arrange(
  store: RecordStore,
  order: Uint32Array,
  rows: Uint32Array,
  hashes: Uint8Array,
  report: Report,
): HashChain {
  const sorted = new Uint8Array(order.length * NSEC3_HASH_OCTETS);
  const next = new Uint8Array(sorted.length);
  const optOut = new Uint8Array(order.length);
  const row = new Uint32Array(order.length);
  let count = 0;
  for (const entry of order) {
    const record = rows[entry]!;
    const at = count * NSEC3_HASH_OCTETS;
    for (let k = 0; k < NSEC3_HASH_OCTETS; k++) sorted[at + k] = hashes[entry * NSEC3_HASH_OCTETS + k]!;
    if (count > 0 && compareHashes(sorted, at - NSEC3_HASH_OCTETS, sorted, at) === 0) {
      report.error(
        record,
        () => `found a second NSEC3 record of ${report.owner(record)} with these parameters, expected one`,
      );
      continue;
    }
    const nextAt = nextHashAt(store, record);
    for (let k = 0; k < NSEC3_HASH_OCTETS; k++) next[at + k] = store.rdata[nextAt + k]!;
    optOut[count] = store.rdata[store.rdataAt[record]! + 1]! & OPT_OUT;
    row[count++] = record;
  }
  return { count, hashes: sorted, next, optOut, row, ...fillBuckets(sorted, count) };
}

/** Makes about as many buckets as there are entries: hashes spread evenly. */
function fillBuckets(hashes: Uint8Array, count: number): { buckets: Uint32Array; bucketShift: number } {
  let bits = 1;
  while (bits < 24 && 1 << bits < count) bits++;
  const bucketShift = 32 - bits;
  const buckets = new Uint32Array((1 << bits) + 1);
  for (let i = 0; i < count; i++) buckets[(firstWord(hashes, i * NSEC3_HASH_OCTETS) >>> bucketShift) + 1]!++;
  for (let b = 1; b < buckets.length; b++) buckets[b]! += buckets[b - 1]!;
  return { buckets, bucketShift };
}

/**
 * Finds a hash in a chain that is not empty. Returns the number of the entry + 1 when it matches, or minus that of the
 * entry that covers the hash.
 */
export function findInChain(chain: HashChain, hash: Uint8Array): number {
  const bucket = firstWord(hash, 0) >>> chain.bucketShift;
  let low = chain.buckets[bucket]!;
  let high = chain.buckets[bucket + 1]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareHashes(chain.hashes, middle * NSEC3_HASH_OCTETS, hash, 0);
    if (order === 0) return middle + 1;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  // The last entry covers the hashes before the first one (RFC 5155 §3.1.7).
  return low === 0 ? -chain.count : -low;
}

function firstWord(hash: Uint8Array, at: number): number {
  return ((hash[at]! << 24) | (hash[at + 1]! << 16) | (hash[at + 2]! << 8) | hash[at + 3]!) >>> 0;
}

function compareHashes(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  for (let k = 0; k < NSEC3_HASH_OCTETS; k++) if (a[aAt + k] !== b[bAt + k]) return a[aAt + k]! - b[bAt + k]!;
  return 0;
}

/** Whether an NSEC3 record has the algorithm, iterations and salt of the chain. */
function hasParameters(store: RecordStore, row: number, { iterations, saltAt, saltLength }: HashParameters): boolean {
  const { rdata } = store;
  const at = store.rdataAt[row]!;
  if (rdata[at] !== 1 || ((rdata[at + 2]! << 8) | rdata[at + 3]!) !== iterations) return false;
  if (rdata[at + 4] !== saltLength) return false;
  for (let k = 0; k < saltLength; k++) if (rdata[at + 5 + k] !== rdata[saltAt + k]) return false;
  return true;
}

/** Where the next hashed owner of an NSEC3 record is in the store's RDATA, or -1 when it is no SHA-1 hash. */
function nextHashAt(store: RecordStore, row: number): number {
  const at = store.rdataAt[row]!;
  const lengthAt = at + 5 + store.rdata[at + 4]!;
  return store.rdata[lengthAt] === NSEC3_HASH_OCTETS ? lengthAt + 1 : -1;
}

/** Writes the 20 octets that the label at labels[label] spells in base32hex at out[at…]; false when it does not. */
function readHash(labels: Uint8Array, label: number, out: Uint8Array, at: number): boolean {
  if (labels[label] !== HASH_CHARACTERS) return false;
  return decodeBase32hex(labels, label + 1, label + 1 + HASH_CHARACTERS, out, at) === NSEC3_HASH_OCTETS;
}

/** The hash at hash[at…], for messages. */
export function hashToText(hash: Uint8Array, at: number): string {
  return base32hexToText(hash, at, NSEC3_HASH_OCTETS);
}
