/**
 * Reads an image back into the records of its zone, owner by owner. By the layout (../layout.ts), they are in three places: the
 * nodes' directories, the NSEC3 chain, whose owners are the hashes, and the unused RRsets. Names in RDATA that were
 * compressed get back the letter case of the name that they end in. Hot file: integers, no object per record.
 */
import { encodeBase32hex } from '../../protocol/base32hex.js';
import { compareNames, MAX_LABELS, MAX_NAME, nameLength } from '../../protocol/name.js';
import * as L from '../layout.js';
import { ImageNodes } from './image-nodes.js';
import { OwnerRecords } from './owner-records.js';

/** Characters of a hash in base32hex. */
const HASH_CHARACTERS = 32;

export class ImageRecords {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** The zone's name in wire format. */
  readonly apex: Uint8Array;
  /** The owner's name in wire format is owner[ownerAt … ownerAt + ownerLength). */
  owner: Uint8Array;
  ownerAt = 0;
  ownerLength = 0;
  /** The owner is a node of the image at this depth below the apex; -1: it has none (NSEC3). */
  depth = -1;
  /** The owner's records. */
  readonly records: OwnerRecords;

  readonly #isCanonical: boolean;
  readonly #nodes: ImageNodes;
  /** Names of nodes end at the end of this buffer; by depth, where they begin. */
  readonly #name = new Uint8Array(MAX_NAME * 2);
  readonly #nameAt = new Uint16Array(MAX_NAME);
  /** References of nodes by depth, from the apex to the node that was last an owner. */
  readonly #path = new Int32Array(MAX_LABELS + 1);
  /** The next entry of the chain. */
  #chain = 0;
  /** The name of its owner, once #nameChain() has written it. */
  readonly #chainName: Uint8Array;
  /** The unused RRsets in the wanted order, as references of entries; and the next one. */
  readonly #unused: number[];
  #next = 0;

