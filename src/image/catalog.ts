/**
 * The catalog: the zones that are served, and the places of their images. It is a flat table in shared memory, written anew
 * for each generation and then only read; a thread takes a new one between two messages. Images, and the differences that led
 * to them, lie in segments (segments.ts).
 *
 * The table is a tree of names like an image's (layout.ts): slots of CATALOG_SLOT words hold the hash of a name, label by
 * label from the root, the slot number of its parent, the offset of its label, and the zone there, if any.
 */
import { LOWER, labelCount, labelOffsets, nameKey } from '../protocol/name.js';
import type { Difference } from '../zone/changes/difference.js';
import { hashLabel } from '../zone/store.js';
import { boundedHistory, packDifference, unpackDifference } from './history.js';
import { imageFacts } from './image-facts.js';
import * as L from './layout.js';
import { NO_POLICIES, type Policies, PolicyTable } from './policy.js';
import { octetsOf, type Piece, type Segment, Segments } from './segments.js';

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
export const ZONE_WORDS = 5;
/** Number of the segment, ZONE_FAILED or ZONE_EXPIRED. */
export const ZONE_SEGMENT = 0;
/** Word in the segment at which the image starts. */
export const ZONE_BASE = 1;
/** Labels of the zone's name. */
export const ZONE_LABELS = 2;
/** Word of `Catalog.policies` at which the zone's policy begins; 0: it has none. */
export const ZONE_POLICY = 3;
/** Word of `Catalog.histories` at which the zone's history begins; 0: it has none. */
const ZONE_HISTORY = 4;
/** The zone is configured but could not be loaded, or was never transferred: answered SERVFAIL. */
export const ZONE_FAILED = -1;
/** The zone's last transfer is too long ago (RFC 1035 §3.3.13, EXPIRE): answered SERVFAIL. */
export const ZONE_EXPIRED = -2;

/** Why a zone is answered with SERVFAIL. */
type ZoneFailure = typeof ZONE_FAILED | typeof ZONE_EXPIRED;

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
  /**
   * For each history: the number of its differences, then for each of these its segment, and its word there. The first word belongs to no
   * history.
   */
  readonly histories: Int32Array;
  /** Policies of zones and access lists (policy.ts). */
  readonly policies: Int32Array;
  /** Word of `policies` at which the access list of the server begins; 0: all clients may ask. */
  readonly access: number;
}

interface Entry {
  readonly apex: Uint8Array;
  /** The image that is served, or the reason why there is none. */
  image: Piece | ZoneFailure;
  /** Oldest first. */
  history: ReadonlyMap<Difference, Piece>;
}

/** The parts of a catalog that change only when zones come or go, or with the policies. */
interface Frame extends Pick<Catalog, 'table' | 'labels' | 'mask' | 'rootZone' | 'policies' | 'access'> {
  /** As in the catalog, without the words that change with the images. */
  readonly zones: Int32Array;
}

const NO_HISTORY: Entry['history'] = new Map();

/**
 * Keeps the images that are served and makes catalogs of them. Changes by `put`, `fail` and `remove` take effect with
 * `publish`. Memory of a replaced image is freed when no catalog refers to its segment any more.
 */
export class Publisher {
  readonly #entries = new Map<string, Entry>();
  readonly #segments = new Segments();
  #generation = 0;
  #policies = NO_POLICIES;
  #frame: Frame | undefined;

