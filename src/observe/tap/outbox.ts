/** What waits to be written to a file or a reader: so much at the most, what comes beyond is lost and counted. */

/** Octets that are written with one call, and how many records they hold. */
export interface Batch {
  readonly octets: Uint8Array;
  readonly records: number;
}

/** Octets that may wait. A guess: some seconds of a busy server, and nothing that its memory would feel. */
const OUTBOX_OCTETS = 8 * 1024 * 1024;

export class Outbox {
  readonly #limit: number;
  readonly #batches: Batch[] = [];
  #octets = 0;
  #lost = 0;

  constructor(limit: number = OUTBOX_OCTETS) {
    this.#limit = limit;
  }

  /** Whether anything more is taken. A batch may go beyond the limit by its own length. */
  get hasRoom(): boolean {
    return this.#octets < this.#limit;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Keeps a batch, which is the outbox's from now on. */
  put(batch: Batch): void {
    if (!this.hasRoom) {
      this.lose(batch.records);
      return;
    }
    this.#batches.push(batch);
    this.#octets += batch.octets.length;
  }

  /** The oldest batch. */
  take(): Batch | undefined {
    const batch = this.#batches.shift();
    if (batch) this.#octets -= batch.octets.length;
    return batch;
  }

  /** Counts records as lost. */
  lose(records: number): void {
    this.#lost += records;
  }

  /** Records lost since this was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }
}

/** Where batches go. None of its calls throws or waits. */
export interface Sink {
  /** Whether write() would keep a batch: where it would not, none needs to be made. */
  readonly hasRoom: boolean;
  write(batch: Batch): void;
  /** Counts records that no batch was made of. */
  lose(records: number): void;
  /** Records lost since this was last asked. */
  takeLost(): number;
  /** Writes what waits, if that is possible in short time, and ends. */
  close(): Promise<void>;
}
