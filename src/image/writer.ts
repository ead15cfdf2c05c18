/**
 * The growing end of an image that is being compiled: words and octets of one buffer, and the RRsets written into it.
 * Hot file: typed arrays and integers, no object per record.
 */
import { Type } from '../protocol/iana.js';
import { labelCount, nameLength, sameName } from '../protocol/name.js';
import { nameLayout } from '../protocol/rdata/table.js';
import type { Rrsets } from '../zone/rrsets.js';
import type { RecordStore } from '../zone/store.js';
import { NO_NODE } from '../zone/store.js';
import * as L from './layout.js';

/** Owner of every stored record: a pointer to QNAME, the first name of a message (RFC 1035 §4.1.4). */
const QNAME_POINTER = 0xc00c;
const POINTER = 0xc000;
const ASTERISK = 0x2a;

type NameLayout = ReturnType<typeof nameLayout>;

export class ImageWriter {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** Words written. */
  used = L.HEADER_WORDS;
  /** Places in extra tables that will hold the reference of a node not written yet: word, store's node number. */
  readonly targets: number[] = [];

  readonly #rrsets: Rrsets;
  readonly #store: RecordStore;
  readonly #apexName: Uint8Array;
  readonly #apexLabels: number;
  readonly #layouts = new Map<number, NameLayout>();
  readonly #fixups: number[] = [];
  /** Names written into this RRset: offset in the store's RDATA, octet in the image, number of the record. */
  readonly #written: number[] = [];
  #pointsWithin = false;
  #record = 0;
  readonly #targets: number[] = [];
  readonly #seen = new Set<number>();
  #ownerName = new Uint8Array(256);
  #ownerLabels = 0;
  #ownerIsWildcard = false;

