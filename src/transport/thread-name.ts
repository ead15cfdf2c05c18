/** Names of threads, as `top -H`, `ps -L` and perf show them. Where the system has no way to set them, nothing happens. */
import { writeFileSync } from 'node:fs';
import { libc } from './libc.js';

/** PR_SET_NAME of prctl(2): the name of the calling thread. */
const PR_SET_NAME = 15;
/** Octets that the system keeps of a name. */
const LONGEST = 15;
const OWN_NAME = '/proc/thread-self/comm';

/**
 * Names the calling thread. Measured: the file takes microseconds, and koffi 14 ms in a thread that has no other use for it. But the file
 * is root's once root has changed to another user (proc(5), "dumpable").
 */
export function nameThread(name: string, file = OWN_NAME): void {
  try {
    writeFileSync(file, name, { flag: 'r+' });
    return;
  } catch {
    // The C library has another way.
  }
  const system = libc();
  if (typeof system !== 'string') system.prctl(PR_SET_NAME, name, 0, 0, 0);
}

/** The name of a worker: `adotd-udp-0`. The kind is shortened where the number would not fit. */
export function workerName(kind: 'udp' | 'stream', number: number): string {
  const room = LONGEST - `adotd--${number}`.length;
  return `adotd-${kind.slice(0, room)}-${number}`;
}
