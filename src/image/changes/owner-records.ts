/**
 * The records of one owner, read back from an image into uncompressed wire format and canonical order (RFC 4034 §6). Hot
 * file: columns of integers, used again for each owner; an RRset without compressed names is not copied.
 */
import { nameLength } from '../../protocol/name.js';
import { readU16, readU32 } from '../../protocol/octets.js';
import { nameLayout } from '../../protocol/rdata/table.js';
import { compareRdata } from '../../zone/changes/record-run.js';
import * as L from '../layout.js';

/** The two highest bits of a length octet that make it a compression pointer (RFC 1035 §4.1.4). */
const POINTER = 0xc0;
/** Owners with more records are sorted by the library, not by insertion. */
const FEW = 32;
const TYPE = 2;

export class OwnerRecords {
  /** Number of records. */
  count = 0;
  type = new Uint16Array(16);
  /** Seconds. */
  ttl = new Uint32Array(16);
  /** Where the RDATA is: in the image, or in `expanded`. */
  at = new Uint32Array(16);
  length = new Uint16Array(16);
  /** 1: the RDATA is in `expanded`, as it had compressed names. */
  isExpanded = new Uint8Array(16);
  expanded = new Uint8Array(1024);
  /** The records in canonical order: order[0 … count), numbers of the columns. */
  order = new Uint32Array(16);

  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #apex: Uint8Array;
  #used = 0;
  /** Octets of the owner's name. */
  #owner: Uint8Array;
  #ownerAt = 0;
  /** Of the RRset in hand: its extra table, and where its records begin. */
  #extra = 0;
  #data = 0;
  /** The next fixup of the RRset in hand. */
  #fixup = 0;

  /** `bytes` and `words` are an image; `apex` is its name. */
  constructor(bytes: Uint8Array, words: Int32Array, apex: Uint8Array) {
    this.#bytes = bytes;
    this.#words = words;
    this.#apex = apex;
    this.#owner = apex;
  }

  /** Begins another owner, whose name is owner[ownerAt…]. */
  begin(owner: Uint8Array, ownerAt: number): void {
    this.count = 0;
    this.#used = 0;
    this.#owner = owner;
    this.#ownerAt = ownerAt;
  }

  /** The octets in which record `i` (a number of the columns) has its RDATA. */
  rdata(i: number): Uint8Array {
    return this.isExpanded[i] === 1 ? this.expanded : this.#bytes;
  }

  /** Adds the records of an RRset and its signatures. */
  addRrset(set: number): void {
    const words = this.#words;
    const bytes = this.#bytes;
    const data = (set + L.RRSET_DATA) << 2;
    const end = data + words[set + L.RRSET_LENGTH]!;
    const extra = words[set + L.RRSET_EXTRA]!;
    const isCompressed = extra !== 0 && words[extra] !== 0;
    this.#extra = extra;
    this.#data = data;
    this.#fixup = extra + 1;
    let record = data;
    for (; record < end; record += L.RECORD_FIXED + readU16(bytes, record + L.RECORD_RDLENGTH)) {
      if (isCompressed) this.#addExpanded(record);
      else this.#addPlain(record);
    }
    const signaturesEnd = end + words[set + L.RRSET_SIGNATURES_LENGTH]!;
    for (; record < signaturesEnd; record += L.RECORD_FIXED + readU16(bytes, record + L.RECORD_RDLENGTH))
      this.#addPlain(record);
  }

  /** Sorts the records. */
  sort(): void {
    const { order, count } = this;
    for (let i = 0; i < count; i++) order[i] = i;
    if (count > FEW) {
      order.subarray(0, count).sort((a, b) => this.compare(a, b));
      return;
    }
    for (let i = 1; i < count; i++) {
      const own = order[i]!;
      let j = i - 1;
      for (; j >= 0 && this.compare(order[j]!, own) > 0; j--) order[j + 1] = order[j]!;
      order[j + 1] = own;
    }
  }

  /** Compares two records of the owner, numbers of the columns, by type and RDATA. */
  compare(a: number, b: number): number {
    const { type, at, length } = this;
    return (
      type[a]! - type[b]! ||
      compareRdata(type[a]!, this.rdata(a), at[a]!, length[a]!, this.rdata(b), at[b]!, length[b]!)
    );
  }

