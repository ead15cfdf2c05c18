/** Batches that wait for a file or a reader, up to a limit; further ones are lost and counted. */

/** Octets that are written with one call, and the number of their records. */
export interface Batch {
  readonly octets: Uint8Array;
  readonly records: number;
}

/** Octets that may wait: some seconds of a busy server, and little of its memory. A guess. */
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

  /** Keeps a batch, which must not change any more. */
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

/** Takes batches. No call throws or waits. */
export interface Sink {
  /** Whether write() would keep a batch; otherwise there is no need to make one. */
  readonly hasRoom: boolean;
  write(batch: Batch): void;
  /** Counts lost records that are in no batch. */
  lose(records: number): void;
  /** Records lost since this was last asked. */
  takeLost(): number;
  /** Writes the waiting batches, if that takes a short time, and ends. */
  close(): Promise<void>;
}
