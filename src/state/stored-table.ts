/** Named tables: small values of others, by a key, in the same ledger as the zones. */
import { EntryType } from './entry.js';
import { stateError } from './folder.js';
import type { Ledger } from './ledger.js';
import type { Place } from './ledger-files.js';
import type { ZoneIndex } from './zone-index.js';

/** Between the name of a table and a key. */
const BETWEEN = '\0';
/** Octets of the longest value: values in the ledger are copied from time to time. A guess. */
const MAX_VALUE = 1 << 20;
const NOTHING = new Uint8Array(0);

/** The table that a value of the index is in. */
export function tableOf(name: string): string {
  return name.slice(0, name.indexOf(BETWEEN));
}

export class StoredTable {
  readonly #prefix: string;
  readonly #ledger: Ledger;
  readonly #index: ZoneIndex;
  readonly #afterWrite: () => void;

  constructor(name: string, ledger: Ledger, index: ZoneIndex, afterWrite: () => void) {
    this.#prefix = name + BETWEEN;
    this.#ledger = ledger;
    this.#index = index;
    this.#afterWrite = afterWrite;
  }

  keys(): string[] {
    const keys = [...this.#index.values.keys()].filter((name) => name.startsWith(this.#prefix));
    return keys.map((name) => name.slice(this.#prefix.length));
  }

  /** The value of a key as it is written; undefined when there is none. Throws ADOTD_STATE when it is damaged. */
  get(key: string): Uint8Array | undefined {
    const place = this.#index.values.get(this.#prefix + key);
    if (place === undefined) return undefined;
    const value = this.#ledger.payload(place);
    if (value !== undefined) return value;
    const aside = this.#ledger.setAside(place);
    throw stateError(
      this.#ledger.pathOf(place),
      `the value of ${key} is damaged; what is there was copied to ${aside}`,
    );
  }

  /** Fulfilled when the value is on disk. Rejects with ADOTD_STATE. */
  put(key: string, value: Uint8Array): Promise<void> {
    if (value.length > MAX_VALUE) throw new RangeError(`a value of a table has ${value.length} octets`);
    return this.#append(key, value, false);
  }

  /** Fulfilled when the value is gone for good. Rejects with ADOTD_STATE. */
  remove(key: string): Promise<void> {
    return this.#index.values.has(this.#prefix + key) ? this.#append(key, NOTHING, true) : Promise.resolve();
  }

  #append(key: string, value: Uint8Array, isRemoval: boolean): Promise<void> {
    const name = this.#prefix + key;
    const { values } = this.#index;
    return new Promise((resolve, reject) => {
      const entry = { type: EntryType.TABLE, isRemoval, name, fields: [] };
      const place: Place = this.#ledger.append(entry, value, true, (error) => {
        if (error !== undefined) return reject(error);
        if (isRemoval) values.delete(name);
        else values.set(name, place);
        this.#afterWrite();
        resolve();
      });
    });
  }
}
