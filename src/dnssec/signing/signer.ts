/** Signers of batches: the calling thread here; other threads take batches in the same way. */
import type { SigningKey } from '../keys/signing-key.js';
import { SigningBatch, signingBatchSize } from './signing-batch.js';

/** Called with batches that are done. */
export type CollectSigned = (batch: SigningBatch) => void;

export interface Signer {
  /** An empty batch to fill. Others may be collected before. */
  take(collect: CollectSigned): SigningBatch;
  /** Has a filled batch signed, at once or later. */
  give(batch: SigningBatch, collect: CollectSigned): void;
  /** Waits until all batches are done and collected. */
  finish(collect: CollectSigned): void;
}

/** Chooses a signer. `signatures`: their rough number. `keys`: batches name them by their numbers in this list. */
export type ChooseSigner = (signatures: number, keys: readonly SigningKey[]) => Signer;

/** Signs in the calling thread. */
export const signInPlace: ChooseSigner = (_signatures, keys) => {
  const batch = new SigningBatch(new ArrayBuffer(signingBatchSize()));
  return {
    take() {
      batch.clear();
      return batch;
    },
    give(filled, collect) {
      filled.sign(keys);
      collect(filled);
    },
    finish() {},
  };
};
