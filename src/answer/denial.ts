/**
 * Chooses the NSEC and NSEC3 records that prove an answer: RFC 4035 §3.1.3, RFC 5155 §7.2. Proofs are collected while the answer is
 * made, and written, each once, when the answer section is complete. A name costs at most one hash, that of its next closer
 * name; all others were computed when the zone was loaded. Hot file: integers, no allocation.
 *
 * A proof is the reference of a node that owns an NSEC, or minus (number in the NSEC3 chain + 1).
 */

import * as L from '../image/layout.js';
import { findInChain } from '../image/nsec3-search.js';
import { encodeBase32hex } from '../protocol/base32hex.js';
import { Type } from '../protocol/iana.js';
import { compareLabels, LOWER } from '../protocol/name.js';
import { nsec3Hash } from '../protocol/nsec3.js';
import { type Exchange, MAX_PROOFS } from './exchange.js';
import { ownerPointer } from './lookup.js';
import { composeOwner, endOwner, findRrset, putNamed, putRrset } from './records.js';

/** Whether the query asks for denial of existence, and the zone can prove it. */
export function provesDenial(x: Exchange): boolean {
  return x.dnssecOk === 1 && (x.words[x.base + L.HEADER_FLAGS]! & (L.FLAG_NSEC | L.FLAG_NSEC3)) !== 0;
}

function isNsec3(x: Exchange): boolean {
  return (x.words[x.base + L.HEADER_FLAGS]! & L.FLAG_NSEC3) !== 0;
}

function add(x: Exchange, proof: number): void {
  if (proof === 0 || x.proofCount === MAX_PROOFS) return;
  for (let i = 0; i < x.proofCount; i++) if (x.proofs[i] === proof) return;
  x.proofs[x.proofCount++] = proof;
}

/** The type does not exist at `node`, or the node is an empty non-terminal, or a cut without DS. */
export function proveNodata(x: Exchange, node: number): void {
  const proof = x.words[x.base + node + L.NODE_PROOF]!;
  if (!isNsec3(x)) add(x, proof);
  else if (proof > 0) add(x, -proof);
  else proveClosestProvable(x, node);
}

/**
 * RFC 5155 §7.2.1, §7.2.4: the node itself may be in an opt-out span. Proves the closest ancestor that has an NSEC3
 * record, and that the next name towards `node` is covered. Returns that ancestor.
 */
function proveClosestProvable(x: Exchange, node: number): number {
  const { words, base } = x;
  let next = 0;
  for (let n = node; n !== 0; n = words[base + n + L.NODE_PARENT]!) {
    const proof = words[base + n + L.NODE_PROOF]!;
    if (proof > 0) {
      add(x, -proof);
      if (next !== 0) add(x, words[base + next + L.NODE_PROOF]!);
      return n;
    }
    next = n;
  }
  return 0;
}

/**
 * No name closer to `x.name` than `encloser` exists: the proof that wildcard answers need (RFC 4035 §3.1.3.3, RFC 5155
 * §7.2.6). Where opt-out leaves the encloser out of the chain, it is that of the closest provable encloser (§7.2.1).
 */
export function proveNoCloser(x: Exchange, encloser: number, left: number): void {
  if (isNsec3(x)) {
    if (x.words[x.base + encloser + L.NODE_PROOF]! > 0) add(x, -Math.abs(placeOfNextCloser(x, left)));
    else proveClosestProvable(x, encloser);
  } else add(x, nsecBefore(x, encloser, x.name.octets, x.name.labelAt[left - 1]!));
}

/** Wildcard NODATA (RFC 5155 §7.2.5): proves the closest encloser too; the next closer name is proved already. */
export function proveWildcardNodata(x: Exchange, encloser: number, wildcard: number): void {
  if (isNsec3(x)) proveClosestProvable(x, encloser);
  proveNodata(x, wildcard);
}

