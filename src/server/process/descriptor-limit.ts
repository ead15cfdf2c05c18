/** The number of files and sockets that this process may have open. */
import { readFileSync } from 'node:fs';

/** The limit on open files of this process (RLIMIT_NOFILE); Infinity if it cannot be read. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
