/** Series for plots from points. */
import type { Point } from './contract.js';

/** Milliseconds: two points that lie further apart have a gap between them. */
const LONGEST_STEP = 3500;

/** Times in seconds, and for each series a value for each time; null: not known. */
export interface Series {
  readonly times: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
}

/** How much the counts of `columns` have grown in a second, from one point to the next. Behind a gap or a restart it is not known. */
export function ratesOf(points: readonly Point[], columns: readonly number[]): Series {
  const later = points.slice(1);
  return {
    times: later.map(([at = 0]) => at / 1000),
    values: columns.map((column) => later.map((point, i) => rate(points[i]!, point, column))),
  };
}

/** The values of `columns` as they are. */
export function valuesOf(points: readonly Point[], columns: readonly number[]): Series {
  return {
    times: points.map(([at = 0]) => at / 1000),
    values: columns.map((column) => points.map((point) => point[column] ?? null)),
  };
}

function rate(before: Point, after: Point, column: number): number | null {
  const milliseconds = after[0]! - before[0]!;
  const growth = (after[column] ?? 0) - (before[column] ?? 0);
  if (milliseconds <= 0 || milliseconds > LONGEST_STEP || growth < 0) return null;
  return (growth * 1000) / milliseconds;
}

/** The growth of a column in a second, over the last `seconds` that are known without a gap; null: not known. */
export function rateNow(points: readonly Point[], column: number, seconds: number): number | null {
  const last = points.at(-1);
  if (last === undefined) return null;
  let first = last;
  for (let i = points.length - 2; i >= 0; i--) {
    const point = points[i]!;
    if (rate(point, first, column) === null || last[0]! - point[0]! > seconds * 1000 + 500) break;
    first = point;
  }
  const milliseconds = last[0]! - first[0]!;
  return milliseconds === 0 ? null : ((last[column]! - first[column]!) * 1000) / milliseconds;
}

/** Each series on top of those before it. Where one is not known, its sum is not. */
export function stacked(values: Series['values']): (number | null)[][] {
  let below: readonly (number | null)[] = [];
  return values.map((series) => {
    const sums = series.map((value, i) => {
      const base = below.length === 0 ? 0 : (below[i] ?? null);
      return value === null || base === null ? null : base + value;
    });
    below = sums;
    return sums;
  });
}

/** Each value as a part of the sum of all series at its time, in percent; where all are 0, there are no parts. */
export function sharesOf(values: Series['values']): (number | null)[][] {
  return values.map((series) =>
    series.map((value, i) => {
      const sum = values.reduce<number | null>(
        (all, { [i]: one }) => (all === null || one == null ? null : all + one),
        0,
      );
      return value === null || sum === null || sum === 0 ? null : (value / sum) * 100;
    }),
  );
}
