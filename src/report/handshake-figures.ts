/** The figures of TLS handshakes. */
import { type Cells, type Counts, countsOf, MICROSECONDS, numberAt, ratio } from './cell-reading.js';
import { BLOCKS, FAMILY_NAMES, HANDSHAKE_NAMES, PATH_NAMES, STRIDE, SUM_AT } from './measures.js';

/** Of one path. */
export interface HandshakeFigures {
  readonly full: number;
  readonly resumed: number;
  readonly failed: number;
  /** Why; connections that closed without an octet are `nothing_sent`, and do not count as failed. */
  readonly failures: Counts;
  readonly mean_seconds: number | null;
}

const NOTHING_SENT = 'nothing_sent';

/** `path`: one inside TLS. */
export function handshakeFigures(cells: Cells, path: number): HandshakeFigures {
  const { full = 0, resumed = 0, ...failures } = endsOfHandshakes(cells, path);
  const { [NOTHING_SENT]: _, ...failed } = failures;
  const sum = numberAt(cells, BLOCKS.handshakeTimes, path * STRIDE + SUM_AT) / MICROSECONDS;
  return {
    full,
    resumed,
    failed: Object.values(failed).reduce((all, count) => all + count, 0),
    failures,
    mean_seconds: ratio(sum, full + resumed),
  };
}

/**
 * Complete handshakes of a path, or of all. Failed ones do not count: they cost a part of the computation, and are few unless something is
 * wrong.
 */
export function completeHandshakes(cells: Cells, path?: number): number {
  if (path === undefined) return PATH_NAMES.slice(1).reduce((sum, _, i) => sum + completeHandshakes(cells, i + 1), 0);
  const { full = 0, resumed = 0 } = endsOfHandshakes(cells, path);
  return full + resumed;
}

/** Handshakes of a path by how they ended, both families together. */
function endsOfHandshakes(cells: Cells, path: number): Counts {
  const ends: Record<string, number> = {};
  for (const family of FAMILY_NAMES.keys()) {
    const block = ((path - 1) * FAMILY_NAMES.length + family) * STRIDE;
    for (const [name, count] of Object.entries(countsOf(cells, BLOCKS.handshakes, block, HANDSHAKE_NAMES)))
      ends[name] = (ends[name] ?? 0) + count;
  }
  return ends;
}
