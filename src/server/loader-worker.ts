/** The loader thread: loads the zones it was started with, posts the results, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadZone, type ZoneLoadOptions, type ZoneResult } from './load-zone.js';
import type { ZoneFile } from './zone-source.js';

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
  const result = loadZone(zone, options);
  octets += result.image?.byteLength ?? 0;
  batch.push(result);
  if (batch.length < BATCH_ZONES && octets < BATCH_OCTETS) continue;
  post(batch);
  batch = [];
  octets = 0;
}
post(batch);

/** Posts results, the images that are not shared in one buffer that changes hands. */
function post(results: readonly ZoneResult[]): void {
  const loose = results.flatMap(({ image }) => (image && !(image.buffer instanceof SharedArrayBuffer) ? [image] : []));
  const packed = new Uint8Array(loose.reduce((sum, image) => sum + image.byteLength, 0));
  const places = new Map<Uint8Array, Uint8Array>();
  let at = 0;
  for (const image of loose) {
    packed.set(image, at);
    places.set(image, packed.subarray(at, at + image.byteLength));
    at += image.byteLength;
  }
  const message = results.map((result) => ({
    ...result,
    image: result.image && (places.get(result.image) ?? result.image),
  }));
  parentPort?.postMessage(message, [packed.buffer]);
}
