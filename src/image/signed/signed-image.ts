/** An image as signing sees the older version of a zone (dnssec/signing/signed-view.ts): random access, without a second copy. */
import type { HashedEntry, SignedView, ViewRrset } from '../../dnssec/signing/signed-view.js';
import { Type } from '../../protocol/iana.js';
import { compareLabels, LOWER, labelOffsets, MAX_NAME } from '../../protocol/name.js';
import { hashLabel } from '../../zone/store.js';
import { ImageNodes } from '../changes/image-nodes.js';
import { OwnerRecords } from '../changes/owner-records.js';
import * as L from '../layout.js';
import { findInChain } from '../nsec3-search.js';

/** Where a walk from the apex to a name ends. */
interface Place {
  /** The name's node; 0: it does not exist. */
  readonly node: number;
  /** The deepest node on the way. */
  readonly encloser: number;
  /** Offset in the name of the first label that does not exist. */
  readonly missingAt: number;
}

const NO_RDATA: readonly Uint8Array[] = [];

export class SignedImage implements SignedView {
  readonly apex: Uint8Array;
  readonly denial: 'NSEC' | 'NSEC3' | undefined;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #records: OwnerRecords;
  readonly #apexLabels: number;

  /** `octets`: an image. */
  constructor(octets: Uint8Array) {
    this.#bytes = octets;
    this.#words = new Int32Array(octets.buffer, octets.byteOffset, octets.byteLength >> 2);
    const words = this.#words;
    const at = words[L.HEADER_NAME]! << 2;
    const name = octets.slice(at, at + words[L.HEADER_NAME_LENGTH]!);
    this.#records = new OwnerRecords(octets, words, name);
    this.apex = name.map((octet) => LOWER[octet]!);
    this.#apexLabels = words[L.HEADER_LABEL_COUNT]!;
    const flags = words[L.HEADER_FLAGS]!;
    this.denial = (flags & L.FLAG_NSEC3) !== 0 ? 'NSEC3' : (flags & L.FLAG_NSEC) !== 0 ? 'NSEC' : undefined;
  }

