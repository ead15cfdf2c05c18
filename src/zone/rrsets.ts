/**
 * The records of a zone grouped into RRsets (RFC 2181 §5), in one pass over flat columns. Checks, compiler and printer
 * read zones in this form. Hot file: typed arrays and integers, no object per record.
 */
import { Type } from '../protocol/iana.js';
import { LOWER } from '../protocol/name.js';
import { hasLoweredNames } from '../protocol/rdata/table.js';
import { canonicalRdata } from '../protocol/rdata/wire.js';
import type { RecordStore } from './store.js';

/** RRsets of a zone: node → RRsets → records, each level a range of the next column. */
export interface Rrsets {
  readonly store: RecordStore;
  /** RRsets of node n are `nodeRrsets[n] … nodeRrsets[n + 1] - 1`, in rising order of type. */
  readonly nodeRrsets: Uint32Array;
  readonly count: number;
  /** Type of each RRset. An RRset of type RRSIG holds the signatures of all types, in rising order of type covered. */
  readonly type: Uint16Array;
  /** Seconds: the lowest of the RRset's records (RFC 2181 §5.2); RRSIG records keep their own. */
  readonly ttl: Uint32Array;
  /** Records of RRset s are `records[start[s]] … records[start[s + 1] - 1]`, numbers of rows in the store. */
  readonly start: Uint32Array;
  readonly records: Uint32Array;
  /** Rows of the store whose TTL differs from that of an earlier record of the same RRset. */
  readonly differingTtl: number[];
  /** Rows of the store left out as duplicates of an earlier record, whose spelling is kept. */
  readonly duplicates: number[];
}

/** Places in RRSIG RDATA (RFC 4034 §3.1). */
export const Rrsig = {
  ALGORITHM: 2,
  LABELS: 3,
  ORIGINAL_TTL: 4,
  EXPIRATION: 8,
  INCEPTION: 12,
  KEY_TAG: 16,
  /** The signer's name; the signature is behind it. */
  SIGNER: 18,
} as const;

/** The type that an RRSIG covers: the first field of its RDATA (RFC 4034 §3.1.1); 0 for other types. */
export function typeCovered(store: RecordStore, record: number): number {
  if (store.type[record] !== Type.RRSIG) return 0;
  const at = store.rdataAt[record]!;
  return (store.rdata[at]! << 8) | store.rdata[at + 1]!;
}

/** Rows of the store with the RRSIGs in RRset `signatures` that cover `type`; none when `signatures` is negative. */
export function signaturesOf(rrsets: Rrsets, signatures: number, type: number): number[] {
  const rows: number[] = [];
  if (signatures < 0) return rows;
  for (let i = rrsets.start[signatures]!; i < rrsets.start[signatures + 1]!; i++) {
    const row = rrsets.records[i]!;
    if (typeCovered(rrsets.store, row) === type) rows.push(row);
  }
  return rows;
}

/**
 * The types, in rising order, that RRSIG records of a node cover although the node has no such RRset. RRSIG itself is never
 * signed (RFC 4035 §2.2), so it counts as missing.
 */
export function typesSignedInVain(rrsets: Rrsets, node: number): readonly number[] {
  const signatures = findRrset(rrsets, node, Type.RRSIG);
  if (signatures < 0) return NONE;
  let types: number[] | undefined;
  let last = -1;
  for (let i = rrsets.start[signatures]!; i < rrsets.start[signatures + 1]!; i++) {
    const covered = typeCovered(rrsets.store, rrsets.records[i]!);
    if (covered === last) continue;
    last = covered;
    if (covered === Type.RRSIG || findRrset(rrsets, node, covered) < 0) (types ??= []).push(covered);
  }
  return types ?? NONE;
}

const NONE: readonly number[] = [];

/** The RDATA of a record in canonical form. It may share the store's octets, so it is only for reading. */
export function canonicalOf(store: RecordStore, row: number): Uint8Array {
  const at = store.rdataAt[row]!;
  return canonicalRdata(store.type[row]!, store.rdata.subarray(at, at + store.rdataLength[row]!));
}

