/**
 * Writes the records of a transfer into its messages (RFC 5936 §3, RFC 1995 §4), and compresses names: owners end in a pointer to
 * the name above that stands in the message already, names in RDATA in those pointers that the image has places for.
 *
 * A message has LARGEST octets at the most, so that a pointer reaches everything in it (RFC 1035 §4.1.4), and its TCP segment and
 * its TLS record are full. Only a record that is longer has a longer message, alone.
 * Hot file: integers and octets, no allocation per record.
 */
import * as L from '../../image/layout.js';
import { MAX_LABELS, nameLength } from '../../protocol/name.js';
import { readU16 } from '../../protocol/octets.js';
import type { RunCursor } from '../../zone/changes/record-run.js';
import type { ImageView } from './image-view.js';

/** Octets of a message: with its length field it fills a record of TLS (RFC 8446 §5.1), which has 2^14. */
export const LARGEST = 16_382;

const POINTER = 0xc000;
/** Runs of this many octets and more are copied by the library. Measured: a view and its copy take 55 ns, an octet of the loop 1 ns. */
const LONG = 56;
const NOTHING = new Uint8Array(0);

export class TransferWriter {
  /** Records written into the message. */
  count = 0;
  /** Where the next octet goes. */
  at = 0;
  out: Uint8Array = NOTHING;

  readonly #image: ImageView;
  /** Where the message begins, where its records should end, and where they must. */
  #start = 0;
  #limit = 0;
  #end = 0;
  /** Message offset of the zone's name; 0: it does not stand in the message yet. */
  #apex = 0;
  /** By depth: the node whose name stands in the message, and its message offset. */
  readonly #named = new Int32Array(MAX_LABELS + 2);
  readonly #namedAt = new Uint16Array(MAX_LABELS + 2);
  /** Message offset of the last owner that is no node, and its octets without the zone's name; 0: none. */
  #lastOwner = 0;
  #lastLength = 0;
  /** Message offset of the owner that is being written. */
  #ownerAt = 0;

  constructor(image: ImageView) {
    this.#image = image;
  }

  /**
   * Begins a message at out[start…], whose records begin at out[at…] and should end `reserve` octets before LARGEST. `end`: where they
   * must end. `apex`: message offset of the zone's name, where it stands in the message already; 0: nowhere.
   */
  begin(out: Uint8Array, start: number, at: number, reserve: number, end: number, apex: number): void {
    this.out = out;
    this.#start = start;
    this.at = at;
    this.#limit = Math.min(end, start + LARGEST - reserve);
    this.#end = end;
    this.#apex = apex;
    this.#named.fill(0);
    this.#lastOwner = 0;
    this.count = 0;
  }

  /**
   * Writes the octets from `from` to before `end` of the records of the RRset at word `set` of the image, `count` records that
   * belong to the node at the end of `path`. Returns whether they have room; where they have not, nothing is written.
   */
  putOfNode(set: number, from: number, end: number, count: number, path: Int32Array, depth: number): boolean {
    const before = this.at;
    this.#putNodeName(path, depth);
    return this.#putRange(set, from, end, count) || this.#undo(before, depth);
  }

  /** The same for an owner that is no node: `length` octets of `name`, which end before the zone's name. */
  putOfName(
    set: number,
    from: number,
    end: number,
    count: number,
    name: Uint8Array,
    at: number,
    length: number,
  ): boolean {
    const before = this.at;
    this.#putPlainName(name, at, length);
    return this.#putRange(set, from, end, count) || this.#undo(before, 0);
  }

