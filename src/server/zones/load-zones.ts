/** Loads zones, in the loader thread if they are large, otherwise in place. */
import { Worker } from 'node:worker_threads';
import { counted } from '../../errors.js';
import { LOADER_WORKER } from '../thread-programs.js';
import { loadChanged, type UnchangedZone, type ZoneLoadOptions, type ZoneResult, type ZoneTask } from './load-zone.js';
import type { LoaderCpu, LoaderData } from './loader-worker.js';
import { sizeOf } from './zone-files.js';

/** The same while queries are answered, with signatures to verify. A guess: some 40 signatures. */
const IN_PLACE_OCTETS_VERIFYING = 8 * 1024;

/** Octets of zone files up to which starting a thread (some 30 ms) costs more than it saves. A guess. */
const IN_PLACE_OCTETS = 1024 * 1024;
/** The same while queries are answered: loading in place delays them, for this size by less than 10 ms. A guess. */
const IN_PLACE_OCTETS_SERVING = 64 * 1024;

/**
 * MB of new objects after which the thread collects garbage, and with it the buffers of zones that are done. Measured with
 * 10,000 zones of 10 records: 84 MB more resident memory than an empty server, against 101 MB with node's default.
 */
const YOUNG_GENERATION = 2;

/** Seconds of CPU of all loader threads of this process. */
let loaderCpu = 0;

/** Seconds of CPU that loader threads have used. */
export function loaderCpuSeconds(): number {
  return loaderCpu;
}

export interface LoaderSettings {
  /** Whether the loader thread may be used: not in a server within another program. */
  readonly thread: boolean;
  /** Called now and then with the number of zones loaded so far. */
  progress?(done: number, all: number): void;
}

/** Loads the zones that have changed; the results are in the order of `tasks`. `serving`: queries are answered meanwhile. */
export async function loadZones(
  tasks: readonly ZoneTask[],
  options: ZoneLoadOptions,
  settings: LoaderSettings,
  serving: boolean,
): Promise<(ZoneResult | UnchangedZone)[]> {
  const small = fits(tasks, inPlaceLimit(options, serving));
  if (!settings.thread || small) return tasks.map((task) => loadChanged(task, options));
  return loadInThread({ tasks, options, serving }, settings);
}

function inPlaceLimit({ dnssecChecks }: ZoneLoadOptions, serving: boolean): number {
  const checks = [dnssecChecks?.otherwise, ...(dnssecChecks?.policies?.checks ?? [])];
  if (serving && checks.includes('full')) return IN_PLACE_OCTETS_VERIFYING;
  return serving ? IN_PLACE_OCTETS_SERVING : IN_PLACE_OCTETS;
}

/** Whether the zones have no more octets in all than `limit`. */
function fits(tasks: readonly ZoneTask[], limit: number): boolean {
  let octets = 0;
  return tasks.every(({ zone }) => (octets += sizeOf(zone)) <= limit);
}

function loadInThread(data: LoaderData, settings: LoaderSettings): Promise<(ZoneResult | UnchangedZone)[]> {
  const { tasks } = data;
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION };
  const worker = new Worker(LOADER_WORKER, { workerData: data, resourceLimits });
  const results: (ZoneResult | UnchangedZone)[] = [];
  return new Promise((resolve, reject) => {
    worker.on('message', (batch: (ZoneResult | UnchangedZone)[] | LoaderCpu) => {
      if ('cpu' in batch) {
        loaderCpu += batch.cpu / 1000;
        return;
      }
      for (const result of batch) results.push(result);
      settings.progress?.(results.length, tasks.length);
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      if (results.length === tasks.length) resolve(results);
      else reject(new Error(`the loader thread ended after ${results.length} of ${counted(tasks.length, 'zone')}`));
    });
  });
}