/** Neither `x.name` nor a wildcard for it exists (RFC 4035 §3.1.3.2, RFC 5155 §7.2.2). */
export function proveNxdomain(x: Exchange, encloser: number, left: number): void {
  if (!isNsec3(x)) {
    add(x, nsecBefore(x, encloser, x.name.octets, x.name.labelAt[left - 1]!));
    add(x, nsecBefore(x, encloser, ASTERISK_LABEL, 0));
    return;
  }
  const provable = proveClosestProvable(x, encloser);
  if (provable === 0) return;
  if (provable === encloser) add(x, -Math.abs(placeOfNextCloser(x, left)));
  add(x, -x.words[x.base + provable + L.NODE_CHILDREN]!);
}

const ASTERISK_LABEL = Uint8Array.of(1, 0x2a);

/** The node that owns the last NSEC before the child of `encloser` with the label at `at` of `octets`. */
function nsecBefore(x: Exchange, encloser: number, octets: Uint8Array, at: number): number {
  const { words, bytes, base } = x;
  const table = words[base + encloser + L.NODE_CHILDREN]!;
  let low = 0;
  let high = table === 0 ? 0 : words[base + table]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const child = words[base + table + 1 + middle * 2]!;
    if (compareLabels(bytes, (base + child + L.NODE_LABEL) << 2, octets, at) < 0) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? words[base + encloser + L.NODE_PROOF]! : words[base + table + low * 2]!;
}

/** Place in the NSEC3 chain of the next closer name: `x.name` without its first `left` - 1 labels. */
function placeOfNextCloser(x: Exchange, left: number): number {
  const { words, bytes, base, name, scratchName } = x;
  let to = 0;
  for (let i = left - 1; i < name.count; i++) {
    const at = name.labelAt[i]!;
    const length = name.octets[at]! + 1;
    for (let j = 0; j < length; j++) scratchName[to++] = LOWER[name.octets[at + j]!]!;
  }
  const apex = (base + words[base + L.HEADER_NAME]!) << 2;
  const apexLength = words[base + L.HEADER_NAME_LENGTH]!;
  for (let i = 0; i < apexLength; i++) scratchName[to++] = LOWER[bytes[apex + i]!]!;
  const salt = (base + words[base + L.HEADER_SALT]!) << 2;
  const saltLength = words[base + L.HEADER_SALT_LENGTH]!;
  nsec3Hash(scratchName, 0, to, bytes, salt, saltLength, words[base + L.HEADER_ITERATIONS]!, x.scratchHash, 0);
  const chain = (base + words[base + L.HEADER_CHAIN]!) << 2;
  return findInChain(bytes, chain, words[base + L.HEADER_CHAIN_COUNT]!, x.scratchHash, 0);
}

/** Writes the proofs collected so far into the authority section; returns false when one did not fit. */
export function putProofs(x: Exchange): boolean {
  for (let i = 0; i < x.proofCount; i++) {
    const proof = x.proofs[i]!;
    const written = proof < 0 ? putNsec3(x, -proof - 1) : putNsec(x, proof);
    if (written === 0) return false;
    if (written > 0) x.authorities += written;
  }
  return true;
}

/** Returns the number of records written; 0: they do not fit; -1: the node has no NSEC, so the zone's chain is broken. */
function putNsec(x: Exchange, node: number): number {
  const ref = findRrset(x, node, Type.NSEC);
  if (ref === 0) return -1;
  const apex = x.words[x.base + L.HEADER_APEX]!;
  if (node === apex) return putRrset(x, ref, x.apexPointer, 1);
  // The last walk ended at this node: its name stands in the message.
  if (node === x.node) return putRrset(x, ref, ownerPointer(x, x.left), 1);
  return putNamed(x, ref, composeOwner(x, node), 1);
}

function putNsec3(x: Exchange, index: number): number {
  const entry = x.base + x.words[x.base + L.HEADER_CHAIN]! + index * L.CHAIN_ENTRY;
  const length = encodeBase32hex(x.bytes, entry << 2, L.CHAIN_HASH_OCTETS, x.scratchName, 1);
  x.scratchName[0] = length;
  return putNamed(x, x.words[entry + L.CHAIN_RRSET]!, endOwner(x, 1 + length), 1);
}
