/** A thread that signs batches until it is told to end (signing-threads.ts). */
import { workerData } from 'node:worker_threads';
import type { SigningKey } from '../../dnssec/keys/signing-key.js';
import { SigningBatch } from '../../dnssec/signing/signing-batch.js';
import { type BatchData, serveBatches } from '../batch-threads.js';

const data = workerData as BatchData;
const keys = data.data as readonly SigningKey[];
serveBatches(
  'adotd-signer',
  data,
  (memory) => new SigningBatch(memory),
  (batch) => batch.sign(keys),
);