  /** `isCanonical`: owners come in canonical order (RFC 4034 §6.1), each once; otherwise in the order of the image. */
  constructor(octets: Uint8Array, isCanonical: boolean) {
    this.words = new Int32Array(octets.buffer, octets.byteOffset, octets.byteLength >> 2);
    this.bytes = octets;
    const at = this.words[L.HEADER_NAME]! << 2;
    this.apex = octets.slice(at, at + this.words[L.HEADER_NAME_LENGTH]!);
    this.owner = this.apex;
    this.records = new OwnerRecords(octets, this.words, this.apex);
    this.#isCanonical = isCanonical;
    this.#nodes = new ImageNodes(this.words, octets, isCanonical);
    this.#nameAt[0] = this.#name.length - this.apex.length;
    this.#name.set(this.apex, this.#nameAt[0]);
    this.#chainName = new Uint8Array(1 + HASH_CHARACTERS + this.apex.length);
    this.#chainName[0] = HASH_CHARACTERS;
    this.#chainName.set(this.apex, 1 + HASH_CHARACTERS);
    this.#unused = Array.from(
      { length: this.words[L.HEADER_UNUSED_COUNT]! },
      (_, i) => this.words[L.HEADER_UNUSED]! + i * L.UNUSED_ENTRY,
    );
    if (isCanonical)
      this.#unused.sort((a, b) => compareNames(octets, this.#unusedName(a), octets, this.#unusedName(b)));
  }

  /** Moves to the next owner that has records, and puts its records in order. Returns false behind the last one. */
  next(): boolean {
    for (;;) {
      this.#nameChain();
      const hasNode = this.#nodes.node !== 0;
      const hasHidden = this.#hasChain || this.#hasUnused;
      if (!hasNode && !hasHidden) return false;
      const order = !hasNode ? 1 : !hasHidden || !this.#isCanonical ? -1 : this.#compareToHidden();
      if (order <= 0) this.#takeNode();
      if (order > 0) this.#takeHiddenName();
      if (order >= 0) this.#takeHidden();
      if (this.records.count === 0) continue;
      if (this.#isCanonical) this.records.sort();
      else for (let i = 0; i < this.records.count; i++) this.records.order[i] = i;
      return true;
    }
  }

  /** Where the label of the owner's ancestor at `depth` below the apex is in `bytes`; the apex itself has depth 0. */
  labelAt(depth: number): number {
    return (this.#path[depth]! + L.NODE_LABEL) << 2;
  }

  /** Reference of the owner's ancestor at `depth`. */
  nodeAt(depth: number): number {
    return this.#path[depth]!;
  }

  #takeNode(): void {
    const { words, bytes } = this;
    const { node } = this.#nodes;
    this.#enterNode();
    this.records.begin(this.owner, this.ownerAt);
    let entry = node + L.NODE_LABEL + ((bytes[(node + L.NODE_LABEL) << 2]! + 4) >> 2);
    for (let i = words[node + L.NODE_INFO]! >>> L.NODE_COUNT_SHIFT; i > 0; i--, entry += L.DIRECTORY_ENTRY)
      this.records.addRrset(words[entry + 1]!);
    this.#nodes.next();
  }

  /** Makes the current node the owner. */
  #enterNode(): void {
    const { depth } = this.#nodes;
    for (let at = this.#isCanonical ? depth : 0; at <= depth; at++) {
      this.#path[at] = this.#nodes.path[at]!;
      if (at > 0) this.#writeLabel(at);
    }
    this.owner = this.#name;
    this.ownerAt = this.#nameAt[depth]!;
    this.ownerLength = this.#name.length - this.ownerAt;
    this.depth = depth;
  }

  #writeLabel(depth: number): void {
    const from = (this.#nodes.path[depth]! + L.NODE_LABEL) << 2;
    const length = this.bytes[from]! + 1;
    const at = this.#nameAt[depth - 1]! - length;
    for (let i = 0; i < length; i++) this.#name[at + i] = this.bytes[from + i]!;
    this.#nameAt[depth] = at;
  }

  get #hasChain(): boolean {
    return this.#chain < this.words[L.HEADER_CHAIN_COUNT]!;
  }

  get #hasUnused(): boolean {
    return this.#next < this.#unused.length;
  }

  #unusedName(entry: number): number {
    return this.words[entry + L.UNUSED_OWNER]! << 2;
  }

  /** Compares the current node's name with the next owner that has no node. */
  #compareToHidden(): number {
    const { depth } = this.#nodes;
    if (depth > 0) this.#writeLabel(depth);
    const at = this.#nameAt[depth]!;
    if (this.#isChainFirst()) return compareNames(this.#name, at, this.#chainName, 0);
    return compareNames(this.#name, at, this.bytes, this.#unusedName(this.#unused[this.#next]!));
  }

  /** Whether the chain's next owner comes before that of the next unused RRset, or is the same. */
  #isChainFirst(): boolean {
    if (!this.#hasChain || !this.#hasUnused || !this.#isCanonical) return this.#hasChain;
    const unused = this.#unusedName(this.#unused[this.#next]!);
    return compareNames(this.#chainName, 0, this.bytes, unused) <= 0;
  }

  #takeHiddenName(): void {
    const isChain = this.#isChainFirst();
    this.owner = isChain ? this.#chainName : this.bytes;
    this.ownerAt = isChain ? 0 : this.#unusedName(this.#unused[this.#next]!);
    this.ownerLength = nameLength(this.owner, this.ownerAt);
    this.depth = -1;
    this.records.begin(this.owner, this.ownerAt);
  }

  /** Adds the records of the owner that are not in a node. */
  #takeHidden(): void {
    const { words, bytes, records } = this;
    const { owner, ownerAt } = this;
    const isOwner = (name: Uint8Array, at: number): boolean => compareNames(owner, ownerAt, name, at) === 0;
    while (this.#hasUnused && isOwner(bytes, this.#unusedName(this.#unused[this.#next]!)))
      records.addRrset(words[this.#unused[this.#next++]! + L.UNUSED_RRSET]!);
    if (!this.#hasChain || !isOwner(this.#chainName, 0)) return;
    records.addRrset(words[words[L.HEADER_CHAIN]! + this.#chain * L.CHAIN_ENTRY + L.CHAIN_RRSET]!);
    // Its name keeps its place until the next owner is wanted.
    this.#chain++;
  }

  #nameChain(): void {
    if (!this.#hasChain) return;
    const entry = this.words[L.HEADER_CHAIN]! + this.#chain * L.CHAIN_ENTRY;
    encodeBase32hex(this.bytes, entry << 2, L.CHAIN_HASH_OCTETS, this.#chainName, 1);
  }
}