/** Whether two records of one RRset are the same: their canonical forms are equal (RFC 2181 §5, RFC 4034 §6.3). */
function sameRdata(store: RecordStore, a: number, b: number): boolean {
  const length = store.rdataLength[a]!;
  if (length !== store.rdataLength[b]) return false;
  const rdata = store.rdata;
  const aAt = store.rdataAt[a]!;
  const bAt = store.rdataAt[b]!;
  let isSpeltAlike = true;
  for (let i = 0; i < length; i++) {
    const one = rdata[aAt + i]!;
    const other = rdata[bAt + i]!;
    if (one === other) continue;
    if (LOWER[one] !== LOWER[other]) return false;
    isSpeltAlike = false;
  }
  if (isSpeltAlike) return true;
  return hasLoweredNames(store.type[a]!) && Buffer.compare(canonicalOf(store, a), canonicalOf(store, b)) === 0;
}

/** In RRsets with more records than this, duplicates are found by a set, not pair by pair. */
const PAIRWISE = 16;

/** Groups all records of the store. Records keep the order of the file within an RRset. */
export function groupRrsets(store: RecordStore): Rrsets {
  const { nodeCount, recordCount, node, type, ttl } = store;
  const first = new Uint32Array(nodeCount + 1);
  for (let row = 0; row < recordCount; row++) first[node[row]! + 1]!++;
  for (let n = 0; n < nodeCount; n++) first[n + 1]! += first[n]!;
  const records = new Uint32Array(recordCount);
  const cursor = first.slice();
  for (let row = 0; row < recordCount; row++) records[cursor[node[row]!]!++] = row;

  const nodeRrsets = new Uint32Array(nodeCount + 1);
  const setType = new Uint16Array(recordCount);
  const setTtl = new Uint32Array(recordCount);
  const start = new Uint32Array(recordCount + 1);
  const duplicates: number[] = [];
  const differingTtl: number[] = [];
  let count = 0;
  let used = 0;
  for (let n = 0; n < nodeCount; n++) {
    nodeRrsets[n] = count;
    const from = first[n]!;
    const to = first[n + 1]!;
    sortByType(store, records, from, to);
    for (let i = from; i < to; ) {
      const setStart = used;
      const kind = type[records[i]!]!;
      const isSignature = kind === Type.RRSIG;
      let lowest = ttl[records[i]!]!;
      let seen: Set<string> | undefined;
      for (; i < to && type[records[i]!] === kind; i++) {
        const row = records[i]!;
        let duplicate = false;
        if (used - setStart > PAIRWISE) {
          seen ??= new Set(Array.from(records.subarray(setStart, used), (other) => rdataKey(store, other)));
          const key = rdataKey(store, row);
          duplicate = seen.has(key);
          seen.add(key);
        } else {
          for (let j = setStart; j < used && !duplicate; j++) duplicate = sameRdata(store, records[j]!, row);
        }
        if (ttl[row] !== ttl[records[setStart]!] && used > setStart && !isSignature) differingTtl.push(row);
        if (ttl[row]! < lowest) lowest = ttl[row]!;
        if (duplicate) duplicates.push(row);
        else records[used++] = row;
      }
      setType[count] = kind;
      setTtl[count] = lowest;
      start[count++] = setStart;
    }
  }
  nodeRrsets[nodeCount] = count;
  start[count] = used;
  return { store, nodeRrsets, count, type: setType, ttl: setTtl, start, records, differingTtl, duplicates };
}

/** Whether a node owns no record: an empty non-terminal (RFC 4592 §2.2.2), or an ancestor of the apex. */
export function isEmpty(rrsets: Rrsets, node: number): boolean {
  return rrsets.nodeRrsets[node] === rrsets.nodeRrsets[node + 1];
}

/** The RRset of `type` at `node`, or -1. */
export function findRrset(rrsets: Rrsets, node: number, type: number): number {
  const end = rrsets.nodeRrsets[node + 1]!;
  for (let set = rrsets.nodeRrsets[node]!; set < end; set++) if (rrsets.type[set] === type) return set;
  return -1;
}

function rdataKey(store: RecordStore, row: number): string {
  const { buffer, byteOffset, byteLength } = canonicalOf(store, row);
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

/** Sorts records[from … to) by type, RRSIGs by type covered behind it, keeping the order of the file otherwise. */
function sortByType(store: RecordStore, records: Uint32Array, from: number, to: number): void {
  const key = (row: number): number => store.type[row]! * 65_536 + typeCovered(store, row);
  if (to - from > 32) {
    const sorted = Array.from(records.subarray(from, to)).sort((a, b) => key(a) - key(b) || a - b);
    records.set(sorted, from);
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const row = records[i]!;
    const own = key(row);
    let j = i - 1;
    for (; j >= from && key(records[j]!) > own; j--) records[j + 1] = records[j]!;
    records[j + 1] = row;
  }
}
