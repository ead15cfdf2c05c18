/**
 * The records of one zone as read: a tree of names, and flat columns with one row a record. Only the loader uses it;
 * queries are answered from the image compiled from it. Hot file: typed arrays and integers, no object per record.
 *
 * Names form a tree from the DNS root (node 0); a node knows its parent and its own label, in the letter case in which
 * it was first written. Empty non-terminals are nodes too. RDATA is uncompressed wire format, letter case kept.
 */
import { LOWER, MAX_NAME } from '../protocol/name.js';
import { MAX_RDATA } from '../protocol/rdata/field.js';

/** Node number of the DNS root. */
export const ROOT_NODE = 0;
/** Returned by `find` when there is no such child. */
export const NO_NODE = -1;

const FNV_PRIME = 0x01000193;

/** Hash of a label below a node with hash `seed`; `at` is the offset of the length octet. Letter case is ignored. */
export function hashLabel(seed: number, wire: Uint8Array, at: number): number {
  const end = at + wire[at]!;
  let hash = Math.imul(seed ^ wire[at]!, FNV_PRIME);
  for (let i = at + 1; i <= end; i++) hash = Math.imul(hash ^ LOWER[wire[i]!]!, FNV_PRIME);
  return hash ^ (hash >>> 15);
}

function grown(old: Uint32Array, length: number): Uint32Array {
  const wider = new Uint32Array(length);
  wider.set(old);
  return wider;
}

/** The content of a store as plain data: it can be posted to another thread. */
export type RecordColumns = {
  readonly [Key in keyof RecordStore as RecordStore[Key] extends (...given: never[]) => unknown
    ? never
    : Key]: RecordStore[Key];
} & { readonly slots: Uint32Array };

export class RecordStore {
  /** Names of the files that records came from; the columns `file` point into it. */
  readonly files: string[] = [];

  nodeCount = 1;
  /** Parent's node number; the root is its own. */
  parent: Uint32Array;
  /** Offset in `labels` of the node's label (its length octet). */
  label: Uint32Array;
  /** Hash of the whole name, label by label from the root. */
  hash: Int32Array;
  labels: Uint8Array;
  labelsUsed = 1;

  recordCount = 0;
  node: Uint32Array;
  type: Uint16Array;
  /** Seconds. */
  ttl: Uint32Array;
  /** Offset in `rdata`. */
  rdataAt: Uint32Array;
  rdataLength: Uint16Array;
  /** Index in `files`. */
  file: Uint16Array;
  /** Line and column, both from 1, at which the record begins. */
  line: Uint32Array;
  column: Uint16Array;
  rdata: Uint8Array;
  rdataUsed = 0;

  /** Open addressing; a slot holds a node number + 1, or 0. */
  #slots: Uint32Array;
  #mask: number;

  /**
   * `expected`: number of records and names to reserve room for, `octets`: of their RDATA; the store grows beyond both.
   * Unwritten memory is not resident (large array buffers are mapped zero pages), so that a generous estimate costs nothing.
   */
  constructor(expected = 64, octets = expected * 16) {
    const rows = Math.max(16, expected);
    this.parent = new Uint32Array(rows);
    this.label = new Uint32Array(rows);
    this.hash = new Int32Array(rows);
    this.labels = new Uint8Array(rows * 12 + MAX_NAME);
    this.node = new Uint32Array(rows);
    this.type = new Uint16Array(rows);
    this.ttl = new Uint32Array(rows);
    this.rdataAt = new Uint32Array(rows);
    this.rdataLength = new Uint16Array(rows);
    this.file = new Uint16Array(rows);
    this.line = new Uint32Array(rows);
    this.column = new Uint16Array(rows);
    this.rdata = new Uint8Array(Math.max(256, octets));
    let slots = 32;
    while (slots < rows * 1.5) slots *= 2;
    this.#slots = new Uint32Array(slots);
    this.#mask = slots - 1;
  }

  /** A store made from the result of columns(), here or in another thread. */
  static of({ slots, ...columns }: RecordColumns): RecordStore {
    const store = Object.assign(new RecordStore(0), columns);
    store.#slots = slots;
    store.#mask = slots.length - 1;
    return store;
  }

  /** The columns of the store, not copied: once they are used elsewhere, the store must not be used any more. */
  columns(): RecordColumns {
    return { ...this, slots: this.#slots };
  }

  /** The child of `parent` with the label at `at` (length octet first) of `wire`, or NO_NODE. */
  find(parent: number, wire: Uint8Array, at: number): number {
    const hash = hashLabel(this.hash[parent]!, wire, at);
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot]!;
      if (entry === 0) return NO_NODE;
      if (this.#is(entry - 1, parent, hash, wire, at)) return entry - 1;
    }
  }

