/**
 * A zone's content as a change of it sees it, by names: wildcards are taken literally, nothing is followed, and empty
 * non-terminals have no records (RFC 2136 §2.4.4, §3.2.4). Only the names that are asked for are read.
 *
 * NOT here: NSEC3 records, whose owners are no nodes of an image. Zones that are signed elsewhere are not changed.
 */
import { Type } from '../../protocol/iana.js';
import { LOWER, labelCount, labelOffsets, MAX_NAME, sameName, suffixAt } from '../../protocol/name.js';
import { hashLabel } from '../../zone/store.js';
import * as L from '../layout.js';
import { ImageNodes } from './image-nodes.js';
import { OwnerRecords } from './owner-records.js';

/** A record of an RRset. */
export interface ViewRecord {
  /** Seconds. */
  readonly ttl: number;
  /** Uncompressed wire format. */
  readonly rdata: Uint8Array;
}

/** The changes that lead from one content of a zone to another. Both runs (zone/changes/record-run.ts) are without SOA records. */
export interface Changes {
  readonly removed: Uint8Array;
  readonly added: Uint8Array;
  /** The new SOA record, if the change has one. Its serial is the one that the change wants. */
  readonly soa?: ViewRecord;
}

/** Names are in wire format and in any letter case. */
export interface ZoneView {
  /** The zone's name. */
  readonly apex: Uint8Array;
  /** Whether the name owns a record; names outside the zone never do. */
  exists(owner: Uint8Array): boolean;
  /** The types of the name's RRsets, in rising order. */
  types(owner: Uint8Array): readonly number[];
  /** The records of an RRset, in no order; none when it does not exist. RRSIG records of all types are one RRset here. */
  rrset(owner: Uint8Array, type: number): readonly ViewRecord[];
  /** The name in the letter case that it has in the zone; undefined when it does not exist. */
  spelling(owner: Uint8Array): Uint8Array | undefined;
  /** The names with records below a name, without the name itself. This walks over the zone. */
  namesBelow(owner: Uint8Array): Iterable<Uint8Array>;
}

/** The content of an image. */
export class ImageView implements ZoneView {
  readonly apex: Uint8Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #apexLabels: number;
  readonly #records: OwnerRecords;

  constructor(image: Uint8Array) {
    this.#words = new Int32Array(image.buffer, image.byteOffset, image.byteLength >> 2);
    this.#bytes = image;
    const at = this.#words[L.HEADER_NAME]! << 2;
    this.apex = Uint8Array.from(image.subarray(at, at + this.#words[L.HEADER_NAME_LENGTH]!));
    this.#apexLabels = labelCount(this.apex);
    this.#records = new OwnerRecords(image, this.#words, this.apex);
  }

  exists(owner: Uint8Array): boolean {
    const node = this.#find(owner);
    return node !== 0 && this.#sets(node) > 0;
  }

  types(owner: Uint8Array): readonly number[] {
    const node = this.#find(owner);
    if (node === 0) return [];
    const types = new Set<number>();
    for (const { type, set } of this.#directory(node)) {
      types.add(type);
      if (this.#words[set + L.RRSET_SIGNATURES]! > 0) types.add(Type.RRSIG);
    }
    return [...types].sort((a, b) => a - b);
  }

  rrset(owner: Uint8Array, type: number): readonly ViewRecord[] {
    const node = this.#find(owner);
    if (node === 0) return [];
    const records = this.#records;
    // Names in RDATA may point to the owner, and have its letter case then.
    records.begin(this.#nameOf(node), 0);
    for (const entry of this.#directory(node))
      if (entry.type === type || type === Type.RRSIG) records.addRrset(entry.set);
    const found: ViewRecord[] = [];
    for (let i = 0; i < records.count; i++) {
      if (records.type[i] !== type) continue;
      const at = records.at[i]!;
      // A copy: neither the image nor the columns stay.
      const rdata = Uint8Array.from(records.rdata(i).subarray(at, at + records.length[i]!));
      found.push({ ttl: records.ttl[i]!, rdata });
    }
    return found;
  }

  spelling(owner: Uint8Array): Uint8Array | undefined {
    const node = this.#find(owner);
    return node === 0 || this.#sets(node) === 0 ? undefined : this.#nameOf(node);
  }

  *namesBelow(owner: Uint8Array): Iterable<Uint8Array> {
    const from = this.#find(owner);
    if (from === 0) return;
    // A node lies behind its parent.
    const below = new Set([from]);
    for (const nodes = new ImageNodes(this.#words, this.#bytes, false); nodes.node !== 0; nodes.next()) {
      const { node } = nodes;
      if (node <= from || !below.has(this.#words[node + L.NODE_PARENT]!)) continue;
      below.add(node);
      if (this.#sets(node) > 0) yield this.#nameOf(node);
    }
  }

  /** Number of a node's RRsets. */
  #sets(node: number): number {
    return this.#words[node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT;
  }

  *#directory(node: number): Iterable<{ readonly type: number; readonly set: number }> {
    const words = this.#words;
    let entry = node + L.NODE_LABEL + ((this.#bytes[(node + L.NODE_LABEL) << 2]! + 4) >> 2);
    for (let i = this.#sets(node); i > 0; i--, entry += L.DIRECTORY_ENTRY)
      yield { type: words[entry]!, set: words[entry + 1]! };
  }

  #nameOf(node: number): Uint8Array {
    const name = new Uint8Array(MAX_NAME);
    let used = 0;
    const top = this.#words[L.HEADER_APEX]!;
    for (let at = node; at !== top; at = this.#words[at + L.NODE_PARENT]!) {
      const label = (at + L.NODE_LABEL) << 2;
      const length = this.#bytes[label]! + 1;
      name.set(this.#bytes.subarray(label, label + length), used);
      used += length;
    }
    name.set(this.apex, used);
    return name.slice(0, used + this.apex.length);
  }

  /** Reference of the node of a name, or 0. */
  #find(owner: Uint8Array): number {
    const words = this.#words;
    if (suffixAt(owner, 0, this.apex, this.#apexLabels) < 0) return 0;
    const labels = labelOffsets(owner);
    let node = words[L.HEADER_APEX]!;
    let hash = words[L.HEADER_SEED]!;
    for (let i = labels.length - this.#apexLabels - 1; i >= 0; i--) {
      hash = hashLabel(hash, owner, labels[i]!);
      node = this.#child(node, hash, owner, labels[i]!);
      if (node === 0) return 0;
    }
    return node;
  }

  #child(parent: number, hash: number, owner: Uint8Array, at: number): number {
    const words = this.#words;
    const mask = words[L.HEADER_MASK]!;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = words[L.HEADER_TABLE]! + slot * L.SLOT_WORDS;
      const node = words[entry + L.SLOT_NODE]!;
      if (node === 0) return 0;
      if (words[entry + L.SLOT_HASH] !== hash || words[node + L.NODE_PARENT] !== parent) continue;
      if (this.#hasLabel(node, owner, at)) return node;
    }
  }

  #hasLabel(node: number, owner: Uint8Array, at: number): boolean {
    const label = (node + L.NODE_LABEL) << 2;
    const length = owner[at]!;
    for (let i = 0; i <= length; i++) if (LOWER[this.#bytes[label + i]!] !== LOWER[owner[at + i]!]) return false;
    return true;
  }
}

/** Whether a name is the zone's. */
export function isApex(view: ZoneView, owner: Uint8Array): boolean {
  return sameName(owner, 0, view.apex, 0);
}
