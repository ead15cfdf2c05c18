/**
 * Compiles a checked zone into an image (layout.ts). Each fact that answering needs is computed here in one named pass,
 * so that a query only reads. Hot file: typed arrays and integers, no object per record.
 */
import { Type } from '../protocol/iana.js';
import { labelCount } from '../protocol/name.js';
import type { Rrsets } from '../zone/rrsets.js';
import { findRrset } from '../zone/rrsets.js';
import { hashLabel } from '../zone/store.js';
import { compileNsec, compileNsec3 } from './denial.js';
import * as L from './layout.js';
import { signaturesOf } from './signatures.js';
import { ImageWriter } from './writer.js';

/** A zone in compilation: what its passes share. Columns are indexed by the store's node number. */
export interface Compilation {
  readonly rrsets: Rrsets;
  readonly apex: number;
  readonly apexName: Uint8Array;
  readonly writer: ImageWriter;
  /** 1 for nodes that are in the zone and have records, or have descendants that do. NSEC3 owners do not count. */
  readonly live: Uint8Array;
  /** NODE_* flags. */
  readonly flags: Uint8Array;
  /** Reference of each node in the image. */
  readonly ref: Int32Array;
}

/** Slots of the hash table per node. */
const SPARSENESS = 1.4;
/** No search of the hash table may look at more slots than this, so that the work of a query is bounded. */
const MAX_PROBE = 48;

/**
 * Compiles the zone whose apex is `apex` (the store's node number). The zone must have passed checkZone(). Returns the
 * image, over a SharedArrayBuffer of its own.
 */
export function compileZone(rrsets: Rrsets, apex: number): Uint8Array {
  const { store } = rrsets;
  const apexName = store.nameOf(apex);
  const live = findLive(rrsets, apex);
  const flags = findFlags(rrsets, apex, live);
  const ref = new Int32Array(store.nodeCount);
  const writer = new ImageWriter(new SharedArrayBuffer(upperBound(rrsets)), rrsets, apexName);
  const zone: Compilation = { rrsets, apex, apexName, writer, live, flags, ref };

  const words = writer.words;
  words[L.HEADER_MAGIC] = L.MAGIC;
  words[L.HEADER_FORMAT] = L.FORMAT;
  words[L.HEADER_NAME] = writer.copy(apexName, 0, apexName.length);
  words[L.HEADER_NAME_LENGTH] = apexName.length;
  words[L.HEADER_LABEL_COUNT] = labelCount(apexName);
  if (apexName.length === 1) words[L.HEADER_FLAGS]! |= L.FLAG_ROOT;
  words[L.HEADER_NODE_COUNT] = writeNodes(zone);
  words[L.HEADER_RECORD_COUNT] = rrsets.start[rrsets.count]!;
  words[L.HEADER_APEX] = ref[apex]!;
  writeSoa(zone);
  for (let i = 0; i < writer.targets.length; i += 2) words[writer.targets[i]!] = ref[writer.targets[i + 1]!]!;
  if (!compileNsec3(zone)) compileNsec(zone);
  writeHashTable(zone);
  words[L.HEADER_SIZE] = writer.used;
  return writer.bytes.subarray(0, writer.used * 4);
}

/** Octets that the image cannot exceed. Pages that stay unwritten are never resident, so a generous bound is free. */
function upperBound(rrsets: Rrsets): number {
  const { store } = rrsets;
  let slots = 2;
  while (slots < store.nodeCount * SPARSENESS) slots *= 2;
  const perNode = L.NODE_LABEL * 4 + 3 + 3 * 4;
  const perRrset = (L.DIRECTORY_ENTRY + L.RRSET_DATA + 3) * 4 + 3;
  const perRecord = L.RECORD_FIXED + L.CHAIN_ENTRY * 4 + 4 * 4;
  const tables = store.nodeCount * perNode + rrsets.count * perRrset + store.recordCount * perRecord;
  // The hash table may be doubled when searches get too long; the SOA with its signatures is written twice.
  const octets = tables + store.labelsUsed + store.rdataUsed * 2 + slots * L.SLOT_WORDS * 4 * 4 + 8192;
  return Math.ceil(octets / 4) * 4;
}

