/**
 * Applies a difference to an image: the records of the old image, merged with the difference in canonical order, are checked
 * and compiled as those of a file are. No second copy of a zone stays in memory, and the same records always make the same
 * image. Hot file for the records that stay: integers and octets.
 */
import { AdotdError, ErrorCode } from '../../errors.js';
import { compareNames, MAX_LABELS, nameToText, sameName } from '../../protocol/name.js';
import type { Difference } from '../../zone/changes/difference.js';
import { compareRdata, RunCursor } from '../../zone/changes/record-run.js';
import { Diagnostics } from '../../zone/diagnostics.js';
import { NO_NODE, RecordStore } from '../../zone/store.js';
import * as L from '../layout.js';
import { type Loaded, type LoadOptions, loadRecords } from '../load.js';
import { ImageRecords } from './image-records.js';

/**
 * The newer version of the zone of `image`. Its errors and warnings are diagnostics with the file `change` and no line. Throws
 * ADOTD_CHANGE_SERIAL when the difference begins at another serial, ADOTD_RECORD_MISSING when it removes a record that is not there,
 * ADOTD_RECORD_PRESENT when it adds one that is, and ADOTD_OUT_OF_ZONE when it is of another zone. The TTL of a removed record is not
 * compared: a zone has one for an RRset (RFC 2181 §5.2), other servers may not.
 */
export function applyDifference(image: Uint8Array, difference: Difference, options: LoadOptions): Loaded {
  return loadRecords(mergedRecords(image, difference), new Diagnostics(options.maxDiagnostics), options);
}

/** The records of the newer version of the zone of `image`, in canonical order. Throws as applyDifference() does. */
export function mergedRecords(image: Uint8Array, difference: Difference): RecordStore {
  const old = new ImageRecords(image, true);
  const { from, to, apex } = difference;
  if (!sameName(old.apex, 0, apex, 0)) {
    const found = `found a change of ${nameToText(apex)}`;
    throw new AdotdError(ErrorCode.OUT_OF_ZONE, `${found}, expected one of ${nameToText(old.apex)}`);
  }
  const serial = old.words[L.HEADER_SERIAL]! >>> 0;
  if (serial !== from) {
    const found = `found a change of ${nameToText(apex)} from serial ${from} to ${to}`;
    throw new AdotdError(ErrorCode.CHANGE_SERIAL, `${found}, expected one from ${serial}, which the zone has`);
  }
  const records = old.words[L.HEADER_RECORD_COUNT]!;
  // One row more than there are records: the store makes room before it is full.
  const store = new RecordStore(records + (records >> 4) + 64, image.byteLength + difference.added.length);
  store.files.push(`${nameToText(apex)} serial ${to}`);
  new Merger(old, difference, store).run();
  return store;
}

class Merger {
  readonly #old: ImageRecords;
  readonly #store: RecordStore;
  readonly #removed: RunCursor;
  readonly #added: RunCursor;
  /** Of the nodes from the apex down to the last owner: their references in the image, and numbers in the store. */
  readonly #path = new Int32Array(MAX_LABELS + 1);
  readonly #nodes = new Int32Array(MAX_LABELS + 1);
  /** Records of the owner that stay, by number in canonical order. */
  #stays = new Uint8Array(64);

  constructor(old: ImageRecords, { removed, added }: Difference, store: RecordStore) {
    this.#old = old;
    this.#store = store;
    this.#removed = new RunCursor(removed);
    this.#added = new RunCursor(added);
  }

