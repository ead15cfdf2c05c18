/**
 * The tables by which an image denies existence. NSEC: the children of each name in canonical order, and the last NSEC at
 * or before it. NSEC3: the chain in order of hash, and the record that matches or covers each name and the wildcard below.
 */
import { Type } from '../protocol/iana.js';
import { compareLabels, LOWER, MAX_NAME } from '../protocol/name.js';
import { nsec3Hash } from '../protocol/nsec3.js';
import type { CheckedChain } from '../zone/check-nsec3-chain.js';
import { findInChain } from '../zone/nsec3-chain.js';
import { findRrset, signaturesOf } from '../zone/rrsets.js';
import { type Compilation, isLive, nodeFlags } from './compilation.js';
import * as L from './layout.js';

/** Writes the NSEC tables when the apex has an NSEC record; returns whether it has. */
export function compileNsec(zone: Compilation): boolean {
  const { rrsets, apex, ref, writer } = zone;
  if (findRrset(rrsets, apex, Type.NSEC) < 0) return false;
  const { first, children } = sortedChildren(zone);
  const { words } = writer;
  let latest = apex;

  // Preorder is canonical order (RFC 4034 §6.1); the depth of the recursion is that of the zone, at most 127.
  const visit = (node: number): void => {
    if ((nodeFlags(zone, node) & L.NODE_OCCLUDED) === 0 && findRrset(rrsets, node, Type.NSEC) >= 0) latest = node;
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
  visit(apex);
  words[L.HEADER_FLAGS]! |= L.FLAG_NSEC;
  return true;
}

/** Nodes of the image by parent, each parent's in canonical order: children[first[n] … first[n + 1]). */
function sortedChildren(zone: Compilation): { first: Uint32Array; children: Uint32Array } {
  const { apex } = zone;
  const { nodeCount, parent, labels, label } = zone.rrsets.store;
  const first = new Uint32Array(nodeCount + 1);
  for (let n = apex + 1; n < nodeCount; n++) if (isLive(zone, n)) first[parent[n]! + 1]!++;
  for (let n = 0; n < nodeCount; n++) first[n + 1]! += first[n]!;
  const cursor = first.slice();
  const children = new Uint32Array(first[nodeCount]!);
  for (let n = apex + 1; n < nodeCount; n++) if (isLive(zone, n)) children[cursor[parent[n]!]!++] = n;
  const compare = (a: number, b: number): number => compareLabels(labels, label[a]!, labels, label[b]!);
  for (let n = apex; n < nodeCount; n++) {
    let isSorted = true;
    for (let i = first[n]! + 1; i < first[n + 1]! && isSorted; i++)
      isSorted = compare(children[i - 1]!, children[i]!) < 0;
    if (!isSorted) children.subarray(first[n]!, first[n + 1]!).sort(compare);
  }
  return { first, children };
}

/** Writes the NSEC3 chain, and the place of each name in it; returns whether the zone has one. */
export function compileNsec3(zone: Compilation): boolean {
  const { writer, chain, rrsets } = zone;
  if (chain === undefined) return false;
  const { parameters, entries } = chain;
  const { store } = rrsets;
  const { words, bytes } = writer;
  words[L.HEADER_SALT] = writer.copy(store.rdata, parameters.saltAt, parameters.saltLength);
  words[L.HEADER_SALT_LENGTH] = parameters.saltLength;
  words[L.HEADER_ITERATIONS] = parameters.iterations;
  const refs = new Int32Array(entries.count);
  for (let i = 0; i < entries.count; i++) {
    const node = store.node[entries.row[i]!]!;
    const signatures = signaturesOf(rrsets, findRrset(rrsets, node, Type.RRSIG), Type.NSEC3);
    refs[i] = writer.rrset(findRrset(rrsets, node, Type.NSEC3), node, signatures);
  }
  const table = writer.reserve(entries.count * L.CHAIN_ENTRY * 4);
  for (let i = 0; i < entries.count; i++) {
    const entry = table + i * L.CHAIN_ENTRY;
    const hash = i * L.CHAIN_HASH_OCTETS;
    bytes.set(entries.hashes.subarray(hash, hash + L.CHAIN_HASH_OCTETS), entry << 2);
    words[entry + L.CHAIN_RRSET] = refs[i]!;
  }
  words[L.HEADER_CHAIN] = table;
  words[L.HEADER_CHAIN_COUNT] = entries.count;
  words[L.HEADER_FLAGS]! |= L.FLAG_NSEC3;
  placeNames(zone, chain);
  return true;
}

/** Notes, for every authoritative name and for `*` below it, the record that matches or covers it. */
function placeNames(zone: Compilation, { parameters, entries, proofs }: CheckedChain): void {
  const { iterations, saltAt, saltLength } = parameters;
  const { apex, ref } = zone;
  const { store } = zone.rrsets;
  const { words } = zone.writer;
  const name = new Uint8Array(MAX_NAME + 2);
  const hash = new Uint8Array(L.CHAIN_HASH_OCTETS);
  name[0] = 1;
  name[1] = ASTERISK;
  for (let node = apex; node < store.nodeCount; node++) {
    if (proofs[node] === 0) continue;
    words[ref[node]! + L.NODE_PROOF] = proofs[node]!;
    const length = store.writeName(node, name, 2) + 2;
    // A name of 254 octets or more has no room for a wildcard, or any other name, below it.
    if (length > MAX_NAME) continue;
    for (let i = 2; i < length; i++) name[i] = LOWER[name[i]!]!;
    nsec3Hash(name, 0, length, store.rdata, saltAt, saltLength, iterations, hash, 0);
    words[ref[node]! + L.NODE_CHILDREN] = Math.abs(findInChain(entries, hash));
  }
}

const ASTERISK = 0x2a;
