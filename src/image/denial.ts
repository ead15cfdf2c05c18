/**
 * What an image needs to deny existence: for NSEC the children of each name in canonical order and the NSEC at or before
 * it, for NSEC3 the chain in order of hash and the record that matches or covers each name and the wildcard below it.
 */
import { Type } from '../protocol/iana.js';
import { compareLabels, LOWER, MAX_NAME } from '../protocol/name.js';
import { nsec3Hash } from '../protocol/nsec3.js';
import { findParameters, type HashParameters, hasParameters, readHash } from '../zone/nsec3-chain.js';
import { findRrset } from '../zone/rrsets.js';
import type { Compilation } from './compile.js';
import * as L from './layout.js';
import { findInChain } from './nsec3-search.js';
import { signaturesOf } from './signatures.js';

/** Writes the NSEC tables when the apex has an NSEC record; returns whether it has. */
export function compileNsec(zone: Compilation): boolean {
  const { rrsets, apex, live, flags, ref, writer } = zone;
  const { store } = rrsets;
  if (findRrset(rrsets, apex, Type.NSEC) < 0) return false;
  const { first, children } = sortedChildren(zone);
  const { words } = writer;
  let latest = apex;

  // Preorder is canonical order (RFC 4034 §6.1); the depth of the recursion is that of the zone, at most 127.
  const visit = (node: number): void => {
    if ((flags[node]! & L.NODE_OCCLUDED) === 0 && findRrset(rrsets, node, Type.NSEC) >= 0) latest = node;
    words[ref[node]! + L.NODE_PROOF] = ref[latest]!;
    const count = first[node + 1]! - first[node]!;
    if (count === 0) return;
    const table = writer.reserve((1 + count * 2) * 4);
    words[ref[node]! + L.NODE_CHILDREN] = table;
    words[table] = count;
    for (let i = 0; i < count; i++) {
      const child = children[first[node]! + i]!;
      visit(child);
      words[table + 1 + i * 2] = ref[child]!;
      words[table + 2 + i * 2] = ref[latest]!;
    }
  };
  if (live[apex] === 1) visit(apex);
  words[L.HEADER_FLAGS]! |= L.FLAG_NSEC;
  return true;

  /** Live nodes by parent, each parent's in canonical order: children[first[n] … first[n + 1]). */
  function sortedChildren({ rrsets: { store: names } }: Compilation): { first: Uint32Array; children: Uint32Array } {
    const from = new Uint32Array(store.nodeCount + 1);
    for (let n = apex + 1; n < store.nodeCount; n++) if (live[n] === 1) from[names.parent[n]! + 1]!++;
    for (let n = 0; n < store.nodeCount; n++) from[n + 1]! += from[n]!;
    const cursor = from.slice();
    const sorted = new Uint32Array(from[store.nodeCount]!);
    for (let n = apex + 1; n < store.nodeCount; n++) if (live[n] === 1) sorted[cursor[names.parent[n]!]!++] = n;
    const compare = (a: number, b: number): number =>
      compareLabels(names.labels, names.label[a]!, names.labels, names.label[b]!);
    for (let n = apex; n < store.nodeCount; n++) {
      let ordered = true;
      for (let i = from[n]! + 1; i < from[n + 1]! && ordered; i++) ordered = compare(sorted[i - 1]!, sorted[i]!) < 0;
      if (!ordered) sorted.subarray(from[n]!, from[n + 1]!).sort(compare);
    }
    return { first: from, children: sorted };
  }
}

/** Writes the NSEC3 chain that the apex NSEC3PARAM names, and each name's place in it; returns whether there is one. */
export function compileNsec3(zone: Compilation): boolean {
  const { writer } = zone;
  const parameters = findParameters(zone.rrsets, zone.apex);
  if (parameters === undefined) return false;
  const entries = chainEntries(zone, parameters);
  if (entries.length === 0) return false;
  const { words } = writer;
  words[L.HEADER_SALT] = writer.copy(zone.rrsets.store.rdata, parameters.saltAt, parameters.saltLength);
  words[L.HEADER_SALT_LENGTH] = parameters.saltLength;
  words[L.HEADER_ITERATIONS] = parameters.iterations;
  const rrsets = entries.map(({ node, set }) =>
    writer.rrset(set, node, signaturesOf(zone.rrsets, findRrset(zone.rrsets, node, Type.RRSIG), Type.NSEC3)),
  );
  const chain = writer.reserve(entries.length * L.CHAIN_ENTRY * 4);
  entries.forEach(({ hash }, i) => {
    writer.bytes.set(hash, (chain + i * L.CHAIN_ENTRY) << 2);
    words[chain + i * L.CHAIN_ENTRY + L.CHAIN_RRSET] = rrsets[i]!;
  });
  words[L.HEADER_CHAIN] = chain;
  words[L.HEADER_CHAIN_COUNT] = entries.length;
  words[L.HEADER_FLAGS]! |= L.FLAG_NSEC3;
  placeNames(zone, parameters, chain, entries.length);
  return true;
}

interface ChainEntry {
  readonly hash: Uint8Array;
  readonly node: number;
  readonly set: number;
}

function chainEntries({ rrsets, apex }: Compilation, parameters: HashParameters): ChainEntry[] {
  const { store } = rrsets;
  const entries: ChainEntry[] = [];
  let ordered = true;
  for (let node = apex + 1; node < store.nodeCount; node++) {
    const set = findRrset(rrsets, node, Type.NSEC3);
    if (set < 0 || store.parent[node] !== apex) continue;
    if (!hasParameters(store, rrsets.records[rrsets.start[set]!]!, parameters)) continue;
    const hash = new Uint8Array(L.CHAIN_HASH_OCTETS);
    if (!readHash(store.labels, store.label[node]!, hash, 0)) continue;
    const previous = entries.at(-1);
    if (previous !== undefined && Buffer.compare(previous.hash, hash) > 0) ordered = false;
    entries.push({ hash, node, set });
  }
  if (!ordered) entries.sort((a, b) => Buffer.compare(a.hash, b.hash));
  return entries;
}

/** Hashes every authoritative name, and `*` below it, and notes what matches or covers them. */
function placeNames(zone: Compilation, parameters: HashParameters, chain: number, count: number): void {
  const { iterations, saltAt, saltLength } = parameters;
  const { rrsets, apex, live, flags, ref, writer } = zone;
  const { store } = rrsets;
  const { words, bytes } = writer;
  const name = new Uint8Array(MAX_NAME + 2);
  const hash = new Uint8Array(L.CHAIN_HASH_OCTETS);
  const place = (at: number, length: number): number => {
    nsec3Hash(name, at, length, store.rdata, saltAt, saltLength, iterations, hash, 0);
    return findInChain(bytes, chain << 2, count, hash, 0);
  };
  name[0] = 1;
  name[1] = ASTERISK;
  for (let node = apex; node < store.nodeCount; node++) {
    if (live[node] === 0 || (flags[node]! & L.NODE_OCCLUDED) !== 0) continue;
    const length = store.writeName(node, name, 2);
    for (let i = 2; i < length + 2; i++) name[i] = LOWER[name[i]!]!;
    words[ref[node]! + L.NODE_PROOF] = place(2, length);
    // Below a name of 254 octets or more there is no wildcard, and no name to be denied by it.
    if (length + 2 <= MAX_NAME) words[ref[node]! + L.NODE_CHILDREN] = Math.abs(place(0, length + 2));
  }
}

const ASTERISK = 0x2a;
