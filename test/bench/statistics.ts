/** The statistics that adotd logs at SIGUSR1. */

export interface Statistics {
  /** UDP messages, and receive calls that brought some; undefined where it does not tell. */
  readonly messages: number | undefined;
  readonly batches: number | undefined;
  /** Its threads, such as `threads udpWorkers=1 streamWorkers=1`. */
  readonly plane: string | undefined;
}

interface Line {
  readonly statistics?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly plane?: Readonly<Record<string, string | number>>;
}

/** Reads a log line with `statistics`; undefined when it is none. */
export function readStatistics(line: string): Statistics | undefined {
  let parsed: Line;
  try {
    parsed = JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
  const { statistics, plane } = parsed;
  if (statistics === undefined) return undefined;
  const words = Object.entries(plane ?? {}).map(([key, value]) => (key === 'path' ? `${value}` : `${key}=${value}`));
  return {
    messages: statistics.udp?.messages,
    batches: Object.entries(statistics.events ?? {}).find(([name]) => name.includes('batch'))?.[1],
    plane: words.length > 0 ? words.join(' ') : undefined,
  };
}

/** Mean messages of a receive call between two readings; undefined where it is not known. */
export function meanBatch(before: Statistics | undefined, after: Statistics | undefined): number | undefined {
  if (after?.messages === undefined || after.batches === undefined) return undefined;
  const batches = after.batches - (before?.batches ?? 0);
  return batches === 0 ? undefined : (after.messages - (before?.messages ?? 0)) / batches;
}
