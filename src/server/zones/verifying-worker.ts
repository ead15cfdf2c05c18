/** A thread that verifies batches of signatures until it is told to end (verifying-threads.ts). */
import { workerData } from 'node:worker_threads';
import { SignatureBatch } from '../../dnssec/signature-batch.js';
import { type BatchData, serveBatches } from '../batch-threads.js';

serveBatches(
  'adotd-verifier',
  workerData as BatchData,
  (memory) => new SignatureBatch(memory),
  (batch) => batch.verify(),
);
