/**
 * The walk from the apex down, label by label (RFC 1034 §4.3.2 step 3, RFC 4592 §3.3.1). It ends at the first label that
 * does not exist, so that the depth of the zone bounds it, not the length of QNAME. Each step looks at no more slots than
 * the image's header says (HEADER_LONGEST_PROBE). Hot file: integers, no allocation.
 */
import { type Catalog, ZONE_BASE, ZONE_SEGMENT, ZONE_WORDS } from '../image/catalog.js';
import * as L from '../image/layout.js';
import { LOWER } from '../protocol/name.js';
import { hashLabel } from '../zone/store.js';
import type { Exchange } from './exchange.js';

/** The ways in which a walk can end; `x.node` and `x.left` say where it did. */
export const Found = {
  /** The name exists; `x.node` is its node. */
  EXACT: 0,
  /** `x.node` is a zone cut at or above the name. */
  CUT: 1,
  /** `x.node` has a DNAME and the name lies below it. */
  DNAME: 2,
  /** The name does not exist; `x.node` is its closest encloser. */
  MISSING: 3,
} as const;
export type Found = (typeof Found)[keyof typeof Found];

/** Makes the image of zone number `zone` the one for lookups; returns false when there is nothing to serve. */
export function enterImage(x: Exchange, catalog: Catalog, zone: number): boolean {
  const at = zone * ZONE_WORDS;
  const number = catalog.zones[at + ZONE_SEGMENT]!;
  if (number < 0) return false;
  const segment = catalog.segments[number]!;
  x.words = segment.words;
  x.bytes = segment.bytes;
  x.base = catalog.zones[at + ZONE_BASE]!;
  return true;
}

/** Walks to `x.name`. With `parentSide` 1, a cut at the name itself does not end it: DS is the parent's data (RFC 4035 §3.1.4.1). */
export function walk(x: Exchange, parentSide: number): Found {
  const { words, base, name } = x;
  const { octets, labelAt } = name;
  let node = words[base + L.HEADER_APEX]!;
  let hash = words[base + L.HEADER_SEED]!;
  let left = name.count;
  if (left > 0 && (words[base + node + L.NODE_INFO]! & L.NODE_DNAME) !== 0) return found(x, node, left, Found.DNAME);
  while (left > 0) {
    const at = labelAt[left - 1]!;
    hash = hashLabel(hash, octets, at);
    const child = findChild(x, node, hash, octets, at);
    if (child === 0) return found(x, node, left, Found.MISSING);
    node = child;
    left--;
    const info = words[base + node + L.NODE_INFO]!;
    if ((info & (L.NODE_CUT | L.NODE_DNAME)) !== 0) {
      if ((info & L.NODE_CUT) !== 0 && (left > 0 || parentSide === 0)) return found(x, node, left, Found.CUT);
      if ((info & L.NODE_DNAME) !== 0 && left > 0) return found(x, node, left, Found.DNAME);
    }
  }
  return found(x, node, 0, Found.EXACT);
}

function found(x: Exchange, node: number, left: number, how: Found): Found {
  x.node = node;
  x.left = left;
  return how;
}

function findChild(x: Exchange, parent: number, hash: number, octets: Uint8Array, at: number): number {
  const { words, bytes, base } = x;
  const table = base + words[base + L.HEADER_TABLE]!;
  const mask = words[base + L.HEADER_MASK]!;
  const length = octets[at]!;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const entry = table + slot * L.SLOT_WORDS;
    const node = words[entry + L.SLOT_NODE]!;
    if (node === 0) return 0;
    if (words[entry + L.SLOT_HASH] !== hash || words[base + node + L.NODE_PARENT] !== parent) continue;
    const label = (base + node + L.NODE_LABEL) << 2;
    let i = 0;
    while (i <= length && LOWER[bytes[label + i]!] === LOWER[octets[at + i]!]) i++;
    if (i > length) return node;
  }
}

/** Message offset of the name that is `left` labels above `x.name`, for a pointer; 0 for the root. */
export function ownerPointer(x: Exchange, left: number): number {
  return left === x.name.count ? x.apexPointer : x.name.pointer[left]!;
}