  /** Writes the current record of a run. Returns whether it has room. */
  putOfRun(run: RunCursor): boolean {
    const before = this.at;
    const { octets } = run;
    const length = nameLength(octets, run.at);
    this.#putPlainName(octets, run.at, length - this.#image.apex.length);
    const from = run.at + length;
    if (!this.#hasRoom(this.at + run.end - from)) return this.#undo(before, 0);
    this.#copy(octets, from, run.end);
    this.count++;
    return true;
  }

  /** A message without records takes one that is longer than others may be. */
  #hasRoom(end: number): boolean {
    return end <= (this.count === 0 ? this.#end : this.#limit);
  }

  /** Takes back the octets written since `before`: the name of a node at `depth`, or another one. Returns false. */
  #undo(before: number, depth: number): false {
    const offset = before - this.#start;
    for (let i = 1; i <= depth; i++) if (this.#namedAt[i]! >= offset) this.#named[i] = 0;
    if (this.#apex >= offset) this.#apex = 0;
    if (this.#lastOwner >= offset) this.#lastOwner = 0;
    this.at = before;
    return false;
  }

  #putNodeName(path: Int32Array, depth: number): void {
    const { bytes } = this.#image;
    const out = this.out;
    this.#ownerAt = this.at - this.#start;
    for (let i = depth; i > 0; i--) {
      const node = path[i]!;
      if (this.#named[i] === node) {
        // The whole name stands there: the pointer is the owner.
        if (i === depth) this.#ownerAt = this.#namedAt[i]!;
        this.#putPointer(this.#namedAt[i]!);
        return;
      }
      this.#named[i] = node;
      this.#namedAt[i] = this.at - this.#start;
      const label = (node + L.NODE_LABEL) << 2;
      const end = label + bytes[label]! + 1;
      for (let from = label; from < end; from++) out[this.at++] = bytes[from]!;
    }
    if (depth === 0 && this.#apex !== 0) this.#ownerAt = this.#apex;
    this.#putApex();
  }

  /** An owner that is the same as the one before is a pointer to it. */
  #putPlainName(name: Uint8Array, at: number, length: number): void {
    const out = this.out;
    if (this.#lastOwner !== 0 && this.#isLast(name, at, length)) {
      this.#ownerAt = this.#lastOwner;
      this.#putPointer(this.#lastOwner);
      return;
    }
    this.#ownerAt = length === 0 && this.#apex !== 0 ? this.#apex : this.at - this.#start;
    this.#lastOwner = this.#ownerAt;
    this.#lastLength = length;
    for (let i = 0; i < length; i++) out[this.at++] = name[at + i]!;
    this.#putApex();
  }

  #isLast(name: Uint8Array, at: number, length: number): boolean {
    if (length !== this.#lastLength) return false;
    const last = this.#start + this.#lastOwner;
    const out = this.out;
    for (let i = 0; i < length; i++) if (out[last + i] !== name[at + i]) return false;
    return true;
  }

  #putApex(): void {
    const { apex } = this.#image;
    if (this.#apex !== 0 && apex.length > 2) {
      this.#putPointer(this.#apex);
      return;
    }
    if (this.#apex === 0) this.#apex = this.at - this.#start;
    for (let i = 0; i < apex.length; i++) this.out[this.at++] = apex[i]!;
  }

  #putPointer(offset: number): void {
    this.out[this.at++] = (POINTER | offset) >> 8;
    this.out[this.at++] = offset;
  }

  /** Behind the first owner: records of an RRset, from the octet `from` to before `end`. */
  #putRange(set: number, from: number, end: number, count: number): boolean {
    const { bytes, words } = this.#image;
    const data = (set + L.RRSET_DATA) << 2;
    // The owner is written already, in place of the first two octets: they are an owner, too.
    const to = this.at - 2 - from;
    if (!this.#hasRoom(to + end)) return false;
    this.#copy(bytes, data + from + 2, data + end);
    this.count += count;
    if (count > 1) this.#setOwners(to + from, to + end);
    if (words[set + L.RRSET_EXTRA] !== 0 && from < words[set + L.RRSET_LENGTH]!) this.#fixUp(set, to, from, end);
    return true;
  }

  /** Has the records behind the first one begin with a pointer to their owner. */
  #setOwners(from: number, end: number): void {
    const out = this.out;
    const pointer = POINTER | this.#ownerAt;
    for (let at = from; ; ) {
      at += L.RECORD_FIXED + readU16(out, at + L.RECORD_RDLENGTH);
      if (at >= end) return;
      out[at] = pointer >> 8;
      out[at + 1] = pointer;
    }
  }

  /** Writes the pointers of names in RDATA between the octets `from` and `end` of the records, which begin at `to`. */
  #fixUp(set: number, to: number, from: number, end: number): void {
    const { words } = this.#image;
    const extra = words[set + L.RRSET_EXTRA]!;
    const count = words[extra]!;
    for (let i = 1; i <= count; i++) {
      const fixup = words[extra + i]!;
      const within = (fixup & L.FIXUP_WITHIN) !== 0 ? words[extra + ++i]! : -1;
      const offset = fixup & L.OFFSET_MASK;
      if (offset < from || offset >= end) continue;
      const owner = (fixup & L.FIXUP_OWNER) !== 0;
      const target = within >= 0 ? to - this.#start + (within & L.WITHIN_MASK) : owner ? this.#ownerAt : this.#apex;
      const pointer = POINTER | target;
      this.out[to + offset] = pointer >> 8;
      this.out[to + offset + 1] = pointer;
    }
  }

  #copy(source: Uint8Array, from: number, end: number): void {
    const out = this.out;
    let to = this.at;
    this.at = to + end - from;
    if (end - from >= LONG) out.set(source.subarray(from, end), to);
    else for (let i = from; i < end; i++) out[to++] = source[i]!;
  }
}
