/**
 * Threads that verify signatures (dnssec/verifier.ts). The calling thread fills batches in shared memory and hands them out;
 * when all are in use it verifies one itself, so that it never waits for threads that cannot start. Everything is synchronous
 * for the caller, whose event loop does not turn meanwhile.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { batchSize, SignatureBatch } from '../../dnssec/signature-batch.js';
import { type ChooseVerifier, type Collect, type Verifier, verifierInPlace } from '../../dnssec/verifier.js';
import { VERIFYING_WORKER } from '../thread-programs.js';

/** Fewer signatures are verified in place: starting a thread costs as much as verifying 500. A guess. */
const IN_PLACE = 4000;
/** Threads at most. A guess: one thread fills batches for some 20. */
const MAX_THREADS = 16;
/** Batches for each thread: one in work, one that waits. */
const BATCHES = 2;
/** Milliseconds after which a batch that a thread has taken counts as lost: a batch takes some 20 ms. A guess. */
const LOST = 30_000;

/** The first word of a batch. */
const State = { FREE: 0, FILLED: 1, TAKEN: 2, DONE: 3 } as const;
const STATE = 0;

/** Words of the shared control block. */
export const Control = {
  /** Goes up when a batch is filled, and at the end. */
  FILLED: 0,
  /** Goes up when a batch is done. */
  DONE: 1,
  /** 1: the threads are to end. */
  END: 2,
  WORDS: 3,
} as const;

/** The data that a thread is started with. */
export interface VerifyingData {
  readonly control: SharedArrayBuffer;
  readonly batches: readonly SharedArrayBuffer[];
}

/** Takes a batch that is filled, if there is one, and verifies it. */
export function verifyNext(batches: readonly SignatureBatch[], control: Int32Array<ArrayBufferLike>): boolean {
  for (const batch of batches) {
    if (Atomics.compareExchange(batch.words, STATE, State.FILLED, State.TAKEN) !== State.FILLED) continue;
    batch.verify();
    Atomics.compareExchange(batch.words, STATE, State.TAKEN, State.DONE);
    Atomics.add(control, Control.DONE, 1);
    Atomics.notify(control, Control.DONE);
    return true;
  }
  return false;
}

/** Threads that are started when they are first needed, and serve one zone after the other. */
export class VerifyingThreads {
  #threads: number;
  #control: Int32Array<ArrayBufferLike> | undefined;
  #batches: readonly SignatureBatch[] = [];

  /** `threads`: besides the calling one; default: one for each CPU in all. */
  constructor(threads = Math.min(MAX_THREADS, availableParallelism()) - 1) {
    this.#threads = threads;
  }

  /** Verifies a few signatures in place, many with the threads. */
  readonly choose: ChooseVerifier = (signatures) =>
    signatures < IN_PLACE || this.#threads < 1 ? verifierInPlace() : this.#verifier();

  /** Ends the threads. */
  close(): void {
    if (this.#control === undefined) return;
    Atomics.store(this.#control, Control.END, 1);
    Atomics.add(this.#control, Control.FILLED, 1);
    Atomics.notify(this.#control, Control.FILLED);
    this.#control = undefined;
  }

  #verifier(): Verifier {
    const control = this.#control ?? this.#start();
    return {
      take: (collect) => {
        const batch = this.#empty(control, collect);
        batch.clear();
        return batch;
      },
      give(batch) {
        Atomics.store(batch.words, STATE, State.FILLED);
        Atomics.add(control, Control.FILLED, 1);
        Atomics.notify(control, Control.FILLED, 1);
      },
      finish: (collect) => {
        while (this.#batches.some(({ words }) => Atomics.load(words, STATE) !== State.FREE))
          this.#await(control, collect);
      },
    };
  }

  #start(): Int32Array<ArrayBufferLike> {
    const shared = new SharedArrayBuffer(Control.WORDS * 4);
    // The calling thread fills one while it waits for none.
    const count = (this.#threads + 1) * BATCHES;
    const batches = Array.from({ length: count }, () => new SharedArrayBuffer(batchSize()));
    const data: VerifyingData = { control: shared, batches };
    for (let i = 0; i < this.#threads; i++) {
      const worker = new Worker(VERIFYING_WORKER, { workerData: data });
      // Without it, its batches are verified by the others.
      worker.on('error', () => {});
      worker.unref();
    }
    this.#batches = batches.map((memory) => new SignatureBatch(memory));
    this.#control = new Int32Array(shared);
    return this.#control;
  }

  #empty(control: Int32Array<ArrayBufferLike>, collect: Collect): SignatureBatch {
    for (;;) {
      const free = this.#batches.find(({ words }) => Atomics.load(words, STATE) === State.FREE);
      if (free) return free;
      this.#await(control, collect);
    }
  }

  /** Collects the batches that are done; if there are none, verifies one, or waits for one. */
  #await(control: Int32Array<ArrayBufferLike>, collect: Collect): void {
    const seen = Atomics.load(control, Control.DONE);
    let collected = false;
    for (const batch of this.#batches) {
      if (Atomics.load(batch.words, STATE) !== State.DONE) continue;
      collect(batch);
      Atomics.store(batch.words, STATE, State.FREE);
      collected = true;
    }
    if (collected || verifyNext(this.#batches, control)) return;
    if (Atomics.wait(control, Control.DONE, seen, LOST) !== 'timed-out') return;
    // The threads have ended, or stand still: from now on everything is verified here.
    this.#threads = 0;
    this.close();
    for (const { words } of this.#batches) Atomics.compareExchange(words, STATE, State.TAKEN, State.FILLED);
  }
}