  /** The child of `parent` with the label at `at` of `wire`; made if missing. */
  child(parent: number, wire: Uint8Array, at: number): number {
    const hash = hashLabel(this.hash[parent]!, wire, at);
    let slot = hash & this.#mask;
    for (; ; slot = (slot + 1) & this.#mask) {
      const entry = this.#slots[slot]!;
      if (entry === 0) break;
      if (this.#is(entry - 1, parent, hash, wire, at)) return entry - 1;
    }
    const node = this.nodeCount;
    if (node === this.parent.length) this.#growNodes();
    const length = wire[at]! + 1;
    if (this.labelsUsed + length > this.labels.length) {
      const wider = new Uint8Array(this.labels.length * 2);
      wider.set(this.labels);
      this.labels = wider;
    }
    const to = this.labelsUsed;
    for (let i = 0; i < length; i++) this.labels[to + i] = wire[at + i]!;
    this.labelsUsed = to + length;
    this.parent[node] = parent;
    this.label[node] = to;
    this.hash[node] = hash;
    this.nodeCount = node + 1;
    this.#slots[slot] = node + 1;
    if (this.nodeCount * 4 > this.#slots.length * 3) this.#rehash();
    return node;
  }

  /** The node of a well-formed wire name; made if missing. */
  intern(wire: Uint8Array, at = 0): number {
    const length = wire[at]!;
    if (length === 0) return ROOT_NODE;
    return this.child(this.intern(wire, at + length + 1), wire, at);
  }

  /** The node of a well-formed wire name, or NO_NODE. */
  lookup(wire: Uint8Array, at = 0): number {
    const length = wire[at]!;
    if (length === 0) return ROOT_NODE;
    const parent = this.lookup(wire, at + length + 1);
    return parent === NO_NODE ? NO_NODE : this.find(parent, wire, at);
  }

  /** Writes the node's whole name to `out` at `at` in wire format, and returns its length in octets. */
  writeName(node: number, out: Uint8Array, at: number): number {
    let to = at;
    for (let n = node; n !== ROOT_NODE; n = this.parent[n]!) {
      const from = this.label[n]!;
      const length = this.labels[from]! + 1;
      for (let i = 0; i < length; i++) out[to + i] = this.labels[from + i]!;
      to += length;
    }
    out[to] = 0;
    return to + 1 - at;
  }

  /** The node's whole name in wire format. */
  nameOf(node: number): Uint8Array {
    const out = new Uint8Array(MAX_NAME);
    return out.slice(0, this.writeName(node, out, 0));
  }

  /** Makes room for RDATA of any length at `rdata[rdataUsed]`; call it before writing there, then `add`. */
  reserveRdata(): void {
    if (this.rdataUsed + MAX_RDATA + MAX_NAME <= this.rdata.length) return;
    const wider = new Uint8Array(this.rdata.length * 2 + MAX_RDATA + MAX_NAME);
    wider.set(this.rdata);
    this.rdata = wider;
  }

  /**
   * Adds a record whose RDATA of `length` octets was written at `rdata[rdataUsed]`. `ttl` is in seconds, `line` and
   * `column` count from 1, `file` is an index in `files`. Returns the record's number.
   */
  add(node: number, type: number, ttl: number, length: number, file: number, line: number, column: number): number {
    const row = this.recordCount;
    if (row === this.node.length) this.#growRecords();
    this.node[row] = node;
    this.type[row] = type;
    this.ttl[row] = ttl;
    this.rdataAt[row] = this.rdataUsed;
    this.rdataLength[row] = length;
    this.file[row] = file;
    this.line[row] = line;
    this.column[row] = column;
    this.rdataUsed += length;
    this.recordCount = row + 1;
    return row;
  }

  #is(node: number, parent: number, hash: number, wire: Uint8Array, at: number): boolean {
    if (this.hash[node] !== hash || this.parent[node] !== parent || node === ROOT_NODE) return false;
    const labels = this.labels;
    const own = this.label[node]!;
    const length = wire[at]!;
    if (labels[own] !== length) return false;
    for (let i = 1; i <= length; i++) if (LOWER[labels[own + i]!] !== LOWER[wire[at + i]!]) return false;
    return true;
  }

  #growNodes(): void {
    const length = this.parent.length * 2;
    this.parent = grown(this.parent, length);
    this.label = grown(this.label, length);
    const hash = new Int32Array(length);
    hash.set(this.hash);
    this.hash = hash;
  }

  #growRecords(): void {
    const length = this.node.length * 2;
    for (const column of ['node', 'ttl', 'rdataAt', 'line'] as const) this[column] = grown(this[column], length);
    for (const column of ['type', 'rdataLength', 'file', 'column'] as const) {
      const wider = new Uint16Array(length);
      wider.set(this[column]);
      this[column] = wider;
    }
  }

  #rehash(): void {
    const length = this.#slots.length * 2;
    this.#slots = new Uint32Array(length);
    this.#mask = length - 1;
    for (let node = 1; node < this.nodeCount; node++) {
      let slot = this.hash[node]! & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = node + 1;
    }
  }
}
