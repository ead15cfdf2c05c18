/** Works out a stored zone after a change, and writes large values ahead of the change. */
import { AdotdError, ErrorCode, messageOf } from '../errors.js';
import { isImage } from '../image/catalog.js';
import { nameFromText, nameToText, sameName } from '../protocol/name.js';
import type { Difference } from '../zone/changes/difference.js';
import { piecesOf } from './chunk-file.js';
import { stateError } from './folder.js';
import type { Head, KeptZone } from './kept-zone.js';
import { runPieces, serialOf } from './run-pieces.js';
import { type PreparedValue, prepareValue, valueOctets } from './stored-value.js';
import type { MakeRun, ZoneCommit } from './stored-zone.js';
import { changedFacts, NO_FACTS, type StoredFacts } from './zone-facts.js';
import type { ZoneIndex } from './zone-index.js';

/** A generation is stored when the differences behind the last one have more octets than it has, and this many. A guess. */
const MIN_JOURNAL = 64 * 1024;
const NO_CONTENT = { newest: undefined, older: undefined, source: 0 };

/** The values of a change that are ready to be appended. */
export interface PreparedChange {
  readonly head: Head;
  readonly facts: StoredFacts;
  readonly contents: readonly PreparedValue[];
  readonly differences: readonly { readonly value: PreparedValue; readonly difference: Difference }[];
  readonly isRemoved: boolean;
}

export class ZoneChanges {
  readonly #folder: string;
  readonly #index: ZoneIndex;
  readonly #makeRun: MakeRun | undefined;

  constructor(folder: string, index: ZoneIndex, makeRun: MakeRun | undefined) {
    this.#folder = folder;
    this.#index = index;
    this.#makeRun = makeRun;
  }

  /** Writes large values, and works out the zone after the change. Another change of the zone waits meanwhile. */
  async prepare(kept: KeptZone, change: ZoneCommit): Promise<PreparedChange> {
    const { zone, pending } = kept;
    const apex = nameFromText(zone);
    if (change.remove) {
      const head = { ...pending.head, ...NO_CONTENT, isSuspect: false };
      return { head, facts: NO_FACTS, contents: [], differences: [], isRemoved: true };
    }
    const { generation, differences = [], source } = change;
    const old = pending.isRemoved ? { ...pending.head, ...NO_CONTENT } : pending.head;
    checkChain(zone, apex, old, change);
    const contents: PreparedValue[] = [];
    const store = async (content: Uint8Array, run?: Uint8Array): Promise<number> => {
      const id = ++this.#index.lastId;
      const pieces = runPieces(run ?? (await this.#runOf(zone, content)));
      contents.push(await prepareValue(this.#folder, zone, id, content.length, pieces));
      return id;
    };
    const stored: PreparedChange['differences'][number][] = [];
    const isReplaced = generation !== undefined && differences.length === 0;
    let octets = kept.journalOctets;
    for (const difference of differences) {
      const value = await this.#prepareDifference(zone, difference);
      octets += difference.removed.length + difference.added.length;
      stored.push({ value, difference });
    }
    let { newest, older, serial } = old;
    // A version without a difference before it takes a number as well, so that no two have the same.
    const last = old.last + (isReplaced ? 1 : stored.length);
    if (generation !== undefined) serial = serialOf(generation, apex)!;
    else if (stored.length > 0) serial = differences.at(-1)!.to;
    if (generation !== undefined && (isReplaced || this.#isDue(kept, octets))) {
      older = isReplaced ? undefined : newest;
      newest = { id: await store(generation, change.run), number: last, serial };
    }
    const isSuspect = old.isSuspect && newest === old.newest;
    const head: Head = {
      newest,
      older,
      source: source === undefined ? old.source : await store(source),
      last,
      serial,
      isSuspect,
    };
    const facts = changedFacts(pending.facts, change.facts ?? {});
    return { head, facts, contents, differences: stored, isRemoved: false };
  }

  /** Has the run of an image made elsewhere. A content whose run is made in place is returned as it is. */
  async #runOf(zone: string, content: Uint8Array): Promise<Uint8Array> {
    if (this.#makeRun === undefined || !isImage(content)) return content;
    try {
      return await this.#makeRun(content);
    } catch (error) {
      throw stateError(this.#folder, `the records of ${zone} cannot be made ready: ${messageOf(error)}`, error);
    }
  }

  #prepareDifference(zone: string, { removed, added }: Difference): Promise<PreparedValue> {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, removed.length);
    const octets = length.length + removed.length + added.length;
    return prepareValue(this.#folder, zone, ++this.#index.lastId, octets, piecesOf(length, removed, added));
  }

  /** Whether a generation is to be stored, with `octets` of differences behind the last one. */
  #isDue({ zone, contents, pending }: KeptZone, octets: number): boolean {
    const content = contents.get(pending.head.newest?.id ?? 0);
    return (
      this.#index.damaged.has(zone) || content === undefined || octets > Math.max(MIN_JOURNAL, valueOctets(content))
    );
  }
}

/** Throws ADOTD_CHANGE_SERIAL when a change does not lead from the stored version to its generation. */
function checkChain(zone: string, apex: Uint8Array, { newest, serial }: Head, change: ZoneCommit): void {
  const { generation, differences = [] } = change;
  const fail = (found: string, expected: string): never => {
    throw new AdotdError(
      ErrorCode.CHANGE_SERIAL,
      `a change of ${zone} for the state: found ${found}, expected ${expected}`,
    );
  };
  const last = generation === undefined ? undefined : serialOf(generation, apex);
  if (generation !== undefined && last === undefined) fail('a generation without a SOA record', 'one at the apex');
  let at = serial;
  for (const { from, to, apex: own } of differences) {
    if (!sameName(apex, 0, own, 0)) fail(`a difference of ${nameToText(own)}`, 'one of this zone');
    if (newest === undefined) fail('differences', 'a generation, since no version is stored');
    if (from !== at) fail(`a difference from serial ${from}`, `one from ${at}`);
    at = to;
  }
  if (differences.length > 0 && last !== undefined && last !== at)
    fail(`a generation with serial ${last}`, `${at}, to which the differences lead`);
}
