/**
 * Compresses the names in the RDATA of one RRset, once, when the zone is compiled (RFC 1035 §4.1.4, RFC 3597 §4). A name
 * ends in a pointer when its end is in the message already: in the question (the owner, the apex), or in an earlier name of
 * the RRset. Fixups note the pointers and their places (layout.ts).
 */
import { labelCount, nameLength, sameName, suffixAt } from '../protocol/name.js';
import type { RecordStore } from '../zone/store.js';
import * as L from './layout.js';

const ASTERISK = 0x2a;
/** Numbers per entry of `#written`. */
const WRITTEN = 4;

export class NameCompressor {
  /** Words of the fixups of the RRset. */
  readonly fixups: number[] = [];

  readonly #store: RecordStore;
  readonly #out: Uint8Array;
  readonly #apexName: Uint8Array;
  readonly #apexLabels: number;
  readonly #ownerName = new Uint8Array(256);
  #ownerLabels = 0;
  #ownerIsWildcard = false;
  /** Octet of the image at which the records of the RRset start. */
  #data = 0;
  #pointsWithin = false;
  /** Names of this RRset: offset in the store's RDATA, octet in the image, number of the record, end of the part written out. */
  readonly #written: number[] = [];

  /** `out` are the octets of the image, `apexName` is in wire format. */
  constructor(store: RecordStore, out: Uint8Array, apexName: Uint8Array) {
    this.#store = store;
    this.#out = out;
    this.#apexName = apexName;
    this.#apexLabels = labelCount(apexName);
  }

  /** Begins an RRset of `owner` (a node of the store) whose records start at octet `data` of the image. */
  begin(owner: number, data: number, pointsWithin: boolean): void {
    this.#store.writeName(owner, this.#ownerName, 0);
    this.#ownerLabels = labelCount(this.#ownerName);
    this.#ownerIsWildcard = this.#ownerName[0] === 1 && this.#ownerName[1] === ASTERISK;
    this.#data = data;
    this.#pointsWithin = pointsWithin;
    this.#written.length = 0;
    this.fixups.length = 0;
  }

  /** Whether the name at `from` of the store's RDATA lies in the zone. */
  isInZone(from: number): boolean {
    return suffixAt(this.#store.rdata, from, this.#apexName, this.#apexLabels) >= 0;
  }

  /** Whether the name at `from` of the store's RDATA is the owner's or lies below it. */
  isBelowOwner(from: number): boolean {
    return suffixAt(this.#store.rdata, from, this.#ownerName, this.#ownerLabels) >= 0;
  }

  /**
   * Writes the name at `from` of the store's RDATA, of the RRset's record number `record`, to octet `to` of the image;
   * `toOwner`: a pointer may lead to the owner. Returns the octet behind it.
   */
  write(from: number, to: number, record: number, toOwner: boolean): number {
    const rdata = this.#store.rdata;
    let stop = -1;
    let mark = 0;
    // An answer by a wildcard has another owner than the stored one (RFC 4592 §3.3).
    if (toOwner && !this.#ownerIsWildcard && this.#ownerLabels > this.#apexLabels) {
      stop = suffixAt(rdata, from, this.#ownerName, this.#ownerLabels);
      mark = L.FIXUP_OWNER;
    }
    if (stop < 0 && this.#apexLabels > 0) {
      stop = suffixAt(rdata, from, this.#apexName, this.#apexLabels);
      mark = 0;
    }
    let within = -1;
    const nameEnd = from + nameLength(rdata, from);
    if (this.#pointsWithin) {
      // An earlier name's end is used only where it is longer than the one in the question.
      const known = stop < 0 ? nameEnd - 1 : stop;
      const labels = labelCount(rdata, from);
      for (let i = 0; i < this.#written.length && within < 0; i += WRITTEN) {
        const shared = this.#sharedEnd(from, labels, i, known);
        if (shared < 0) continue;
        stop = shared;
        within = this.#offsetOfEnd(i, nameEnd - shared);
      }
    }
    const end = stop < 0 ? nameEnd : stop;
    if (this.#pointsWithin) this.#written.push(from, to, record, end);
    for (let i = from; i < end; i++) this.#out[to++] = rdata[i]!;
    if (stop < 0) return to;
    if (within < 0) this.fixups.push((to - this.#data) | mark);
    else this.fixups.push((to - this.#data) | L.FIXUP_WITHIN, within);
    this.#out[to] = 0xc0;
    this.#out[to + 1] = 0;
    return to + 2;
  }

  /**
   * The place before `known` from which on the name at `from` equals a written-out end of name `i`; -1: there is none.
   */
  #sharedEnd(from: number, labels: number, i: number, known: number): number {
    const rdata = this.#store.rdata;
    const otherEnd = this.#written[i + 3]!;
    let a = from;
    let b = this.#written[i]!;
    let excess = labels - labelCount(rdata, b);
    for (; excess > 0; excess--) a += rdata[a]! + 1;
    for (; excess < 0; excess++) b += rdata[b]! + 1;
    for (; a < known && b < otherEnd && rdata[a] !== 0; a += rdata[a]! + 1, b += rdata[b]! + 1) {
      if (sameName(rdata, a, rdata, b)) return a;
    }
    return -1;
  }

  /** The place of the last `length` octets of written name `i`, as FIXUP_WITHIN has it. */
  #offsetOfEnd(i: number, length: number): number {
    const name = this.#written[i]!;
    const skipped = nameLength(this.#store.rdata, name) - length;
    return (this.#written[i + 2]! << L.WITHIN_SHIFT) | (this.#written[i + 1]! + skipped - this.#data);
  }
}
