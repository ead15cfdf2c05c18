import { describe, expect, it } from 'vitest';
import { RefreshYear } from './refresh-year.js';

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);

describe('a year of loss, partitions, flapping primaries, restarts and wrong clocks', () => {
  const reports = new Map(SEEDS.map((seed) => [seed, new RefreshYear(seed).run()]));

  it.each(SEEDS)('shows the newest version within a refresh of healing, and expires exactly: seed %d', (seed) => {
    const { mistakes, rounds } = reports.get(seed)!;
    expect(mistakes).toEqual([]);
    // One each RETRY would be a year of failures.
    expect(rounds).toBeLessThan((365 * 86_400) / 600);
    expect(rounds).toBeGreaterThan(365 * 20);
  });

  it('has all that it is to show', () => {
    const sum = (of: 'transfers' | 'expiries' | 'restarts'): number =>
      [...reports.values()].reduce((total, report) => total + report[of], 0);
    expect(sum('transfers')).toBeGreaterThan(SEEDS.length * 100);
    expect(sum('expiries')).toBeGreaterThan(SEEDS.length);
    expect(sum('restarts')).toBeGreaterThan(SEEDS.length * 20);
  });
});
