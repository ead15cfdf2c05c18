/** The records of the last hour, day or week, as the page shows them. Viewers share them. */
import { type Point, PointColumn, type RecordedWindow, WINDOWS } from '../../page/contract.js';
import { figuresOf } from '../../report/figures.js';
import { cellsByTime, makeReport } from '../../report/make-report.js';
import { BLOCKS } from '../../report/measures.js';
import type { ReportData } from '../../report/report-data.js';
import { pointOf } from './overview.js';

/** A window is put together again when it is older than a part of its length: 18 s, 7 min, 50 min; never more often than this. */
const PARTS = 200;

/** Counts, whose growth in a second is shown. */
const COUNTS = [
  PointColumn.UDP,
  PointColumn.TCP,
  PointColumn.STARTTLS,
  PointColumn.TLS,
  PointColumn.FULL,
  PointColumn.RESUMED,
  PointColumn.FAILED,
];

interface Parts {
  /** The records since a moment, seconds since 1970; undefined: nothing is recorded. */
  report(since: number): ReportData | undefined;
  /** Milliseconds since 1970. */
  now(): number;
}

export class RecordedWindows {
  readonly #parts: Parts;
  readonly #kept = new Map<number, RecordedWindow>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The last `seconds`, one of WINDOWS; undefined: it is none of them, or nothing is recorded. */
  window(seconds: number): RecordedWindow | undefined {
    if (!WINDOWS.some((known) => known === seconds)) return undefined;
    const at = this.#parts.now();
    const kept = this.#kept.get(seconds);
    if (kept !== undefined && kept.at <= at && at - kept.at < (seconds * 1000) / PARTS) return kept;
    const span = { from: at / 1000 - seconds, to: at / 1000 };
    const data = this.#parts.report(Math.floor(span.from));
    if (data === undefined) return undefined;
    const window = windowOf(data, span, at);
    this.#kept.set(seconds, window);
    return window;
  }
}

function windowOf(data: ReportData, span: { readonly from: number; readonly to: number }, at: number): RecordedWindow {
  const { step, figures, clients, words } = makeReport([data], span);
  const points = [...cellsByTime([data], span, step)].flatMap(([begin, cells]) =>
    begin + step > span.to ? [] : [averages(begin * 1000, cells)],
  );
  return { at, ...span, step, points, figures, clients, words };
}

/** Of a period: a server that ran for a part of it counts for that part. */
function averages(at: number, cells: ReadonlyMap<number, number>): Point {
  const seconds = Math.max(1, cells.get(BLOCKS.seconds.id) ?? 0);
  const sums = pointOf(at, figuresOf(cells), cells);
  return sums.map((value, column) => (COUNTS.some((one) => one === column) ? value / seconds : value));
}
