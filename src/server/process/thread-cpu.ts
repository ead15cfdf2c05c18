/** CPU time of single threads, from /proc. */
import { readFileSync } from 'node:fs';

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
