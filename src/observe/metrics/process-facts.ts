/** Figures of the operating system about this process, all threads together. Unknown ones are left out. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessFacts {
  /** User and system. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Seconds since 1970. */
  readonly startedAt: number;
  /** undefined outside of Linux. */
  readonly openDescriptors: number | undefined;
  /** Infinity: no limit. */
  readonly maxDescriptors: number | undefined;
}

/** As it is now. */
export function processFacts(): ProcessFacts {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startedAt: performance.timeOrigin / 1000,
    openDescriptors: openDescriptors(),
    maxDescriptors: maxDescriptors(),
  };
}

function openDescriptors(): number | undefined {
  try {
    // One belongs to the open folder itself.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return undefined;
  }
}

function maxDescriptors(): number | undefined {
  try {
    const soft = /^Max open files +(\w+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return undefined;
  }
}
