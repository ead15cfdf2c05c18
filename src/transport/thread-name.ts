/** Names of threads, as `top -H`, `ps -L` and perf show them. Without the C library nothing happens. */
import { libc } from './libc.js';

/** PR_SET_NAME of prctl(2): the name of the calling thread. */
const PR_SET_NAME = 15;
/** Octets that the system keeps of a name. */
const LONGEST = 15;

/** Names the calling thread. */
export function nameThread(name: string): void {
  const system = libc();
  if (typeof system !== 'string') system.prctl(PR_SET_NAME, name, 0, 0, 0);
}

/** The name of a worker: `adotd-udp-0`. The kind is shortened where the number would not fit. */
export function workerName(kind: 'udp' | 'stream', number: number): string {
  const room = LONGEST - `adotd--${number}`.length;
  return `adotd-${kind.slice(0, room)}-${number}`;
}
