/** Threads that verify signatures (dnssec/verifier.ts). They serve one zone after the other. */
import { availableParallelism } from 'node:os';
import { batchSize, SignatureBatch } from '../../dnssec/signature-batch.js';
import { type ChooseVerifier, verifierInPlace } from '../../dnssec/verifier.js';
import { BatchThreads } from '../batch-threads.js';
import { VERIFYING_WORKER } from '../thread-programs.js';

/** Fewer signatures are verified in place: starting a thread costs as much as verifying 500. A guess. */
const IN_PLACE = 4000;
/** Threads at most. A guess: one thread fills batches for some 20. */
const MAX_THREADS = 16;

export class VerifyingThreads {
  readonly #threads: BatchThreads<SignatureBatch>;

  /** `threads`: besides the calling one; default: one for each CPU in all. */
  constructor(threads = Math.min(MAX_THREADS, availableParallelism()) - 1) {
    this.#threads = new BatchThreads(threads, {
      program: VERIFYING_WORKER,
      data: undefined,
      size: batchSize(),
      batch: (memory) => new SignatureBatch(memory),
      work: (batch) => batch.verify(),
    });
  }

  /** Verifies a few signatures in place, many with the threads. */
  readonly choose: ChooseVerifier = (signatures) =>
    signatures < IN_PLACE || !this.#threads.areWorking ? verifierInPlace() : this.#threads.begin();

  /** Ends the threads. */
  close(): void {
    this.#threads.close();
  }
}
