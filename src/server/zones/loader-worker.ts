/** The loader thread: loads the zones it was started with, posts the results, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { libc } from '../../transport/libc.js';
import { nameThread } from '../../transport/thread-name.js';
import { threadCpu } from '../process/thread-cpu.js';
import { lowerPriority } from '../process/thread-priority.js';
import { loadChanged, type UnchangedZone, type ZoneLoadOptions, type ZoneResult, type ZoneTask } from './load-zone.js';

/** The data that the thread is started with. */
export interface LoaderData {
  readonly tasks: readonly ZoneTask[];
  readonly options: ZoneLoadOptions;
  /** Whether queries are answered meanwhile. */
  readonly serving: boolean;
}

/** Its last message: milliseconds of CPU that it has used. */
export interface LoaderCpu {
  readonly cpu: number;
}

/** Results are posted in batches: one message a zone would cost more than loading a small one. */
const BATCH_ZONES = 128;
const BATCH_OCTETS = 4 * 1024 * 1024;

nameThread('adotd-loader');
const { tasks, options, serving } = workerData as LoaderData;
// At a start nobody answers yet.
if (serving) lowerPriority();
let batch: (ZoneResult | UnchangedZone)[] = [];
let octets = 0;
for (const task of tasks) {
  const result = loadChanged(task, options);
  octets += imageOf(result)?.byteLength ?? 0;
  batch.push(result);
  if (batch.length < BATCH_ZONES && octets < BATCH_OCTETS) continue;
  post(batch);
  batch = [];
  octets = 0;
}
post(batch);
const system = libc();
const cpu = typeof system === 'string' ? Number.NaN : threadCpu(system.gettid());
if (!Number.isNaN(cpu)) parentPort?.postMessage({ cpu } satisfies LoaderCpu);

/** Posts results; the images that are not shared are packed into one buffer, which is transferred. */
function post(results: readonly (ZoneResult | UnchangedZone)[]): void {
  const images = results.flatMap((result) => imageOf(result) ?? []);
  const loose = images.filter(({ buffer }) => !(buffer instanceof SharedArrayBuffer));
  const packed = new Uint8Array(loose.reduce((sum, image) => sum + image.byteLength, 0));
  const places = new Map<Uint8Array, Uint8Array>();
  let at = 0;
  for (const image of loose) {
    packed.set(image, at);
    places.set(image, packed.subarray(at, at + image.byteLength));
    at += image.byteLength;
  }
  const message = results.map((result) => {
    const image = imageOf(result);
    return image === undefined ? result : { ...result, image: places.get(image) ?? image };
  });
  parentPort?.postMessage(message, [packed.buffer]);
}

function imageOf(result: ZoneResult | UnchangedZone): Uint8Array | undefined {
  return 'image' in result ? result.image : undefined;
}