  constructor(buffer: SharedArrayBuffer, rrsets: Rrsets, apexName: Uint8Array) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.#rrsets = rrsets;
    this.#store = rrsets.store;
    this.#apexName = apexName;
    this.#apexLabels = labelCount(apexName);
  }

  /** Reserves `octets` octets, rounded up to words, and returns the reference of the first word. */
  reserve(octets: number): number {
    const at = this.used;
    this.used = at + ((octets + 3) >> 2);
    return at;
  }

  /** Copies octets of `source` and returns the reference of the copy. */
  copy(source: Uint8Array, at: number, length: number): number {
    const to = this.reserve(length);
    for (let i = 0, o = to << 2; i < length; i++) this.bytes[o + i] = source[at + i]!;
    return to;
  }

  /**
   * Writes RRset number `set` with the signatures in `signatures` (rows of the store, may be empty), owned by `owner`
   * (the store's node number). TTLs above `ttlLimit` (seconds) are lowered to it. Returns its reference.
   */
  rrset(set: number, owner: number, signatures: readonly number[], ttlLimit = 0xffffffff): number {
    const { start, records, ttl, type } = this.#rrsets;
    const from = start[set]!;
    const count = start[set + 1]! - from;
    const kind = type[set]!;
    const names = this.#layout(kind);
    const at = this.used;
    const data = (at + L.RRSET_DATA) << 2;
    const setTtl = Math.min(ttl[set]!, ttlLimit);
    this.#fixups.length = 0;
    this.#targets.length = 0;
    this.#seen.clear();
    if (names !== undefined) {
      this.#setOwner(owner);
      this.#written.length = 0;
      this.#pointsWithin = count > 1 && names.compressible && this.#octets(from, count) <= L.WITHIN_LIMIT;
    }
    let end = data;
    let flags = 0;
    if (names === undefined) {
      for (let i = 0; i < count; i++) end = this.#plainRecord(records[from + i]!, setTtl, end);
    } else {
      for (let i = 0; i < count; i++) {
        this.#record = i;
        end = this.#recordWithNames(records[from + i]!, setTtl, names, end, data, kind);
      }
      if (names.additional) flags |= L.RRSET_ADDITIONAL;
      if (this.#inZone(records[from]!, names.at)) flags |= L.RRSET_TARGET_IN_ZONE;
    }
    this.words[at + L.RRSET_INFO] = Math.min(count, L.RRSET_COUNT_MASK) | flags;
    this.words[at + L.RRSET_LENGTH] = end - data;
    const signaturesFrom = end;
    for (const row of signatures) end = this.#plainRecord(row, Math.min(this.#store.ttl[row]!, ttlLimit), end);
    this.words[at + L.RRSET_SIGNATURES] = signatures.length;
    this.words[at + L.RRSET_SIGNATURES_LENGTH] = end - signaturesFrom;
    this.used = (end + 3) >> 2;
    if (this.#fixups.length > 0 || this.#targets.length > 0) this.words[at + L.RRSET_EXTRA] = this.#extra();
    return at;
  }

  #layout(type: number): NameLayout {
    if (!this.#layouts.has(type)) this.#layouts.set(type, nameLayout(type));
    return this.#layouts.get(type);
  }

  #setOwner(owner: number): void {
    this.#store.writeName(owner, this.#ownerName, 0);
    this.#ownerLabels = labelCount(this.#ownerName);
    this.#ownerIsWildcard = this.#ownerName[0] === 1 && this.#ownerName[1] === ASTERISK;
  }

  #fixed(row: number, ttl: number, at: number): number {
    const bytes = this.bytes;
    const type = this.#store.type[row]!;
    bytes[at] = QNAME_POINTER >> 8;
    bytes[at + 1] = QNAME_POINTER & 0xff;
    bytes[at + 2] = type >> 8;
    bytes[at + 3] = type & 0xff;
    bytes[at + 5] = 1; // class IN; the octet before it is 0
    bytes[at + 6] = ttl >>> 24;
    bytes[at + 7] = (ttl >>> 16) & 0xff;
    bytes[at + 8] = (ttl >>> 8) & 0xff;
    bytes[at + 9] = ttl & 0xff;
    return at + L.RECORD_FIXED;
  }

  #length(record: number, end: number): number {
    const length = end - record - L.RECORD_FIXED;
    this.bytes[record + L.RECORD_RDLENGTH] = length >> 8;
    this.bytes[record + L.RECORD_RDLENGTH + 1] = length & 0xff;
    return end;
  }

  #plainRecord(row: number, ttl: number, at: number): number {
    const rdata = this.#store.rdata;
    const from = this.#store.rdataAt[row]!;
    const length = this.#store.rdataLength[row]!;
    const to = this.#fixed(row, ttl, at);
    for (let i = 0; i < length; i++) this.bytes[to + i] = rdata[from + i]!;
    return this.#length(at, to + length);
  }

  #recordWithNames(
    row: number,
    ttl: number,
    names: NonNullable<NameLayout>,
    at: number,
    data: number,
    type: number,
  ): number {
    const { rdata } = this.#store;
    let from = this.#store.rdataAt[row]!;
    const rdataEnd = from + this.#store.rdataLength[row]!;
    let to = this.#fixed(row, ttl, at);
    for (let i = 0; i < names.at; i++) this.bytes[to++] = rdata[from++]!;
    if (names.additional) this.#target(from, to - data);
    if (names.compressible) {
      // CNAME targets stay relative to the apex: the answer engine walks on from their labels (answer/chain.ts).
      const toOwner = type !== Type.CNAME;
      for (let i = 0; i < names.count; i++) {
        to = this.#name(from, to, data, toOwner);
        from += nameLength(rdata, from);
      }
    }
    while (from < rdataEnd) this.bytes[to++] = rdata[from++]!;
    return this.#length(at, to);
  }

  /** Octets of `count` records before compression. */
  #octets(from: number, count: number): number {
    let octets = count * L.RECORD_FIXED;
    for (let i = 0; i < count; i++) octets += this.#store.rdataLength[this.#rrsets.records[from + i]!]!;
    return octets;
  }

  /**
   * Writes the name at `from` of the store's RDATA, ended by a pointer where its end stands in the message already: in a
   * name before it, in the owner, or in the apex; the longest such end is taken.
   */
  #name(from: number, to: number, data: number, toOwner: boolean): number {
    const rdata = this.#store.rdata;
    const labels = labelCount(rdata, from);
    let stop = -1;
    let mark = 0;
    // An answer that a wildcard makes has another owner than the stored one (RFC 4592 §3.3).
    if (toOwner && !this.#ownerIsWildcard && this.#ownerLabels > this.#apexLabels) {
      stop = suffixAt(rdata, from, this.#ownerName, this.#ownerLabels);
      mark = L.FIXUP_OWNER;
    }
    if (stop < 0 && this.#apexLabels > 0) {
      stop = suffixAt(rdata, from, this.#apexName, this.#apexLabels);
      mark = 0;
    }
    let within = 0;
    if (this.#pointsWithin) {
      const known = stop < 0 ? from + nameLength(rdata, from) - 1 : stop;
      for (let i = 0; i < this.#written.length; i += 4) {
        const match = this.#sharedEnd(from, labels, i, known, data);
        if (match === 0) continue;
        stop = match >>> 16;
        stop += from;
        mark = L.FIXUP_WITHIN;
        within = (this.#written[i + 2]! << L.WITHIN_SHIFT) | (match & 0xffff);
        break;
      }
    }
    const end = stop < 0 ? from + nameLength(rdata, from) : stop;
    if (this.#pointsWithin) this.#written.push(from, to, this.#record, end);
    for (let i = from; i < end; i++) this.bytes[to++] = rdata[i]!;
    if (stop < 0) return to;
    this.#fixups.push((to - data) | mark);
    if (mark === L.FIXUP_WITHIN) this.#fixups.push(within);
    this.bytes[to] = POINTER >> 8;
    this.bytes[to + 1] = 0;
    return to + 2;
  }

  /**
   * Whether the name at `from` ends like written name `i`, in a place before `known`, and that end was written out:
   * (octets of the name before that end) << 16 | (offset of the end from `data`), or 0.
   */
  #sharedEnd(from: number, labels: number, i: number, known: number, data: number): number {
    const rdata = this.#store.rdata;
    const other = this.#written[i]!;
    const otherEnd = this.#written[i + 3]!;
    let a = from;
    let b = other;
    let excess = labels - labelCount(rdata, other);
    for (; excess > 0; excess--) a += rdata[a]! + 1;
    for (; excess < 0; excess++) b += rdata[b]! + 1;
    while (a < known && b < otherEnd && rdata[a] !== 0) {
      if (sameName(rdata, a, rdata, b)) return ((a - from) << 16) | (this.#written[i + 1]! + b - other - data);
      a += rdata[a]! + 1;
      b += rdata[b]! + 1;
    }
    return 0;
  }

  #target(from: number, offset: number): void {
    const rdata = this.#store.rdata;
    let target = NO_NODE;
    if (suffixAt(rdata, from, this.#apexName, this.#apexLabels) >= 0) target = this.#store.lookup(rdata, from);
    // Two records may name one target (MX); its addresses are written once.
    if (target !== NO_NODE && this.#seen.has(target)) target = NO_NODE;
    this.#seen.add(target);
    const below = suffixAt(rdata, from, this.#ownerName, this.#ownerLabels) >= 0;
    this.#targets.push(target, offset | (below ? L.TARGET_BELOW : 0));
  }

  #inZone(row: number, namesAt: number): boolean {
    return suffixAt(this.#store.rdata, this.#store.rdataAt[row]! + namesAt, this.#apexName, this.#apexLabels) >= 0;
  }

  #extra(): number {
    const at = this.used;
    const words = this.words;
    let to = at;
    words[to++] = this.#fixups.length;
    for (const fixup of this.#fixups) words[to++] = fixup;
    words[to++] = this.#targets.length >> 1;
    for (let i = 0; i < this.#targets.length; i += 2) {
      if (this.#targets[i] !== NO_NODE) this.targets.push(to, this.#targets[i]!);
      words[to++] = 0;
      words[to++] = this.#targets[i + 1]!;
    }
    this.used = to;
    return at;
  }
}

/**
 * Offset at which the name at `at` of `wire` ends in `suffix` (a whole name of `labels` labels), or -1 when it does not.
 */
export function suffixAt(wire: Uint8Array, at: number, suffix: Uint8Array, labels: number): number {
  let excess = labelCount(wire, at) - labels;
  if (excess < 0) return -1;
  for (; excess > 0; excess--) at += wire[at]! + 1;
  return sameName(wire, at, suffix, 0) ? at : -1;
}
