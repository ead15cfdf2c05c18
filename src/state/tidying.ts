/** Has the ledger written anew when most of it is out of date. */
import { messageOf } from '../errors.js';
import type { Ledger } from './ledger.js';
import type { OpenOptions } from './stored-zone.js';
import type { ZoneIndex } from './zone-index.js';

/** Octets of a ledger that is not written anew yet, however few are of use. A guess. */
const MIN_OCTETS = 16 << 20;
/** A ledger is written anew when it has this many times the octets that are of use. A guess. */
const FACTOR = 2;

export class Tidying {
  readonly #ledger: Ledger;
  readonly #index: ZoneIndex;
  readonly #report: (text: string) => void;
  readonly #least: number;
  /** Octets of the ledger at which it may have to be written anew. */
  #limit: number;
  #isBusy = false;
  /** Fulfilled when the rewriting that was begun last is over. */
  done: Promise<void> = Promise.resolve();

  constructor(ledger: Ledger, index: ZoneIndex, { report, rewriteAt = MIN_OCTETS }: OpenOptions) {
    this.#ledger = ledger;
    this.#index = index;
    this.#report = report;
    this.#limit = this.#least = rewriteAt;
  }

  /** To be called when something was written. */
  afterWrite(): void {
    if (this.#isBusy || this.#ledger.octets < this.#limit) return;
    this.#limitBy(this.#index.live().reduce((sum, { entry }) => sum + entry.length, 0));
    if (this.#ledger.octets >= this.#limit) this.start();
  }

  /** Begins to write the ledger anew. A failure is reported; the next try is when the ledger has grown. */
  start(): void {
    this.#isBusy = true;
    this.done = this.#ledger
      .rewrite(() => this.#index.live())
      .catch((error: unknown) => this.#report(`the ledger is not written anew: ${messageOf(error)}`))
      .then(() => {
        this.#limitBy(this.#ledger.octets);
        this.#isBusy = false;
      });
  }

  #limitBy(octets: number): void {
    this.#limit = Math.max(this.#least, FACTOR * octets);
  }
}
