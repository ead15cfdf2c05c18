/** Diagnostics about records; the store has their places. */
import { nameToText } from '../protocol/name.js';
import { typeToText } from '../protocol/rdata/table.js';
import type { Diagnostics } from './diagnostics.js';
import { typeCovered } from './rrsets.js';
import type { RecordStore } from './store.js';

/** Reports errors and warnings at records, given by their row in the store. A message is made only when it is kept. */
export class Report {
  readonly #store: RecordStore;
  readonly #diagnostics: Diagnostics;
  readonly #isLenient: boolean;

  /** `isLenient`: errors become warnings. */
  constructor(store: RecordStore, diagnostics: Diagnostics, isLenient = false) {
    this.#store = store;
    this.#diagnostics = diagnostics;
    this.#isLenient = isLenient;
  }

  error(row: number, message: () => string): void {
    if (this.#isLenient) {
      this.warning(row, message);
      return;
    }
    const { errors, limit } = this.#diagnostics;
    const text = errors < limit ? message() : '';
    this.#diagnostics.error(this.#file(row), this.#store.line[row]!, this.#store.column[row]!, text);
  }

  warning(row: number, message: () => string): void {
    const { warnings, limit } = this.#diagnostics;
    const text = warnings < limit ? message() : '';
    this.#diagnostics.warning(this.#file(row), this.#store.line[row]!, this.#store.column[row]!, text);
  }

  /** `line 3`, or `file:3` when the record is not in the file of `from`; for a record that is in no file, the name of its source. */
  place(row: number, from: number): string {
    const line = this.#store.line[row]!;
    if (line === 0) return this.#file(row);
    return this.#store.file[row] === this.#store.file[from] ? `line ${line}` : `${this.#file(row)}:${line}`;
  }

  /** The owner of a record, in presentation format. */
  owner(row: number): string {
    return this.name(this.#store.node[row]!);
  }

  /** A node's name, in presentation format. */
  name(node: number): string {
    return nameToText(this.#store.nameOf(node));
  }

  /** `www.example. A`, or `www.example. RRSIG (A)`. */
  nameRrset(row: number): string {
    const covered = typeCovered(this.#store, row);
    const type = typeToText(this.#store.type[row]!);
    return `${this.owner(row)} ${covered === 0 ? type : `${type} (${typeToText(covered)})`}`;
  }

  #file(row: number): string {
    return this.#store.files[this.#store.file[row]!] ?? '';
  }
}
