/** The store's knowledge of one zone: which entries of the ledger are its own, and which of them count. */
import type { FoundEntry } from './entry.js';
import type { Place } from './ledger-files.js';
import { NO_FACTS, type StoredFacts } from './zone-facts.js';

/** A whole content of a zone, stored at one moment. */
interface Generation {
  /** Number of the content; no two have the same. */
  readonly id: number;
  /** Number of the last difference that is in it. */
  readonly number: number;
  readonly serial: number;
}

/** Which content and which differences make up a zone. */
export interface Head {
  readonly newest: Generation | undefined;
  readonly older: Generation | undefined;
  /** Number of the content that is the zone's file as last loaded; 0: none. */
  readonly source: number;
  /** Number of the last difference. */
  readonly last: number;
  readonly serial: number;
  /** Whether a change since may be lost. */
  readonly isSuspect: boolean;
}

/** A zone at one moment. */
export interface Snapshot {
  readonly head: Head;
  readonly facts: StoredFacts;
  readonly isRemoved: boolean;
}

export interface KeptZone {
  readonly zone: string;
  /** The zone as it is on disk, and as it will be when all waiting changes are on disk. */
  durable: Snapshot;
  pending: Snapshot;
  /** The entry that `durable` is from. */
  place: Place | undefined;
  /** By number of the content, and by number of the difference. */
  readonly contents: Map<number, Place>;
  readonly differences: Map<number, Place>;
  /** Octets of the differences behind the newest generation. */
  journalOctets: number;
  /** Fulfilled when the change before is in its place. */
  turn: Promise<void>;
}

const NO_HEAD: Head = { newest: undefined, older: undefined, source: 0, last: 0, serial: 0, isSuspect: false };
const NEWEST = 1;
const OLDER = 2;
const SUSPECT = 4;

/** `isSuspect`: whether versions of it may be lost. */
export function newZone(zone: string, isSuspect = false): KeptZone {
  const empty = { head: { ...NO_HEAD, isSuspect }, facts: NO_FACTS, isRemoved: true };
  return {
    zone,
    durable: empty,
    pending: empty,
    place: undefined,
    contents: new Map(),
    differences: new Map(),
    journalOctets: 0,
    turn: Promise.resolve(),
  };
}

/** The head as numbers of an entry. */
export function headFields({ newest, older, source, last, serial, isSuspect }: Head): number[] {
  const fields = (generation: Generation | undefined): number[] =>
    generation === undefined ? [0, 0, 0] : [generation.id, generation.number, generation.serial];
  const flags = (newest === undefined ? 0 : NEWEST) | (older === undefined ? 0 : OLDER) | (isSuspect ? SUSPECT : 0);
  return [flags, ...fields(newest), ...fields(older), source, last, serial];
}

/** The head that an entry has. */
export function headOf({ fields }: FoundEntry): Head {
  const generation = (flag: number, at: number): Generation | undefined =>
    (fields[0]! & flag) === 0 ? undefined : { id: fields[at]!, number: fields[at + 1]!, serial: fields[at + 2]! };
  const [source, last, serial] = [fields[7]!, fields[8]!, fields[9]!];
  return {
    newest: generation(NEWEST, 1),
    older: generation(OLDER, 4),
    source,
    last,
    serial,
    isSuspect: (fields[0]! & SUSPECT) !== 0,
  };
}

/** Number of the first difference that is of use. */
export function firstDifference({ newest, older }: Head): number {
  return ((older ?? newest)?.number ?? 0) + 1;
}

/** Forgets the entries that neither `durable` nor `pending` refers to, and returns them. */
export function prune(kept: KeptZone): Place[] {
  const wanted = new Set<number>();
  let first = Number.POSITIVE_INFINITY;
  for (const { head, isRemoved } of [kept.durable, kept.pending]) {
    if (isRemoved) continue;
    for (const id of [head.newest?.id, head.older?.id, head.source]) if (id !== undefined) wanted.add(id);
    first = Math.min(first, firstDifference(head));
  }
  const dropped: Place[] = [];
  for (const [id, place] of kept.contents) {
    if (wanted.has(id)) continue;
    kept.contents.delete(id);
    dropped.push(place);
  }
  for (const [number, place] of kept.differences) {
    if (number >= first) continue;
    kept.differences.delete(number);
    dropped.push(place);
  }
  return dropped;
}