/** Nodes in the zone that own data, or stand above some that do (empty non-terminals). */
function findLive(rrsets: Rrsets, apex: number): Uint8Array {
  const { store, nodeRrsets, type } = rrsets;
  const inZone = new Uint8Array(store.nodeCount);
  const live = new Uint8Array(store.nodeCount);
  inZone[apex] = 1;
  // A parent's number is always below its children's.
  for (let n = apex + 1; n < store.nodeCount; n++) inZone[n] = inZone[store.parent[n]!]!;
  for (let n = store.nodeCount - 1; n >= apex; n--) {
    if (inZone[n] === 0) continue;
    for (let s = nodeRrsets[n]!; s < nodeRrsets[n + 1]! && live[n] === 0; s++) {
      const isDenial = type[s] === Type.NSEC3 || (type[s] === Type.RRSIG && findRrset(rrsets, n, Type.NSEC3) >= 0);
      if (!isDenial) live[n] = 1;
    }
    if (live[n] === 1 && n !== apex) live[store.parent[n]!] = 1;
  }
  return live;
}

function findFlags(rrsets: Rrsets, apex: number, live: Uint8Array): Uint8Array {
  const { store, nodeRrsets, type } = rrsets;
  const flags = new Uint8Array(store.nodeCount);
  for (let n = apex; n < store.nodeCount; n++) {
    if (live[n] === 0) continue;
    const above = n === apex ? 0 : flags[store.parent[n]!]!;
    const occluded = (above & (L.NODE_CUT | L.NODE_DNAME | L.NODE_OCCLUDED)) !== 0;
    let own = occluded ? L.NODE_OCCLUDED : 0;
    for (let s = nodeRrsets[n]!; s < nodeRrsets[n + 1]!; s++) {
      if (type[s] === Type.NS && n !== apex && !occluded) own |= L.NODE_CUT;
      else if (type[s] === Type.DNAME) own |= L.NODE_DNAME;
      else if (type[s] === Type.CNAME) own |= L.NODE_CNAME;
    }
    flags[n] = own;
  }
  return flags;
}

function writeNodes(zone: Compilation): number {
  const { writer, live, flags, ref, rrsets, apex } = zone;
  const { store, nodeRrsets, type } = rrsets;
  const words = writer.words;
  const { labels, label, parent } = store;
  const empty: number[] = [];
  let nodes = 0;
  for (let n = apex; n < store.nodeCount; n++) {
    if (live[n] === 0) continue;
    nodes++;
    const from = nodeRrsets[n]!;
    const to = nodeRrsets[n + 1]!;
    const length = labels[label[n]!]! + 1;
    const at = writer.reserve(L.NODE_LABEL * 4 + length);
    for (let i = 0, o = (at + L.NODE_LABEL) << 2; i < length; i++) writer.bytes[o + i] = labels[label[n]! + i]!;
    ref[n] = at;
    if (n !== apex) {
      const above = ref[parent[n]!]!;
      words[at + L.NODE_PARENT] = above;
      if (length === 2 && labels[label[n]! + 1] === ASTERISK) words[above + L.NODE_WILDCARD] = at;
    }
    const signatures = findRrset(rrsets, n, Type.RRSIG);
    let count = 0;
    for (let s = from; s < to; s++) if (s !== signatures && type[s] !== Type.NSEC3) count++;
    words[at + L.NODE_INFO] = flags[n]! | (count << L.NODE_COUNT_SHIFT);
    let entry = writer.reserve(count * L.DIRECTORY_ENTRY * 4);
    for (let s = from; s < to; s++) {
      if (s === signatures || type[s] === Type.NSEC3) continue;
      words[entry] = type[s]!;
      const rows = signatures < 0 ? empty : signaturesOf(rrsets, signatures, type[s]!);
      words[entry + 1] = writer.rrset(s, n, rows);
      entry += L.DIRECTORY_ENTRY;
    }
  }
  return nodes;
}

