/**
 * The catalog: the zones that are served, and the places of their images. It is a flat table in shared memory, written anew
 * for each generation and then only read; a thread takes a new one between two messages. Small images lie together in
 * shared segments; a large one has a segment of its own.
 *
 * The table is a tree of names like an image's (layout.ts): slots of CATALOG_SLOT words hold the hash of a name, label by
 * label from the root, the slot number of its parent, the offset of its label, and the zone there, if any.
 */
import { LOWER, labelCount, labelOffsets, nameKey } from '../protocol/name.js';
import { hashLabel } from '../zone/store.js';
import * as L from './layout.js';
import { NO_POLICIES, type Policies, PolicyTable } from './policy.js';

/** Words per slot. */
const CATALOG_SLOT = 5;
const SLOT_NAME_HASH = 0;
/** Slot number of the parent + 1; the root's children have ROOT_PARENT; 0 marks a free slot. */
const SLOT_PARENT = 1;
/** Offset in the table's octets of the label's length octet. */
const SLOT_LABEL = 2;
/** Number of the zone + 1, or 0. */
const SLOT_ZONE = 3;

const ROOT_PARENT = 0x7fffffff;

/** Words per zone in `Catalog.zones`. */
export const ZONE_WORDS = 4;
/** Number of the segment, or ZONE_FAILED. */
export const ZONE_SEGMENT = 0;
/** Word in the segment at which the image starts. */
export const ZONE_BASE = 1;
/** Labels of the zone's name. */
export const ZONE_LABELS = 2;
/** Word of `Catalog.policies` at which the zone's policy begins; 0: it has none. */
export const ZONE_POLICY = 3;
/** The zone is configured but could not be loaded: answered SERVFAIL. */
export const ZONE_FAILED = -1;

/** A run of shared memory with images in it. */
interface Segment {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

/** One generation of the catalog. Immutable. */
export interface Catalog {
  readonly generation: number;
  readonly segments: readonly Segment[];
  /** ZONE_WORDS per zone. */
  readonly zones: Int32Array;
  readonly zoneCount: number;
  /** The slots, then the labels. */
  readonly table: Int32Array;
  readonly labels: Uint8Array;
  /** Slots less one. */
  readonly mask: number;
  /** Number of the zone of the root + 1, or 0. */
  readonly rootZone: number;
  /** Policies of zones and access lists (policy.ts). */
  readonly policies: Int32Array;
  /** Word of `policies` at which the access list of the server begins; 0: all clients may ask. */
  readonly access: number;
}

interface Entry {
  readonly apex: Uint8Array;
  segment: MutableSegment | undefined;
  base: number;
  words: number;
}

interface MutableSegment extends Segment {
  used: number;
  live: number;
}

/** Images up to this size share segments. */
const SHARED_LIMIT = 256 * 1024;
/**
 * Octets of the largest shared segment. The first one is as small as possible, each next one twice as large. Measured with 400
 * servers in one process, a small zone each: a server takes 313 kB instead of 772, and starts in 3 ms instead of 7.
 */
const SEGMENT_OCTETS = 2 * 1024 * 1024;

/**
 * Keeps the images that are served and makes catalogs of them. Changes by `put`, `fail` and `remove` take effect with
 * `publish`. Memory of a replaced image is freed when no catalog refers to its segment any more.
 */
export class Publisher {
  readonly #entries = new Map<string, Entry>();
  #open: MutableSegment | undefined;
  /** Octets of the next shared segment. */
  #next = SHARED_LIMIT;
  #generation = 0;
  #policies = NO_POLICIES;

  /** Number of zones, failed ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** Serves `image` (of compileZone) as the zone `apex` (wire format). */
  put(apex: Uint8Array, image: Uint8Array): void {
    this.remove(apex);
    const words = image.byteLength >> 2;
    const segment = image.byteLength > SHARED_LIMIT ? this.#own(image) : this.#shared(image, words);
    segment.live += words;
    this.#entries.set(nameKey(apex), { apex, segment, base: segment.used - words, words });
  }

  /** Answers SERVFAIL for the zone `apex` (wire format): it is configured but could not be loaded. */
  fail(apex: Uint8Array): void {
    this.remove(apex);
    this.#entries.set(nameKey(apex), { apex, segment: undefined, base: 0, words: 0 });
  }

