/**
 * Writes an image that is being compiled: words and octets of one buffer, and RRsets.
 * Hot file: typed arrays and integers, no object per record.
 */
import { Type } from '../protocol/iana.js';
import { nameLength } from '../protocol/name.js';
import { Additional } from '../protocol/rdata/rows.js';
import { nameLayout } from '../protocol/rdata/table.js';
import type { Rrsets } from '../zone/rrsets.js';
import type { RecordStore } from '../zone/store.js';
import { NO_NODE } from '../zone/store.js';
import { NameCompressor } from './compression.js';
import * as L from './layout.js';

/** Owner of every stored record: a pointer to QNAME, the first name of a message (RFC 1035 §4.1.4). */
const QNAME_POINTER = 0xc00c;

type NameLayout = NonNullable<ReturnType<typeof nameLayout>>;

export class ImageWriter {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** Words written. */
  used = L.HEADER_WORDS;
  /** Words of extra tables that are to hold the reference of a node not yet written, in pairs: word, store's node number. */
  readonly targets: number[] = [];

  readonly #rrsets: Rrsets;
  readonly #store: RecordStore;
  readonly #names: NameCompressor;
  /** Targets of the RRset: store's node number, offset with TARGET_BELOW. */
  readonly #targets: number[] = [];
  readonly #seen = new Set<number>();

  constructor(buffer: SharedArrayBuffer, rrsets: Rrsets, apexName: Uint8Array) {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.#rrsets = rrsets;
    this.#store = rrsets.store;
    this.#names = new NameCompressor(rrsets.store, this.bytes, apexName);
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
    const names = nameLayout(type[set]!);
    const at = this.used;
    const data = (at + L.RRSET_DATA) << 2;
    const setTtl = Math.min(ttl[set]!, ttlLimit);
    let info = Math.min(count, L.RRSET_COUNT_MASK);
    let end = data;
    if (names === undefined) {
      for (let i = 0; i < count; i++) end = this.#plainRecord(records[from + i]!, setTtl, end);
    } else {
      end = this.#recordsWithNames(set, owner, setTtl, names, data);
      if (names.additional !== Additional.NOTHING) info |= L.RRSET_ADDITIONAL;
      if (names.additional === Additional.SERVICE) info |= L.RRSET_SERVICE;
      if (this.#names.isInZone(this.#store.rdataAt[records[from]!]! + names.at)) info |= L.RRSET_TARGET_IN_ZONE;
    }
    this.words[at + L.RRSET_INFO] = info;
    this.words[at + L.RRSET_LENGTH] = end - data;
    if (signatures.length > 0) {
      const signaturesFrom = end;
      for (const row of signatures) end = this.#plainRecord(row, Math.min(this.#store.ttl[row]!, ttlLimit), end);
      this.words[at + L.RRSET_SIGNATURES] = signatures.length;
      this.words[at + L.RRSET_SIGNATURES_LENGTH] = end - signaturesFrom;
    }
    this.used = (end + 3) >> 2;
    if (names !== undefined && (this.#names.fixups.length > 0 || this.#targets.length > 0)) {
      this.words[at + L.RRSET_EXTRA] = this.#extra();
    }
    return at;
  }

  /** Writes RRSIG records (rows of the store) whose RRset is not there. Each keeps its TTL. Returns their reference. */
  signatures(rows: readonly number[]): number {
    const at = this.used;
    const data = (at + L.RRSET_DATA) << 2;
    let end = data;
    for (const row of rows) end = this.#plainRecord(row, this.#store.ttl[row]!, end);
    this.words[at + L.RRSET_INFO] = Math.min(rows.length, L.RRSET_COUNT_MASK);
    this.words[at + L.RRSET_LENGTH] = end - data;
    this.used = (end + 3) >> 2;
    return at;
  }

  /** Owner, type, class and TTL of a record. */
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
    const bytes = this.bytes;
    const from = this.#store.rdataAt[row]!;
    const length = this.#store.rdataLength[row]!;
    const to = this.#fixed(row, ttl, at);
    for (let i = 0; i < length; i++) bytes[to + i] = rdata[from + i]!;
    return this.#length(at, to + length);
  }

  #recordsWithNames(set: number, owner: number, ttl: number, names: NameLayout, data: number): number {
    const { start, records } = this.#rrsets;
    const from = start[set]!;
    const count = start[set + 1]! - from;
    this.#names.begin(owner, data, count > 1 && names.compressible && this.#octets(from, count) <= L.WITHIN_LIMIT);
    this.#targets.length = 0;
    if (names.additional !== Additional.NOTHING) this.#seen.clear();
    let end = data;
    for (let i = 0; i < count; i++) end = this.#recordWithNames(records[from + i]!, i, owner, ttl, names, end, data);
    return end;
  }

  #recordWithNames(
    row: number,
    number: number,
    owner: number,
    ttl: number,
    names: NameLayout,
    at: number,
    data: number,
  ): number {
    const { rdata } = this.#store;
    let from = this.#store.rdataAt[row]!;
    const rdataEnd = from + this.#store.rdataLength[row]!;
    let to = this.#fixed(row, ttl, at);
    for (let i = 0; i < names.at; i++) this.bytes[to++] = rdata[from++]!;
    if (names.additional !== Additional.NOTHING) this.#target(row, from, to - data, owner, names.additional);
    if (names.compressible) {
      // CNAME targets stay relative to the apex: the answer engine walks on from their labels (answer/alias-chain.ts).
      const toOwner = this.#store.type[row] !== Type.CNAME;
      for (let i = 0; i < names.count; i++) {
        to = this.#names.write(from, to, number, toOwner);
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

  /** Notes the target of a record, whose name is at `from` of the store's RDATA and at `offset` of the RRset's records. */
  #target(row: number, from: number, offset: number, owner: number, additional: Additional): void {
    const { rdata, rdataAt } = this.#store;
    const priority = rdataAt[row]!;
    const isAlias = additional === Additional.SERVICE && rdata[priority] === 0 && rdata[priority + 1] === 0;
    const isOwner = additional === Additional.SERVICE && !isAlias && rdata[from] === 0;
    let target = isOwner ? owner : this.#nodeOf(from);
    // Two records may name one target (MX); its addresses are written once.
    const key = isAlias ? -1 - target : target;
    if (target !== NO_NODE && this.#seen.has(key)) target = NO_NODE;
    if (target !== NO_NODE) this.#seen.add(key);
    const below = this.#names.isBelowOwner(from) ? L.TARGET_BELOW : 0;
    this.#targets.push(target, (isOwner ? 0 : offset) | below | (isAlias ? L.TARGET_ALIAS : 0));
  }

  /** The node of the name at `from` of the store's RDATA. The root is no target: it means that there is none (RFC 7505, RFC 2782). */
  #nodeOf(from: number): number {
    const { rdata } = this.#store;
    return rdata[from] !== 0 && this.#names.isInZone(from) ? this.#store.lookup(rdata, from) : NO_NODE;
  }

  #extra(): number {
    const at = this.used;
    const words = this.words;
    let to = at;
    words[to++] = this.#names.fixups.length;
    for (const fixup of this.#names.fixups) words[to++] = fixup;
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
