/** Threads of node's worker_threads, for SupervisedThread. */
import { Worker } from 'node:worker_threads';
import { isError } from '../../errors.js';
import { MESSAGES } from '../../transport/thread-words.js';
import { STREAM_WORKER, UDP_WORKER } from '../thread-programs.js';
import type { Report, Spawn, WorkerSpawns } from './thread-messages.js';

/** MB of new objects between two collections of them, for streams. Measured: CPU of a full TLS handshake 4 to 8 % less, resumed 7 to 17 %. */
const STREAM_YOUNG_GENERATION = 64;
/** The same for UDP, which makes no objects per query. */
const UDP_YOUNG_GENERATION = 2;

/** The workers of a server. */
export const WORKERS: WorkerSpawns = {
  udp: spawner(UDP_WORKER, UDP_YOUNG_GENERATION),
  stream: spawner(STREAM_WORKER, STREAM_YOUNG_GENERATION),
};

/** Starts threads that run `program`. */
export function spawner(program: URL, maxYoungGenerationSizeMb: number): Spawn {
  return (data, events) => {
    const worker = new Worker(program, { workerData: data, resourceLimits: { maxYoungGenerationSizeMb } });
    // Not `data`: its catalog would be kept as long as the thread lives.
    const { words } = data;
    let cause: Error | undefined;
    worker.on('message', (report: Report) => events.report(report));
    worker.on('error', (error) => {
      cause = isError(error) ? error : new Error(String(error));
    });
    worker.on('exit', () => events.exit(cause));
    return {
      post(order) {
        worker.postMessage(order);
        Atomics.add(words, MESSAGES, 1);
      },
      terminate: () => void worker.terminate(),
    };
  };
}
