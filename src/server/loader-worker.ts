/** The loader thread: loads the zones it was started with, posts the results, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadZone, type ZoneLoadOptions, type ZoneResult } from './load-zone.js';
import { sizeOf, type ZoneFile } from './zone-source.js';

/** What the thread is started with. */
export interface LoaderData {
  readonly zones: readonly ZoneFile[];
  readonly options: ZoneLoadOptions;
}

/** Results are posted in batches: one message a zone would cost more than loading a small one. */
const BATCH_ZONES = 128;
const BATCH_OCTETS = 4 * 1024 * 1024;

const { zones, options } = workerData as LoaderData;
let batch: ZoneResult[] = [];
let octets = 0;
for (const zone of zones) {
  octets += sizeOf(zone);
  batch.push(loadZone(zone, options));
  if (batch.length < BATCH_ZONES && octets < BATCH_OCTETS) continue;
  parentPort?.postMessage(batch);
  batch = [];
  octets = 0;
}
parentPort?.postMessage(batch);