  /** Stops serving the zone `apex` (wire format). */
  remove(apex: Uint8Array): void {
    const entry = this.#entries.get(nameKey(apex));
    if (entry === undefined) return;
    if (entry.segment !== undefined) entry.segment.live -= entry.words;
    this.#entries.delete(nameKey(apex));
  }

  /** Sets the policies, from the next publish on; a policy may name a zone that is not there yet. */
  restrict(policies: Policies): void {
    this.#policies = policies;
  }

  /** The image that is served as the zone `apex`, or undefined. */
  imageOf(apex: Uint8Array): Uint8Array | undefined {
    const entry = this.#entries.get(nameKey(apex));
    return entry?.segment?.bytes.subarray(entry.base << 2, (entry.base + entry.words) << 2);
  }

  /** A new generation of the catalog with all zones as they are now. */
  publish(): Catalog {
    this.#compact();
    return buildCatalog([...this.#entries.values()], this.#policies, ++this.#generation);
  }

  #own(image: Uint8Array): MutableSegment {
    const words = image.byteLength >> 2;
    const shared = image.buffer instanceof SharedArrayBuffer && (image.byteOffset & 3) === 0;
    const bytes = shared ? image : copyShared(image, image.byteLength);
    return { words: new Int32Array(bytes.buffer, bytes.byteOffset, words), bytes, used: words, live: 0 };
  }

  #shared(image: Uint8Array, words: number): MutableSegment {
    if (this.#open === undefined || this.#open.used + words > this.#open.words.length) {
      const bytes = new Uint8Array(new SharedArrayBuffer(this.#next));
      this.#next = Math.min(this.#next * 2, SEGMENT_OCTETS);
      this.#open = { words: new Int32Array(bytes.buffer), bytes, used: 0, live: 0 };
    }
    this.#open.bytes.set(image, this.#open.used << 2);
    this.#open.used += words;
    return this.#open;
  }

  /** Moves images out of shared segments that are mostly unused, so that reloads do not pile up memory. */
  #compact(): void {
    for (const entry of this.#entries.values()) {
      const { segment } = entry;
      if (segment === undefined || segment === this.#open || segment.live * 2 >= segment.used) continue;
      const image = segment.bytes.subarray(entry.base << 2, (entry.base + entry.words) << 2);
      segment.live -= entry.words;
      const to = this.#shared(image, entry.words);
      to.live += entry.words;
      entry.segment = to;
      entry.base = to.used - entry.words;
    }
  }
}

function copyShared(source: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  bytes.set(source);
  return bytes;
}

function buildCatalog(entries: readonly Entry[], policies: Policies, generation: number): Catalog {
  const segments: Segment[] = [];
  const numbers = new Map<Segment, number>();
  const zones = new Int32Array(new SharedArrayBuffer(entries.length * ZONE_WORDS * 4));
  const policyTable = new PolicyTable();
  const access = policyTable.addAccess(policies.access);
  entries.forEach(({ apex, segment, base }, number) => {
    const at = number * ZONE_WORDS;
    if (segment === undefined) zones[at + ZONE_SEGMENT] = ZONE_FAILED;
    else {
      if (!numbers.has(segment))
        numbers.set(segment, segments.push({ words: segment.words, bytes: segment.bytes }) - 1);
      zones[at + ZONE_SEGMENT] = numbers.get(segment)!;
      zones[at + ZONE_BASE] = base;
    }
    zones[at + ZONE_LABELS] = labelCount(apex);
    const policy = policies === NO_POLICIES ? undefined : policies.zones.get(nameKey(apex));
    if (policy !== undefined) zones[at + ZONE_POLICY] = policyTable.addPolicy(policy);
  });
  return {
    generation,
    segments,
    zones,
    zoneCount: entries.length,
    ...buildNames(entries),
    policies: policyTable.words(),
    access,
  };
}

/** The tree of the zones' names. */
function buildNames(entries: readonly Entry[]): Pick<Catalog, 'table' | 'labels' | 'mask' | 'rootZone'> {
  const names = entries.reduce((sum, { apex }) => sum + labelCount(apex), 0);
  const octets = entries.reduce((sum, { apex }) => sum + apex.length, 0);
  let slots = 4;
  while (slots < names * 2) slots *= 2;
  const table = new Int32Array(new SharedArrayBuffer(slots * CATALOG_SLOT * 4));
  const labels = new Uint8Array(new SharedArrayBuffer(octets));
  const mask = slots - 1;
  let rootZone = 0;
  let labelsUsed = 0;
  entries.forEach(({ apex }, number) => {
    const offsets = labelOffsets(apex);
    let hash = 0;
    let parent = ROOT_PARENT;
    for (let i = offsets.length - 1; i >= 0; i--) {
      hash = hashLabel(hash, apex, offsets[i]!);
      const slot = findSlot(table, labels, mask, hash, parent, apex, offsets[i]!);
      if (table[slot * CATALOG_SLOT + SLOT_PARENT] === 0) {
        const length = apex[offsets[i]!]! + 1;
        labels.set(apex.subarray(offsets[i]!, offsets[i]! + length), labelsUsed);
        table[slot * CATALOG_SLOT + SLOT_NAME_HASH] = hash;
        table[slot * CATALOG_SLOT + SLOT_PARENT] = parent;
        table[slot * CATALOG_SLOT + SLOT_LABEL] = labelsUsed;
        labelsUsed += length;
      }
      parent = slot + 1;
      if (i === 0) table[slot * CATALOG_SLOT + SLOT_ZONE] = number + 1;
    }
    if (offsets.length === 0) rootZone = number + 1;
  });
  return { table, labels, mask, rootZone };
}

/** The slot of the child of `parent` (slot + 1) with the label at `at` of `wire`, or the free slot for it. */
function findSlot(
  table: Int32Array,
  labels: Uint8Array,
  mask: number,
  hash: number,
  parent: number,
  wire: Uint8Array,
  at: number,
): number {
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const entry = slot * CATALOG_SLOT;
    if (table[entry + SLOT_PARENT] === 0) return slot;
    if (table[entry + SLOT_NAME_HASH] !== hash || table[entry + SLOT_PARENT] !== parent) continue;
    const own = table[entry + SLOT_LABEL]!;
    const length = wire[at]!;
    let i = 0;
    while (i <= length && LOWER[labels[own + i]!] === LOWER[wire[at + i]!]) i++;
    if (i > length) return slot;
  }
}

/** Number of the zone that a search found, or NOT_SERVED. */
export const NOT_SERVED = -1;

/**
 * The closest enclosing zone of a name (RFC 1034 §4.3.2 step 2): its number, or NOT_SERVED. The name is given by the
 * octets `wire` and the offsets of its `count` labels, leftmost first. With `above` 1, a zone at the name itself is passed
 * over: DS records are the parent's (RFC 4035 §3.1.4.1). Reads no more labels than the deepest zone's name has.
 */
export function findZone(
  catalog: Catalog,
  wire: Uint8Array,
  start: number,
  offsets: Uint16Array,
  count: number,
  above: number,
): number {
  const { table, labels, mask } = catalog;
  let found = count === 0 && above === 1 ? 0 : catalog.rootZone;
  let hash = 0;
  let parent = ROOT_PARENT;
  for (let i = count - 1; i >= above; i--) {
    const at = start + offsets[i]!;
    hash = hashLabel(hash, wire, at);
    const slot = findSlot(table, labels, mask, hash, parent, wire, at);
    if (table[slot * CATALOG_SLOT + SLOT_PARENT] === 0) break;
    parent = slot + 1;
    const zone = table[slot * CATALOG_SLOT + SLOT_ZONE]!;
    if (zone !== 0) found = zone;
  }
  return found - 1;
}

/** Whether octets begin like an image of this version's layout. */
export function isImage(image: Uint8Array): boolean {
  if (image.byteLength < L.HEADER_WORDS * 4 || (image.byteOffset & 3) !== 0) return false;
  const words = new Int32Array(image.buffer, image.byteOffset, L.HEADER_WORDS);
  return words[L.HEADER_MAGIC] === L.MAGIC && words[L.HEADER_FORMAT] === L.FORMAT;
}