  /** Number of zones, failed ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Serves `image` (of compileZone) as the zone `apex` (wire format). `history`: differences that follow each other, oldest first,
   * the last of which leads to the image; as many of the last ones are kept as are together no longer than the zone. A difference that the
   * history had before keeps its place.
   */
  put(apex: Uint8Array, image: Uint8Array, history: readonly Difference[] = []): void {
    const before = this.#entries.get(nameKey(apex))?.history ?? NO_HISTORY;
    const kept = boundedHistory(history, image).map((one) => {
      return [one, before.get(one) ?? this.#segments.take(packDifference(one))] as const;
    });
    this.#replace(apex, this.#segments.take(image), new Map(kept));
  }

  /** Answers SERVFAIL for the zone `apex` (wire format): it is configured but cannot be served. */
  fail(apex: Uint8Array, reason: ZoneFailure = ZONE_FAILED): void {
    this.#replace(apex, reason, NO_HISTORY);
  }

  /** Stops serving the zone `apex` (wire format). */
  remove(apex: Uint8Array): void {
    const key = nameKey(apex);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    for (const piece of piecesOf(entry)) this.#segments.free(piece);
    this.#entries.delete(key);
    this.#frame = undefined;
  }

  #replace(apex: Uint8Array, image: Entry['image'], history: Entry['history']): void {
    const key = nameKey(apex);
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#entries.set(key, { apex, image, history });
      this.#frame = undefined;
      return;
    }
    if (typeof entry.image === 'object') this.#segments.free(entry.image);
    for (const [one, piece] of entry.history) if (!history.has(one)) this.#segments.free(piece);
    entry.image = image;
    entry.history = history;
  }

  /** Sets the policies, from the next publish on; a policy may name a zone that is not there yet. */
  restrict(policies: Policies): void {
    this.#policies = policies;
    this.#frame = undefined;
  }

  /** The image that is served as the zone `apex`, or undefined. */
  imageOf(apex: Uint8Array): Uint8Array | undefined {
    const image = this.#entries.get(nameKey(apex))?.image;
    return typeof image === 'object' ? octetsOf(image) : undefined;
  }

  /** A new generation of the catalog with all zones as they are now. */
  publish(): Catalog {
    const entries = [...this.#entries.values()];
    this.#segments.compact(() => entries.flatMap((entry) => [...piecesOf(entry)]));
    this.#frame ??= buildFrame(entries, this.#policies);
    return buildCatalog(entries, this.#frame, ++this.#generation);
  }
}

function piecesOf({ image, history }: Entry): Iterable<Piece> {
  return typeof image === 'object' ? [image, ...history.values()] : history.values();
}

function buildFrame(entries: readonly Entry[], policies: Policies): Frame {
  const zones = new Int32Array(entries.length * ZONE_WORDS);
  const policyTable = new PolicyTable();
  const access = policyTable.addAccess(policies.access);
  entries.forEach(({ apex }, number) => {
    const at = number * ZONE_WORDS;
    zones[at + ZONE_LABELS] = labelCount(apex);
    const policy = policies === NO_POLICIES ? undefined : policies.zones.get(nameKey(apex));
    if (policy !== undefined) zones[at + ZONE_POLICY] = policyTable.addPolicy(policy);
  });
  return { zones, ...buildNames(entries), policies: policyTable.words(), access };
}

function buildCatalog(entries: readonly Entry[], frame: Frame, generation: number): Catalog {
  const segments: Segment[] = [];
  const numbers = new Map<Segment, number>();
  const numberOf = (segment: Segment): number => {
    const known = numbers.get(segment);
    if (known !== undefined) return known;
    const number = segments.push({ words: segment.words, bytes: segment.bytes }) - 1;
    numbers.set(segment, number);
    return number;
  };
  const zones = new Int32Array(new SharedArrayBuffer(frame.zones.byteLength));
  zones.set(frame.zones);
  const room = entries.reduce((sum, { history }) => sum + (history.size > 0 ? 1 + 2 * history.size : 0), 1);
  const histories = new Int32Array(new SharedArrayBuffer(room * 4));
  let used = 1;
  entries.forEach(({ image, history }, number) => {
    const at = number * ZONE_WORDS;
    if (typeof image === 'number') {
      zones[at + ZONE_SEGMENT] = image;
      return;
    }
    zones[at + ZONE_SEGMENT] = numberOf(image.segment);
    zones[at + ZONE_BASE] = image.base;
    if (history.size === 0) return;
    zones[at + ZONE_HISTORY] = used;
    histories[used++] = history.size;
    for (const { segment, base } of history.values()) {
      histories[used++] = numberOf(segment);
      histories[used++] = base;
    }
  });
  const { table, labels, mask, rootZone, policies, access } = frame;
  const names = { table, labels, mask, rootZone };
  return { generation, segments, zones, zoneCount: entries.length, ...names, histories, policies, access };
}

/** The image of zone number `zone`; undefined when it is answered with SERVFAIL. */
export function zoneImage({ zones, segments }: Catalog, zone: number): Uint8Array | undefined {
  const number = zones[zone * ZONE_WORDS + ZONE_SEGMENT]!;
  if (number < 0) return undefined;
  const { words, bytes } = segments[number]!;
  const base = zones[zone * ZONE_WORDS + ZONE_BASE]!;
  return bytes.subarray(base << 2, (base + words[base + L.HEADER_SIZE]!) << 2);
}

/** The history of zone number `zone`: differences that follow each other, oldest first, the last of which leads to its image. */
export function zoneHistory(catalog: Catalog, zone: number): Difference[] {
  const { zones, histories, segments } = catalog;
  const at = zones[zone * ZONE_WORDS + ZONE_HISTORY]!;
  const image = at === 0 ? undefined : zoneImage(catalog, zone);
  if (image === undefined) return [];
  const { apex } = imageFacts(image);
  return Array.from({ length: histories[at]! }, (_, i) => {
    return unpackDifference(segments[histories[at + 1 + 2 * i]!]!, histories[at + 2 + 2 * i]!, apex);
  });
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