const ASTERISK = 0x2a;

/** The SOA of negative answers: all TTLs lowered to min(TTL, MINIMUM), those of its signatures too (RFC 2308 §3). */
function writeSoa(zone: Compilation): void {
  const { rrsets, apex, writer } = zone;
  const { store } = rrsets;
  const set = findRrset(rrsets, apex, Type.SOA);
  const row = rrsets.records[rrsets.start[set]!]!;
  const end = store.rdataAt[row]! + store.rdataLength[row]!;
  const u32 = (at: number): number => new DataView(store.rdata.buffer, store.rdata.byteOffset + at, 4).getUint32(0);
  const minimum = Math.min(rrsets.ttl[set]!, u32(end - 4));
  const signatures = signaturesOf(rrsets, findRrset(rrsets, apex, Type.RRSIG), Type.SOA);
  writer.words[L.HEADER_NEGATIVE_SOA] = writer.rrset(set, apex, signatures, minimum);
  writer.words[L.HEADER_SERIAL] = u32(end - 20);
  writer.words[L.HEADER_EXPIRE] = u32(end - 8);
}

/**
 * Writes the hash table. The store's own hashes serve unless they cluster (crafted names): then the table is doubled, and
 * at last the names are hashed anew from other seeds, until no search is longer than MAX_PROBE.
 */
function writeHashTable(zone: Compilation): void {
  const { writer, live, ref, rrsets, apex } = zone;
  const { store } = rrsets;
  const { words } = writer;
  let hash = store.hash;
  let seed = hash[apex]!;
  let slots = 2;
  while (slots < words[L.HEADER_NODE_COUNT]! * SPARSENESS) slots *= 2;
  const table = writer.used;
  for (let attempt = 1; ; attempt++) {
    words.fill(0, table, table + slots * L.SLOT_WORDS);
    const longest = fillTable(words, table, slots - 1, hash, ref, live, apex, store.nodeCount);
    if (longest <= MAX_PROBE || attempt === 16) {
      words[L.HEADER_LONGEST_PROBE] = longest;
      break;
    }
    if (attempt === 1) slots *= 2;
    seed = Math.imul(attempt, 0x9e3779b1);
    hash = rehash(zone, seed);
  }
  writer.used = table + slots * L.SLOT_WORDS;
  words[L.HEADER_TABLE] = table;
  words[L.HEADER_MASK] = slots - 1;
  words[L.HEADER_SEED] = seed;
}

function fillTable(
  words: Int32Array,
  table: number,
  mask: number,
  hash: Int32Array,
  ref: Int32Array,
  live: Uint8Array,
  apex: number,
  nodeCount: number,
): number {
  let longest = 0;
  for (let n = apex + 1; n < nodeCount; n++) {
    if (live[n] === 0) continue;
    let probes = 1;
    let slot = hash[n]! & mask;
    while (words[table + slot * L.SLOT_WORDS + L.SLOT_NODE] !== 0) {
      slot = (slot + 1) & mask;
      probes++;
    }
    words[table + slot * L.SLOT_WORDS + L.SLOT_HASH] = hash[n]!;
    words[table + slot * L.SLOT_WORDS + L.SLOT_NODE] = ref[n]!;
    if (probes > longest) longest = probes;
  }
  return longest;
}

function rehash(zone: Compilation, seed: number): Int32Array {
  const { store } = zone.rrsets;
  const hash = new Int32Array(store.nodeCount);
  hash[zone.apex] = seed;
  for (let n = zone.apex + 1; n < store.nodeCount; n++) {
    hash[n] = hashLabel(hash[store.parent[n]!]!, store.labels, store.label[n]!);
  }
  return hash;
}
