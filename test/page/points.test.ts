import { describe, expect, it } from 'vitest';
import type { Point } from '../../src/page/contract.js';
import { rateNow, ratesOf, sharesOf, stacked, valuesOf } from '../../src/page/points.js';

/** Milliseconds, and one count. */
const points = (...pairs: readonly (readonly [number, number])[]): Point[] => pairs.map((pair) => [...pair]);

describe('rates', () => {
  it('are the growth of a second, by the times of the points', () => {
    expect(ratesOf(points([0, 100], [1000, 110], [3000, 150]), [1])).toEqual({ times: [1, 3], values: [[10, 20]] });
  });

  it('are not known behind a gap, a restart, or two points of one moment', () => {
    const { values } = ratesOf(points([0, 0], [5000, 50], [6000, 3], [6000, 9], [7000, 10]), [1]);
    expect(values).toEqual([[null, null, null, 1]]);
  });

  it('of no point or one are none', () => {
    expect(ratesOf([], [1])).toEqual({ times: [], values: [[]] });
    expect(ratesOf(points([0, 5]), [1])).toEqual({ times: [], values: [[]] });
  });
});

describe('the rate of now', () => {
  it('is the mean of the last seconds', () => {
    const all = points([0, 0], [1000, 1000], [2000, 1010], [3000, 1020], [4000, 1040]);
    expect(rateNow(all, 1, 3)).toBeCloseTo(40 / 3);
    expect(rateNow(all, 1, 60)).toBe(260);
  });

  it('begins behind a gap or a restart', () => {
    expect(rateNow(points([0, 0], [9000, 900], [10_000, 905]), 1, 60)).toBe(5);
    expect(rateNow(points([0, 900], [1000, 0], [2000, 7]), 1, 60)).toBe(7);
  });

  it('is not known of one point', () => {
    expect(rateNow([], 1, 5)).toBeNull();
    expect(rateNow(points([0, 5]), 1, 5)).toBeNull();
    expect(rateNow(points([0, 0], [9000, 9]), 1, 5)).toBeNull();
  });
});

describe('series', () => {
  it('stand on top of each other; what is not known has nothing on top', () => {
    expect(
      stacked([
        [1, null, 3],
        [10, 10, null],
        [100, 100, 100],
      ]),
    ).toEqual([
      [1, null, 3],
      [11, null, null],
      [111, null, null],
    ]);
    expect(stacked([])).toEqual([]);
  });

  it('are parts of a hundred, where there is something', () => {
    expect(
      sharesOf([
        [1, 0, null],
        [3, 0, 5],
      ]),
    ).toEqual([
      [25, null, null],
      [75, null, null],
    ]);
  });

  it('are values as they are', () => {
    expect(valuesOf(points([1000, 5], [2000, 6]), [1])).toEqual({ times: [1, 2], values: [[5, 6]] });
  });
});