  /** Writes the newer version's records into the store, in canonical order. */
  run(): void {
    const old = this.#old;
    while (old.next()) {
      let order = this.#compareNext();
      for (; order > 0; order = this.#compareNext()) this.#addNew();
      if (order < 0) this.#keepAll();
      else this.#merge();
    }
    while (!this.#removed.isAtEnd || !this.#added.isAtEnd) this.#addNew();
  }

  /** Compares the old image's owner with the next one of the difference: below 0, it comes first. */
  #compareNext(): number {
    const { owner, ownerAt } = this.#old;
    const removed = this.#removed;
    const added = this.#added;
    const first = removed.isAtEnd ? -1 : compareNames(owner, ownerAt, removed.octets, removed.at);
    const second = added.isAtEnd ? -1 : compareNames(owner, ownerAt, added.octets, added.at);
    return Math.max(first, second);
  }

  /** Adds the next record, whose owner the old version does not have. */
  #addNew(): void {
    const added = this.#added;
    if (!this.#removed.isAtEnd && (added.isAtEnd || this.#removed.compare(added) <= 0))
      fail(ErrorCode.RECORD_MISSING, this.#removed, 'found it removed, expected that the zone has it');
    this.#take(this.#store.intern(added.octets, added.at));
  }

  #keepAll(): void {
    const { records } = this.#old;
    const node = this.#ownNode();
    for (let i = 0; i < records.count; i++) this.#keep(node, records.order[i]!);
  }

  /** Merges the records of an owner that both the old version and the difference have. */
  #merge(): void {
    const old = this.#old;
    const { records } = old;
    const added = this.#added;
    // A name with records that stay keeps its letter case.
    const node = this.#markRemoved() > 0 ? this.#ownNode() : NO_NODE;
    for (let i = 0; i < records.count; i++) {
      if (this.#stays[i] === 0) continue;
      let order = this.#isAddedHere() ? this.#compare(i, added) : -1;
      for (; order > 0; order = this.#isAddedHere() ? this.#compare(i, added) : -1) this.#take(node);
      if (order === 0) fail(ErrorCode.RECORD_PRESENT, added, 'found it added, expected that the zone does not have it');
      this.#keep(node, records.order[i]!);
    }
    while (this.#isAddedHere()) this.#take(node === NO_NODE ? this.#store.intern(added.octets, added.at) : node);
  }

  /** Notes which of the owner's records stay, and returns how many do. */
  #markRemoved(): number {
    const { records, owner, ownerAt } = this.#old;
    const removed = this.#removed;
    if (records.count > this.#stays.length) this.#stays = new Uint8Array(records.count * 2);
    const isHere = (): boolean => !removed.isAtEnd && compareNames(owner, ownerAt, removed.octets, removed.at) === 0;
    let kept = 0;
    for (let i = 0; i < records.count; i++) {
      const order = isHere() ? this.#compare(i, removed) : -1;
      if (order > 0) break;
      this.#stays[i] = order === 0 ? 0 : 1;
      if (order === 0) removed.next();
      else kept++;
    }
    if (isHere()) fail(ErrorCode.RECORD_MISSING, removed, 'found it removed, expected that the zone has it');
    return kept;
  }

  #isAddedHere(): boolean {
    const { owner, ownerAt } = this.#old;
    const added = this.#added;
    return !added.isAtEnd && compareNames(owner, ownerAt, added.octets, added.at) === 0;
  }

  /** Compares record `i` of the owner, a number in canonical order, with the current one of a run. */
  #compare(i: number, run: RunCursor): number {
    const { records } = this.#old;
    const row = records.order[i]!;
    const type = records.type[row]!;
    return (
      type - run.type ||
      compareRdata(
        type,
        records.rdata(row),
        records.at[row]!,
        records.length[row]!,
        run.octets,
        run.rdataAt,
        run.rdataLength,
      )
    );
  }

  /** The store's node of the old version's owner. */
  #ownNode(): number {
    const old = this.#old;
    const store = this.#store;
    if (old.depth < 0) return store.intern(old.owner, old.ownerAt);
    let depth = 0;
    while (depth <= old.depth && this.#path[depth] === old.nodeAt(depth)) depth++;
    for (; depth <= old.depth; depth++) {
      this.#path[depth] = old.nodeAt(depth);
      this.#nodes[depth] =
        depth === 0 ? store.intern(old.apex) : store.child(this.#nodes[depth - 1]!, old.bytes, old.labelAt(depth));
      if (depth < MAX_LABELS) this.#path[depth + 1] = 0;
    }
    return this.#nodes[old.depth]!;
  }

  #keep(node: number, row: number): void {
    const { records } = this.#old;
    this.#write(
      node,
      records.type[row]!,
      records.ttl[row]!,
      records.rdata(row),
      records.at[row]!,
      records.length[row]!,
    );
  }

  /** Adds the current added record at `node`, and moves on to the next one. */
  #take(node: number): void {
    const added = this.#added;
    this.#write(node, added.type, added.ttl, added.octets, added.rdataAt, added.rdataLength);
    added.next();
  }

  #write(node: number, type: number, ttl: number, rdata: Uint8Array, at: number, length: number): void {
    const store = this.#store;
    store.reserveRdata();
    const out = store.rdata;
    for (let i = 0, to = store.rdataUsed; i < length; i++, to++) out[to] = rdata[at + i]!;
    store.add(node, type, ttl, length, 0, 0, 0);
  }
}

function fail(code: ErrorCode, run: RunCursor, reason: string): never {
  throw new AdotdError(code, `a change has the record ${run.describe()}: ${reason}`);
}