  /** Adds a row of columns for the record at octet `record` of the image, and returns its number. */
  #add(record: number): number {
    const row = this.count;
    if (row === this.type.length) this.#grow();
    this.count = row + 1;
    this.type[row] = readU16(this.#bytes, record + TYPE);
    this.ttl[row] = readU32(this.#bytes, record + L.RECORD_TTL);
    return row;
  }

  #addPlain(record: number): void {
    const row = this.#add(record);
    this.at[row] = record + L.RECORD_FIXED;
    this.length[row] = readU16(this.#bytes, record + L.RECORD_RDLENGTH);
    this.isExpanded[row] = 0;
  }

  #addExpanded(record: number): void {
    const row = this.#add(record);
    const start = this.#used;
    const names = nameLayout(this.type[row]!);
    let from = record + L.RECORD_FIXED;
    const end = from + readU16(this.#bytes, record + L.RECORD_RDLENGTH);
    if (names !== undefined) {
      this.#copy(this.#bytes, from, names.at);
      from += names.at;
      for (let i = 0; i < names.count; i++) from = this.#copyName(from);
    }
    this.#copy(this.#bytes, from, end - from);
    this.at[row] = start;
    this.length[row] = this.#used - start;
    this.isExpanded[row] = 1;
  }

  /** Copies the name at octet `from` of the image without its pointer, and returns the octet behind it. */
  #copyName(from: number): number {
    let at = from;
    for (let length = this.#bytes[at]!; length !== 0; length = this.#bytes[at]!) {
      if (length >= POINTER) {
        this.#copyTarget(at - this.#data);
        return at + 2;
      }
      this.#copy(this.#bytes, at, length + 1);
      at += length + 1;
    }
    this.#copy(this.#bytes, at, 1);
    return at + 1;
  }

  /** Copies the name that the pointer at `offset` of the records leads to. */
  #copyTarget(offset: number): void {
    const words = this.#words;
    const end = this.#extra + 1 + words[this.#extra]!;
    // Pointers come in the order of their fixups, but for those of an earlier name.
    const isNext = this.#fixup < end && (words[this.#fixup]! & L.OFFSET_MASK) === offset;
    let at = isNext ? this.#fixup : this.#extra + 1;
    while (at < end && (words[at]! & L.OFFSET_MASK) !== offset) at += (words[at]! & L.FIXUP_WITHIN) !== 0 ? 2 : 1;
    const fixup = words[at]!;
    const isWithin = (fixup & L.FIXUP_WITHIN) !== 0;
    this.#fixup = Math.min(at + (isWithin ? 2 : 1), end);
    if (isWithin) {
      const next = this.#fixup;
      this.#copyName(this.#data + (words[at + 1]! & L.WITHIN_MASK));
      this.#fixup = next;
    } else if ((fixup & L.FIXUP_OWNER) !== 0) {
      this.#copy(this.#owner, this.#ownerAt, nameLength(this.#owner, this.#ownerAt));
    } else {
      this.#copy(this.#apex, 0, this.#apex.length);
    }
  }

  #copy(source: Uint8Array, at: number, length: number): void {
    const to = this.#used;
    if (to + length > this.expanded.length) {
      const wider = new Uint8Array((to + length) * 2);
      wider.set(this.expanded);
      this.expanded = wider;
    }
    for (let i = 0; i < length; i++) this.expanded[to + i] = source[at + i]!;
    this.#used = to + length;
  }

  #grow(): void {
    const rows = this.type.length * 2;
    const grown = <T extends Uint8Array | Uint16Array | Uint32Array>(wider: T, old: T): T => {
      wider.set(old);
      return wider;
    };
    this.type = grown(new Uint16Array(rows), this.type);
    this.length = grown(new Uint16Array(rows), this.length);
    this.ttl = grown(new Uint32Array(rows), this.ttl);
    this.at = grown(new Uint32Array(rows), this.at);
    this.order = new Uint32Array(rows);
    this.isExpanded = grown(new Uint8Array(rows), this.isExpanded);
  }
}
