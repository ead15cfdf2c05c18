/** Threads of node's worker_threads, for SupervisedThread. */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { isError } from '../../errors.js';
import { MESSAGES } from '../../transport/thread-words.js';
import { STREAM_WORKER, UDP_WORKER } from '../thread-programs.js';
import type { Spawn, WorkerSpawns } from './supervised-thread.js';
import type { Report } from './thread-messages.js';

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

/** Milliseconds of a tick in /proc, the same on every Linux that node runs on (USER_HZ = 100). */
const TICK = 10;

/** CPU time, user and system, of a thread of this process in milliseconds; NaN when it is unknown. */
export function threadCpu(thread: number): number {
  try {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
    // The name, in parentheses, may contain anything: fields are counted from its end. utime and stime are 14 and 15 (proc_pid_stat(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK;
  } catch {
    return Number.NaN;
  }
}
