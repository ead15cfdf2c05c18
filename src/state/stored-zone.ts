/** The data that the store of zones takes and gives (zone-store.ts). */
import type { Difference } from '../zone/changes/difference.js';
import type { KeptZone } from './kept-zone.js';
import { valueOctets } from './stored-value.js';
import type { StoredFacts } from './zone-facts.js';

/** The facts about a stored zone that are known without reading its content. */
export interface StoredZone {
  /** By zoneKey() (protocol/name.ts). */
  readonly zone: string;
  readonly facts: StoredFacts;
  /** Of the published version; undefined: no version is stored. */
  readonly serial: number | undefined;
  /** Serials of the generations, the newest first. */
  readonly generations: readonly number[];
  /** The differences behind the newest generation. */
  readonly journal: { readonly differences: number; readonly octets: number };
}

/** A zone's content, as it was acknowledged last. */
export interface StoredContent {
  readonly kind: 'content';
  /** An image, in shared memory if it is large, or the records as a run (zone/changes/record-run.ts). `differences` lead on from it. */
  readonly base: { readonly image: Uint8Array } | { readonly run: Uint8Array };
  /** Serial of the base. */
  readonly serial: number;
  /** From the base to the stored version, oldest first. */
  readonly differences: readonly Difference[];
  /** All differences that are stored and lead to the stored version, oldest first: for IXFR. */
  readonly history: readonly Difference[];
  /** Damage that was found, in words; the content makes up for it. */
  readonly damage: readonly string[];
}

/** A zone is stored, or may be, but the version acknowledged last cannot be read. An older version is not offered. */
export interface Unreadable {
  readonly kind: 'unreadable';
  /** Says which parts are damaged, and which were set aside. */
  readonly reason: string;
}

/** Makes the records of an image as a run (zone/changes/record-run.ts). */
export type MakeRun = (image: Uint8Array) => Promise<Uint8Array>;

export interface ZoneCommit {
  /**
   * The whole zone after this change: an image, or its records as a run. With `differences` it may be left out; if it is given, the store
   * decides whether it keeps it, and an image becomes the cached one. Without `differences`, it replaces the stored content and its
   * differences.
   */
  readonly generation?: Uint8Array;
  /** The records of the generation as a run, where it is an image and they are at hand; else they are made when they are needed. */
  readonly run?: Uint8Array | undefined;
  /** Lead from the stored version to the new one, oldest first. */
  readonly differences?: readonly Difference[];
  /** The zone's file as last loaded: an image, or its records as a run. */
  readonly source?: Uint8Array;
  /** Changes of the facts. */
  readonly facts?: Partial<StoredFacts>;
  /** The zone is to be forgotten. */
  readonly remove?: boolean;
}

export interface OpenOptions {
  /** Makes the run of a large image's records elsewhere, so that the event loop goes on; without it, it is made in place. */
  readonly makeRun?: MakeRun | undefined;
  /** Gets lines about damage, and about the measures taken. */
  readonly report: (text: string) => void;
  /** The ledger is written anew when it has this many octets (default 16 MiB), and twice as many as are of use. */
  readonly rewriteAt?: number;
}

/** The differences behind the newest generation. */
export function journalOf({ durable: { head }, differences }: KeptZone): StoredZone['journal'] {
  let octets = 0;
  const first = (head.newest?.number ?? head.last) + 1;
  for (let number = first; number <= head.last; number++) {
    const place = differences.get(number);
    if (place !== undefined) octets += valueOctets(place);
  }
  return { differences: head.last + 1 - first, octets };
}

/** Describes a zone without reading its content. */
export function describe(kept: KeptZone): StoredZone {
  const { head, facts } = kept.durable;
  const { newest, older, serial } = head;
  const generations = [newest, older].flatMap((generation) => generation?.serial ?? []);
  return {
    zone: kept.zone,
    facts,
    serial: newest === undefined ? undefined : serial,
    generations,
    journal: journalOf(kept),
  };
}
