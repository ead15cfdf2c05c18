/**
 * Threads that work on batches in shared memory. The calling thread fills batches and hands them out; when all are in use it works
 * on one itself, so that it never waits for threads that cannot start. Everything is synchronous for the caller, whose event
 * loop does not turn meanwhile.
 */
import { Worker } from 'node:worker_threads';
import { nameThread } from '../transport/thread-name.js';

/** A batch over shared memory. Its first word is the state. */
interface Batch {
  readonly words: Int32Array<ArrayBufferLike>;
  clear(): void;
}

/** The work of the threads. */
interface Work<B extends Batch> {
  /** The program of a thread; it calls serveBatches(). */
  readonly program: URL;
  /** The data that the program gets besides the batches. */
  readonly data: unknown;
  /** Octets of a batch. */
  readonly size: number;
  batch(memory: SharedArrayBuffer): B;
  /** Does the work of a batch. */
  work(batch: B): void;
}

/** Fills batches and has them worked on, one after the other. */
interface BatchRun<B extends Batch> {
  /** An empty batch to fill. Others may be collected before. */
  take(collect: (batch: B) => void): B;
  /** Has a filled batch worked on. */
  give(batch: B): void;
  /** Waits until all batches are done and collected. */
  finish(collect: (batch: B) => void): void;
}

/** Batches for each thread: one in work, one that waits. */
const BATCHES = 2;
/** Milliseconds after which a batch that a thread has taken counts as lost: a batch takes some 20 ms. A guess. */
const LOST = 30_000;

/** The first word of a batch. */
const State = { FREE: 0, FILLED: 1, TAKEN: 2, DONE: 3 } as const;
const STATE = 0;

/** Words of the shared control block. */
const Control = {
  /** Goes up when a batch is filled, and at the end. */
  FILLED: 0,
  /** Goes up when a batch is done. */
  DONE: 1,
  /** 1: the threads are to end. */
  END: 2,
  WORDS: 3,
} as const;

/** The data that a thread is started with. */
export interface BatchData {
  readonly control: SharedArrayBuffer;
  readonly batches: readonly SharedArrayBuffer[];
  readonly data: unknown;
}

/** Takes a batch that is filled, if there is one, and does its work. */
function workNext<B extends Batch>(
  batches: readonly B[],
  control: Int32Array<ArrayBufferLike>,
  work: (batch: B) => void,
): boolean {
  for (const batch of batches) {
    if (Atomics.compareExchange(batch.words, STATE, State.FILLED, State.TAKEN) !== State.FILLED) continue;
    work(batch);
    Atomics.compareExchange(batch.words, STATE, State.TAKEN, State.DONE);
    Atomics.add(control, Control.DONE, 1);
    Atomics.notify(control, Control.DONE);
    return true;
  }
  return false;
}

/** Works on batches in a thread, which gets this name, until it is told to end. */
export function serveBatches<B extends Batch>(
  name: string,
  { control: shared, batches: memory }: BatchData,
  batch: (memory: SharedArrayBuffer) => B,
  work: (batch: B) => void,
): void {
  nameThread(name);
  const control = new Int32Array(shared);
  const batches = memory.map(batch);
  for (;;) {
    const seen = Atomics.load(control, Control.FILLED);
    if (workNext(batches, control, work)) continue;
    if (Atomics.load(control, Control.END) === 1) break;
    Atomics.wait(control, Control.FILLED, seen);
  }
}

/** Threads that are started when they are first needed. */
export class BatchThreads<B extends Batch> {
  #threads: number;
  readonly #work: Work<B>;
  #control: Int32Array<ArrayBufferLike> | undefined;
  #batches: readonly B[] = [];

  /** `threads`: besides the calling one, 1 or more. */
  constructor(threads: number, work: Work<B>) {
    this.#threads = threads;
    this.#work = work;
  }

  /** Whether there are threads that work. */
  get areWorking(): boolean {
    return this.#threads > 0;
  }

  /** Begins a run of batches. */
  begin(): BatchRun<B> {
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

  /** Ends the threads. */
  close(): void {
    if (this.#control === undefined) return;
    Atomics.store(this.#control, Control.END, 1);
    Atomics.add(this.#control, Control.FILLED, 1);
    Atomics.notify(this.#control, Control.FILLED);
    this.#control = undefined;
  }

  #start(): Int32Array<ArrayBufferLike> {
    const { program, data, size, batch } = this.#work;
    const shared = new SharedArrayBuffer(Control.WORDS * 4);
    // The calling thread fills one while it waits for none.
    const memory = Array.from({ length: (this.#threads + 1) * BATCHES }, () => new SharedArrayBuffer(size));
    const workerData: BatchData = { control: shared, batches: memory, data };
    for (let i = 0; i < this.#threads; i++) {
      const worker = new Worker(program, { workerData });
      // Without it, its batches are worked on by the others.
      worker.on('error', () => {});
      worker.unref();
    }
    this.#batches = memory.map((one) => batch(one));
    this.#control = new Int32Array(shared);
    return this.#control;
  }

  #empty(control: Int32Array<ArrayBufferLike>, collect: (batch: B) => void): B {
    for (;;) {
      const free = this.#batches.find(({ words }) => Atomics.load(words, STATE) === State.FREE);
      if (free !== undefined) return free;
      this.#await(control, collect);
    }
  }

  /** Collects the batches that are done; if there are none, works on one, or waits for one. */
  #await(control: Int32Array<ArrayBufferLike>, collect: (batch: B) => void): void {
    const seen = Atomics.load(control, Control.DONE);
    let collected = false;
    for (const batch of this.#batches) {
      if (Atomics.load(batch.words, STATE) !== State.DONE) continue;
      collect(batch);
      Atomics.store(batch.words, STATE, State.FREE);
      collected = true;
    }
    if (collected || workNext(this.#batches, control, this.#work.work)) return;
    if (Atomics.wait(control, Control.DONE, seen, LOST) !== 'timed-out') return;
    // The threads have ended, or stand still: from now on everything is done here.
    this.#threads = 0;
    this.close();
    for (const { words } of this.#batches) Atomics.compareExchange(words, STATE, State.TAKEN, State.FILLED);
  }
}
