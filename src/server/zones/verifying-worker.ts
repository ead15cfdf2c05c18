/** A thread that verifies batches of signatures until it is told to end (verifying-threads.ts). */
import { workerData } from 'node:worker_threads';
import { SignatureBatch } from '../../dnssec/signature-batch.js';
import { Control, type VerifyingData, verifyNext } from './verifying-threads.js';

const { control: shared, batches: memory } = workerData as VerifyingData;
const control = new Int32Array(shared);
const batches = memory.map((octets) => new SignatureBatch(octets));
for (;;) {
  const seen = Atomics.load(control, Control.FILLED);
  if (verifyNext(batches, control)) continue;
  if (Atomics.load(control, Control.END) === 1) break;
  Atomics.wait(control, Control.FILLED, seen);
}
