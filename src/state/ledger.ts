/**
 * The ledger: the file that all entries are appended to. Entries that are appended together wait for one fdatasync together. When most of
 * them are out of date, the others are copied into a new file, to which new entries go meanwhile; then the old file is removed.
 *
 * No database library does this. Measured with LMDB: of 100 processes that opened a file of it with a damaged part, 9 were ended by a signal
 * or hung, since it trusts the content of the file without checking it; a server would not come up again.
 */
import type { AdotdError } from '../errors.js';
import { type Entry, EntryType, encodeEntry } from './entry.js';
import { stateError, systemError } from './folder.js';
import { LedgerFiles, type Place, writeAll } from './ledger-files.js';

/** Octets written at once, unless one entry is longer. A guess. */
const BATCH = 4 << 20;
/** Octets that are copied between two turns of the event loop when the ledger is written anew. A guess. */
const COPIED = 1 << 20;
const NOTHING = new Uint8Array(0);

interface Waiting {
  readonly place: Place;
  readonly octets: Uint8Array;
  readonly isDurable: boolean;
  done(error?: AdotdError): void;
}

/** An entry to be appended; the ledger numbers it. */
type NewEntry = Omit<Entry, 'sequence'>;

export class Ledger {
  readonly #folder: string;
  readonly #files: LedgerFiles;
  #waiting: Waiting[] = [];
  /** Tasks that need the files for themselves, between two batches. */
  readonly #tasks: (() => Promise<void>)[] = [];
  #isWriting = false;
  readonly #whenIdle: (() => void)[] = [];
  #failure: AdotdError | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#files = new LedgerFiles(folder);
  }

  /** Opens the ledger of a folder, or begins one, and calls `visit` with each of its entries. Throws ADOTD_STATE. */
  static async open(folder: string, visit: (place: Place) => void): Promise<Ledger> {
    const ledger = new Ledger(folder);
    try {
      await ledger.#files.open(visit);
    } catch (error) {
      await ledger.close();
      throw systemError(folder, error);
    }
    return ledger;
  }

  /** Damage that was found when it was opened. */
  get damage(): LedgerFiles['damage'] {
    return this.#files.damage;
  }

  /** Entries with a larger sequence number were made after all lost ones; Infinity: the newest entries may be lost. */
  get lostUpTo(): number {
    return this.#files.lostUpTo;
  }

  /** Octets of all its files. */
  get octets(): number {
    return this.#files.octets;
  }

  /** Where the file of an entry is. */
  pathOf({ file }: Place): string {
    return this.#files.path(file);
  }

  /** The payload of an entry that is written; undefined when it is damaged. */
  payload(place: Place): Uint8Array | undefined {
    return this.#files.payload(place);
  }

  /** Copies a payload that is damaged to where the operator may look at it; returns the path. */
  setAside(place: Place): string {
    return this.#files.setAside(place);
  }

  /**
   * Appends an entry behind all that were appended before. `done` is called when it is written and, if it is to be durable, on disk; or
   * with an error: then all that wait with it and behind it are given up in the same turn of the event loop.
   */
  append(entry: NewEntry, payload: Uint8Array, isDurable: boolean, done: (error?: AdotdError) => void): Place {
    const numbered = { ...entry, sequence: ++this.#files.sequence };
    const { octets, found } = encodeEntry(numbered, payload);
    const place: Place = { entry: found, file: 0, at: 0 };
    this.#enqueue({ place, octets, isDurable, done });
    return place;
  }

  /**
   * Begins a new file, copies to it the entries that `live` returns then, and removes the older files. Entries appended meanwhile go to
   * the new file. Rejects with ADOTD_STATE; then nothing is lost, and it can be tried again.
   */
  async rewrite(live: () => readonly Place[]): Promise<void> {
    const files = this.#files;
    const old = files.all();
    const places = await this.#alone(async () => {
      await files.finish(files.target);
      await files.begin(files.target.number + 1);
      return live().filter(({ file }) => file !== 0 && file !== files.target.number);
    });
    for (let i = 0; i < places.length; ) {
      const copies: Promise<void>[] = [];
      for (let octets = 0; i < places.length && octets < COPIED; i++) {
        octets += places[i]!.entry.length;
        copies.push(this.#copy(places[i]!));
      }
      await Promise.all(copies);
    }
    await this.#appendOwn(EntryType.MOVED);
    await files.remove(old);
  }

  /** Closes the files, once everything that waits is written. */
  async close(): Promise<void> {
    while (this.#isWriting) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await this.#files.close();
  }

  #appendOwn(type: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.append({ type, isRemoval: false, name: '', fields: [] }, NOTHING, true, (error) =>
        error === undefined ? resolve() : reject(error),
      );
    });
  }

  /** Copies an entry to the end. A damaged payload stays damaged: its checksum is copied too. */
  #copy(place: Place): Promise<void> {
    const { entry } = place;
    const payload = new Uint8Array(entry.payloadLength);
    payload.set(this.#files.payloadAsFound(place));
    const { octets, found } = encodeEntry(entry, payload, entry.payloadCrc);
    const copy: Place = { entry: found, file: 0, at: 0 };
    return new Promise((resolve, reject) => {
      this.#enqueue({
        place: copy,
        octets,
        isDurable: false,
        done(error) {
          if (error !== undefined) return reject(error);
          Object.assign(place, { file: copy.file, at: copy.at });
          resolve();
        },
      });
    });
  }

  #enqueue(waiting: Waiting): void {
    this.#waiting.push(waiting);
    void this.#work();
  }

  /** Runs `task` while nothing is written. */
  #alone<T>(task: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#tasks.push(() => task().then(resolve, (error: unknown) => reject(systemError(this.#folder, error))));
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    // Entries that are appended in this turn of the event loop wait for one fdatasync.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#tasks.length > 0 || this.#waiting.length > 0)
      await (this.#tasks.shift() ?? (() => this.#writeBatch()))();
    this.#isWriting = false;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #writeBatch(): Promise<void> {
    let [count, octets] = [0, 0];
    while (count < this.#waiting.length && (count === 0 || octets < BATCH))
      octets += this.#waiting[count++]!.octets.length;
    const batch = this.#waiting.splice(0, count);
    const error = this.#failure ?? (await this.#write(batch, octets));
    if (error !== undefined) batch.push(...this.#waiting.splice(0));
    for (const { done } of batch) done(error);
  }

  /** Writes a batch; fulfilled with the error when it is not written. */
  async #write(batch: readonly Waiting[], octets: number): Promise<AdotdError | undefined> {
    const file = this.#files.target;
    const began = file.octets;
    try {
      await writeAll(
        file.handle,
        Buffer.concat(
          batch.map((waiting) => waiting.octets),
          octets,
        ),
        began,
      );
    } catch (error) {
      await file.handle.truncate(began).catch((thrown: unknown) => this.#fail(file.path, thrown));
      return systemError(file.path, error);
    }
    if (batch.some(({ isDurable }) => isDurable)) {
      try {
        await file.handle.datasync();
        this.#files.mark.set({ file: file.number, octets: began + octets });
      } catch (error) {
        // The kernel may have forgotten the octets that it could not write: a second fdatasync would prove nothing.
        return this.#fail(file.path, error);
      }
    }
    for (const { place, octets } of batch) {
      Object.assign(place, { file: file.number, at: file.octets });
      file.octets += octets.length;
    }
    return undefined;
  }

  #fail(path: string, thrown: unknown): AdotdError {
    const { message } = systemError(path, thrown);
    this.#failure = stateError(
      path,
      `${message}; nothing is stored any more until the server is started again`,
      thrown,
    );
    return this.#failure;
  }
}
