/** Threads that sign (dnssec/signing/signer.ts). They know the keys of one zone, and end when it is signed. */
import { availableParallelism } from 'node:os';
import type { ChooseSigner } from '../../dnssec/signing/signer.js';
import { signInPlace } from '../../dnssec/signing/signer.js';
import { SigningBatch, signingBatchSize } from '../../dnssec/signing/signing-batch.js';
import { BatchThreads } from '../batch-threads.js';
import { SIGNING_WORKER } from '../thread-programs.js';

/** Fewer signatures are made in place: starting a thread costs as much as making some 1,000. A guess. */
const IN_PLACE = 4000;
/** Threads at most. A guess: one thread fills batches for some 20. */
const MAX_THREADS = 16;

/**
 * Makes a few signatures in place, many with threads. `threads`: besides the calling one, which signs as well; default: one for each CPU
 * in all.
 */
export function signWithThreads(threads = Math.min(MAX_THREADS, availableParallelism()) - 1): ChooseSigner {
  return (signatures, keys) => {
    if (signatures < IN_PLACE || threads < 1) return signInPlace(signatures, keys);
    const pool = new BatchThreads<SigningBatch>(threads, {
      program: SIGNING_WORKER,
      data: keys,
      size: signingBatchSize(),
      batch: (memory) => new SigningBatch(memory),
      work: (batch) => batch.sign(keys),
    });
    const run = pool.begin();
    return {
      ...run,
      finish(collect) {
        run.finish(collect);
        pool.close();
      },
    };
  };
}
