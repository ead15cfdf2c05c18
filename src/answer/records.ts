/**
 * Copies RRsets of the image into the response. One call writes one unit, an RRset with or without its signatures; a unit
 * that does not fit is not written at all (RFC 2181 §9). Hot file: integers, no allocation.
 */
import * as L from '../image/layout.js';
import { type Exchange, HEADER } from './exchange.js';

const POINTER_BITS = 0xc000;
/** Pointers have 14 bits: this message offset and those behind it are out of their reach (RFC 1035 §4.1.4). */
const POINTER_LIMIT = 0x4000;

/** Offset in `words` of the directory of the node `node`. */
function directoryOf(x: Exchange, node: number): number {
  const at = x.base + node + L.NODE_LABEL;
  return at + ((x.bytes[at << 2]! + 4) >> 2);
}

/** Reference of the RRset of `type` at `node`, or 0. */
export function findRrset(x: Exchange, node: number, type: number): number {
  const words = x.words;
  const count = words[x.base + node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT;
  let entry = directoryOf(x, node);
  for (let i = 0; i < count; i++, entry += L.DIRECTORY_ENTRY) {
    const own = words[entry]!;
    if (own >= type) return own === type ? words[entry + 1]! : 0;
  }
  return 0;
}

/** Number of RRsets at `node`. */
export function rrsetCount(x: Exchange, node: number): number {
  return x.words[x.base + node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT;
}

/** Type of RRset number `index` at `node`. */
export function rrsetType(x: Exchange, node: number, index: number): number {
  return x.words[directoryOf(x, node) + index * L.DIRECTORY_ENTRY]!;
}

/** Reference of RRset number `index` at `node`. */
export function rrsetRef(x: Exchange, node: number, index: number): number {
  return x.words[directoryOf(x, node) + index * L.DIRECTORY_ENTRY + 1]!;
}

/** Octet in the image at which the records of the RRset `ref` start. */
export function recordsAt(x: Exchange, ref: number): number {
  return (x.base + ref + L.RRSET_DATA) << 2;
}

/**
 * Writes the RRset `ref`, its owner as a pointer to the message offset `owner` (0: the owner is the root and is written
 * as such), with its RRSIGs when `signed` is 1. Returns the number of records written, 0 when the unit does not fit.
 */
export function putRrset(x: Exchange, ref: number, owner: number, signed: number): number {
  const words = x.words;
  const set = x.base + ref;
  const length = words[set + L.RRSET_LENGTH]!;
  const total = signed === 1 ? length + words[set + L.RRSET_SIGNATURES_LENGTH]! : length;
  if (owner === 0) {
    x.scratchName[0] = 0;
    return putNamed(x, ref, 1, signed);
  }
  const to = x.at;
  if (to + total > x.limit) return 0;
  copy(x, recordsAt(x, ref), total);
  if (owner !== HEADER) setOwners(x.response, to, to + total, owner);
  if (words[set + L.RRSET_EXTRA] !== 0) fixUp(x, set, to, owner);
  const count = words[set + L.RRSET_INFO]! & L.RRSET_COUNT_MASK;
  return signed === 1 ? count + words[set + L.RRSET_SIGNATURES]! : count;
}

/** Writes only the RRSIGs of the RRset `ref`, as putRrset() does. */
export function putSignatures(x: Exchange, ref: number, owner: number): number {
  const set = x.base + ref;
  const length = x.words[set + L.RRSET_SIGNATURES_LENGTH]!;
  const nameLength = owner === 0 ? 1 : 2;
  const count = x.words[set + L.RRSET_SIGNATURES]!;
  if (x.at + length + count * (nameLength - 2) > x.limit) return 0;
  const from = recordsAt(x, ref) + x.words[set + L.RRSET_LENGTH]!;
  if (owner !== 0) {
    const to = x.at;
    copy(x, from, length);
    setOwners(x.response, to, to + length, owner);
    return count;
  }
  putRootOwned(x, from, length);
  return count;
}

function putRootOwned(x: Exchange, from: number, length: number): void {
  const end = from + length;
  while (from < end) {
    const next =
      from + L.RECORD_FIXED + ((x.bytes[from + L.RECORD_RDLENGTH]! << 8) | x.bytes[from + L.RECORD_RDLENGTH + 1]!);
    x.response[x.at++] = 0;
    copy(x, from + 2, next - from - 2);
    from = next;
  }
}

/**
 * Writes the RRset `ref` with an owner that is not in the message yet: `nameLength` octets of `x.scratchName`, which may
 * end in a pointer. The first record gets the name, the others a pointer to it, unless it is the root.
 */
export function putNamed(x: Exchange, ref: number, nameLength: number, signed: number): number {
  const words = x.words;
  const set = x.base + ref;
  const length = words[set + L.RRSET_LENGTH]!;
  const signatures = signed === 1 ? words[set + L.RRSET_SIGNATURES]! : 0;
  const total = signed === 1 ? length + words[set + L.RRSET_SIGNATURES_LENGTH]! : length;
  const count = (words[set + L.RRSET_INFO]! & L.RRSET_COUNT_MASK) + signatures;
  const owner = x.at - x.start;
  // The name is repeated where a pointer would be longer (the root) or would not reach.
  const repeat = nameLength === 1 || owner >= POINTER_LIMIT;
  if (x.at + total + (nameLength - 2) * (repeat ? count : 1) > x.limit) return 0;
  const from = recordsAt(x, ref);
  const end = from + total;
  x.scratchFirst = x.at;
  for (let record = from; record < end; ) {
    const bytes = x.bytes;
    const rdlength = (bytes[record + L.RECORD_RDLENGTH]! << 8) | bytes[record + L.RECORD_RDLENGTH + 1]!;
    const next = record + L.RECORD_FIXED + rdlength;
    if (repeat || record === from) {
      for (let i = 0; i < nameLength; i++) x.response[x.at++] = x.scratchName[i]!;
    } else {
      x.response[x.at++] = (POINTER_BITS | owner) >> 8;
      x.response[x.at++] = owner & 0xff;
    }
    const recordAt = x.at - 2;
    copy(x, record + 2, next - record - 2);
    if (words[set + L.RRSET_EXTRA] !== 0) {
      fixUpRange(x, set, recordAt, record - from, next - from, nameLength - 2, repeat ? nameLength - 2 : 0);
    }
    record = next;
  }
  return count;
}

function copy(x: Exchange, from: number, length: number): void {
  const bytes = x.bytes;
  const response = x.response;
  const to = x.at;
  for (let i = 0; i < length; i++) response[to + i] = bytes[from + i]!;
  x.at = to + length;
}

function setOwners(octets: Uint8Array, from: number, end: number, owner: number): void {
  for (let at = from; at < end; ) {
    setPointer(octets, at, owner);
    at += L.RECORD_FIXED + ((octets[at + L.RECORD_RDLENGTH]! << 8) | octets[at + L.RECORD_RDLENGTH + 1]!);
  }
}

/**
 * Writes the pointers of the names in RDATA: records start at `to` in the response, their owner is at `owner`. An RRset
 * with pointers within is short and stands early in a message (layout.ts), so that its pointers reach.
 */
function fixUp(x: Exchange, set: number, to: number, owner: number): void {
  const words = x.words;
  const extra = x.base + words[set + L.RRSET_EXTRA]!;
  const count = words[extra]!;
  for (let i = 1; i <= count; i++) {
    const fixup = words[extra + i]!;
    let target = x.apexPointer;
    if ((fixup & L.FIXUP_OWNER) !== 0) target = owner;
    else if ((fixup & L.FIXUP_WITHIN) !== 0) target = to - x.start + (words[extra + ++i]! & L.WITHIN_MASK);
    setPointer(x.response, to + (fixup & L.OFFSET_MASK), target);
  }
}

/**
 * The same for one record of an RRset whose owner is written in full: for its fixups between the offsets `from` and `end`.
 * The owner takes `shift` octets more than a pointer in the first record (`first`), and `shiftNext` more in each other one.
 */
function fixUpRange(
  x: Exchange,
  set: number,
  at: number,
  from: number,
  end: number,
  shift: number,
  shiftNext: number,
): void {
  const words = x.words;
  const extra = x.base + words[set + L.RRSET_EXTRA]!;
  const count = words[extra]!;
  const first = x.scratchFirst;
  for (let i = 1; i <= count; i++) {
    const fixup = words[extra + i]!;
    const within = (fixup & L.FIXUP_WITHIN) !== 0 ? words[extra + ++i]! : -1;
    const offset = fixup & L.OFFSET_MASK;
    if (offset < from || offset >= end) continue;
    // No fixup points to the owner here: RRsets with such fixups belong to names in the question.
    const target =
      within < 0
        ? x.apexPointer
        : first - x.start + (within & L.WITHIN_MASK) + shift + (within >> L.WITHIN_SHIFT) * shiftNext;
    setPointer(x.response, at + offset - from, target);
  }
}

function setPointer(octets: Uint8Array, at: number, target: number): void {
  octets[at] = (POINTER_BITS | target) >> 8;
  octets[at + 1] = target & 0xff;
}

/**
 * Composes the owner name of the node `node` in `x.scratchName`: its labels below the apex and a pointer to the apex in
 * the question. Returns the octets used.
 */
export function composeOwner(x: Exchange, node: number): number {
  const { words, bytes, base, scratchName } = x;
  const apex = words[base + L.HEADER_APEX]!;
  let to = 0;
  for (let n = node; n !== apex; n = words[base + n + L.NODE_PARENT]!) {
    const label = (base + n + L.NODE_LABEL) << 2;
    const length = bytes[label]! + 1;
    for (let i = 0; i < length; i++) scratchName[to++] = bytes[label + i]!;
  }
  return endOwner(x, to);
}

/** Ends a name in `x.scratchName` of which `length` octets are written, at the zone's apex. */
export function endOwner(x: Exchange, length: number): number {
  if (x.apexPointer === 0) {
    x.scratchName[length] = 0;
    return length + 1;
  }
  x.scratchName[length] = (POINTER_BITS | x.apexPointer) >> 8;
  x.scratchName[length + 1] = x.apexPointer & 0xff;
  return length + 2;
}

/** Whether the message offset can be pointed to. */
export function reachable(offset: number): boolean {
  return offset < POINTER_LIMIT;
}