  types(owner: Uint8Array): readonly number[] {
    const { node } = this.#walk(owner);
    const types: number[] = [];
    this.#directory(node, (type) => {
      if (type !== Type.RRSIG) types.push(type);
    });
    return types;
  }

  rrset(owner: Uint8Array, type: number): ViewRrset | undefined {
    const set = this.#find(owner, type);
    return set === 0 ? undefined : this.#read(owner, set, type);
  }

  signatures(owner: Uint8Array, type: number): readonly Uint8Array[] {
    const set = this.#find(owner, type);
    return set === 0 ? NO_RDATA : this.#signatures(owner, set);
  }

  nsecBefore(name: Uint8Array): Uint8Array {
    const { node, encloser, missingAt } = this.#walk(name);
    const parent = node === 0 ? encloser : this.#words[node + L.NODE_PARENT]!;
    return this.#nameOf(this.#lastNsec(parent, name, node === 0 ? missingAt : 0));
  }

  nsec3At(hash: Uint8Array): HashedEntry | undefined {
    const place = this.#placeOf(hash);
    return place > 0 ? this.#entry(place - 1) : undefined;
  }

  nsec3Before(hash: Uint8Array): HashedEntry {
    const place = this.#placeOf(hash);
    const count = this.#words[L.HEADER_CHAIN_COUNT]!;
    return this.#entry(place > 0 ? (place - 2 + count) % count : -place - 1);
  }

  namesBelow(names: readonly Uint8Array[]): readonly Uint8Array[] {
    const above = new Set(names.map((name) => this.#walk(name).node));
    above.delete(0);
    const below: Uint8Array[] = [];
    if (above.size === 0) return below;
    // A node comes after its parent.
    this.#eachNode((node, parent) => {
      if (!above.has(parent)) return;
      if (!above.has(node)) below.push(this.#nameOf(node));
      above.add(node);
    });
    return below;
  }

  childrenInChain(names: readonly Uint8Array[]): readonly number[] {
    const nodes = names.map((name) => this.#walk(name).node);
    const counts = new Map(nodes.map((node) => [node, 0]));
    counts.delete(0);
    if (counts.size === 0) return names.map(() => 0);
    this.#eachNode((node, parent) => {
      const count = counts.get(parent);
      if (count !== undefined && this.#words[node + L.NODE_PROOF]! > 0) counts.set(parent, count + 1);
    });
    return nodes.map((node) => counts.get(node) ?? 0);
  }

  #placeOf(hash: Uint8Array): number {
    const words = this.#words;
    return findInChain(this.#bytes, words[L.HEADER_CHAIN]! << 2, words[L.HEADER_CHAIN_COUNT]!, hash, 0);
  }

  #entry(number: number): HashedEntry {
    const entry = this.#words[L.HEADER_CHAIN]! + number * L.CHAIN_ENTRY;
    const set = this.#words[entry + L.CHAIN_RRSET]!;
    return {
      hash: this.#bytes.slice(entry << 2, (entry << 2) + L.CHAIN_HASH_OCTETS),
      rrset: this.#read(this.apex, set, Type.NSEC3),
      signatures: this.#signatures(this.apex, set),
    };
  }

  /** Calls `visit` with each node but the apex, and its parent. */
  #eachNode(visit: (node: number, parent: number) => void): void {
    const nodes = new ImageNodes(this.#words, this.#bytes, false);
    for (nodes.next(); nodes.node !== 0; nodes.next()) visit(nodes.node, this.#words[nodes.node + L.NODE_PARENT]!);
  }

  #walk(name: Uint8Array): Place {
    const words = this.#words;
    const labels = labelOffsets(name);
    let node = words[L.HEADER_APEX]!;
    let hash = words[L.HEADER_SEED]!;
    for (let i = labels.length - this.#apexLabels - 1; i >= 0; i--) {
      hash = hashLabel(hash, name, labels[i]!);
      const child = this.#child(node, hash, name, labels[i]!);
      if (child === 0) return { node: 0, encloser: node, missingAt: labels[i]! };
      node = child;
    }
    return { node, encloser: node, missingAt: 0 };
  }

  #child(parent: number, hash: number, name: Uint8Array, at: number): number {
    const words = this.#words;
    const table = words[L.HEADER_TABLE]!;
    const mask = words[L.HEADER_MASK]!;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const node = words[table + slot * L.SLOT_WORDS + L.SLOT_NODE]!;
      if (node === 0) return 0;
      if (words[table + slot * L.SLOT_WORDS + L.SLOT_HASH] !== hash || words[node + L.NODE_PARENT] !== parent) continue;
      if (compareLabels(this.#bytes, (node + L.NODE_LABEL) << 2, name, at) === 0) return node;
    }
  }

  /** The node that owns the last NSEC before the child of `encloser` with the label at name[at]. */
  #lastNsec(encloser: number, name: Uint8Array, at: number): number {
    const words = this.#words;
    const table = words[encloser + L.NODE_CHILDREN]!;
    let low = 0;
    let high = table === 0 ? 0 : words[table]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const child = words[table + 1 + middle * 2]!;
      if (compareLabels(this.#bytes, (child + L.NODE_LABEL) << 2, name, at) < 0) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? words[encloser + L.NODE_PROOF]! : words[table + low * 2]!;
  }

  /** The node's name in lower case. */
  #nameOf(node: number): Uint8Array {
    const name = new Uint8Array(MAX_NAME);
    let used = 0;
    for (let n = node; n !== this.#words[L.HEADER_APEX]; n = this.#words[n + L.NODE_PARENT]!) {
      const at = (n + L.NODE_LABEL) << 2;
      for (let i = 0; i <= this.#bytes[at]!; i++) name[used++] = LOWER[this.#bytes[at + i]!]!;
    }
    name.set(this.apex, used);
    return name.slice(0, used + this.apex.length);
  }

  #directory(node: number, visit: (type: number, set: number) => void): void {
    if (node === 0) return;
    const words = this.#words;
    let entry = node + L.NODE_LABEL + ((this.#bytes[(node + L.NODE_LABEL) << 2]! + 4) >> 2);
    for (let i = words[node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT; i > 0; i--, entry += L.DIRECTORY_ENTRY)
      visit(words[entry]!, words[entry + 1]!);
  }

  /** Reference of the RRset, or 0. */
  #find(owner: Uint8Array, type: number): number {
    let found = 0;
    this.#directory(this.#walk(owner).node, (own, set) => {
      if (own === type) found = set;
    });
    return found;
  }

  #read(owner: Uint8Array, set: number, type: number): ViewRrset {
    const rows = this.#rows(owner, set, type);
    return { ttl: this.#records.ttl[rows[0]!]!, rdata: rows.map((row) => this.#rdata(row)) };
  }

  #signatures(owner: Uint8Array, set: number): readonly Uint8Array[] {
    return this.#rows(owner, set, Type.RRSIG).map((row) => this.#rdata(row));
  }

  /** The records of an RRset, or its signatures, in canonical order: rows of #records. */
  #rows(owner: Uint8Array, set: number, type: number): number[] {
    const records = this.#records;
    records.begin(owner, 0);
    records.addRrset(set);
    records.sort();
    return Array.from(records.order.subarray(0, records.count)).filter((row) => records.type[row] === type);
  }

  #rdata(row: number): Uint8Array {
    const records = this.#records;
    const at = records.at[row]!;
    return Uint8Array.from(records.rdata(row).subarray(at, at + records.length[row]!));
  }
}
