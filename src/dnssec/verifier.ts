/** Verifiers of batches of signatures: the calling thread here, several threads in server/zones/verifying-threads.ts. */
import { batchSize, SignatureBatch } from './signature-batch.js';

/** Called with batches that are done. */
export type Collect = (batch: SignatureBatch) => void;

export interface Verifier {
  /** An empty batch to fill. Others may be collected before. */
  take(collect: Collect): SignatureBatch;
  /** Has a filled batch verified, at once or later. */
  give(batch: SignatureBatch, collect: Collect): void;
  /** Waits until all batches are done and collected. */
  finish(collect: Collect): void;
}

/** Chooses a verifier. `signatures`: their rough number. */
export type ChooseVerifier = (signatures: number) => Verifier;

/** Verifies in the calling thread. */
export function verifierInPlace(): Verifier {
  const batch = new SignatureBatch(new ArrayBuffer(batchSize()));
  return {
    take() {
      batch.clear();
      return batch;
    },
    give(filled, collect) {
      filled.verify();
      collect(filled);
    },
    finish() {},
  };
}
