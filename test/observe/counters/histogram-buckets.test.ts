import { describe, expect, it } from 'vitest';
import {
  histogramWords,
  observe,
  RESPOND_TIMES,
  readHistogram,
  SESSION_TIMES,
  SIZES,
  sizeBucket,
} from '../../../src/observe/counters/histogram-buckets.js';

describe('a histogram', () => {
  it('has bounds that rise', () => {
    for (const bounds of [SIZES, RESPOND_TIMES, SESSION_TIMES]) {
      expect([...bounds].sort((a, b) => a - b)).toEqual(bounds);
      expect(new Set(bounds).size).toBe(bounds.length);
    }
  });

  it('counts a value at its bound in that bucket, above the last in one more, and adds up', () => {
    const bounds = [1, 2, 4];
    const words = new Float64Array(2 + histogramWords(bounds));
    for (const value of [0, 1, 1.5, 4, 5, 1000]) observe(words, 1, bounds, value);
    expect(readHistogram(words, 1, bounds)).toEqual({ bounds, counts: [2, 1, 1, 2], sum: 1011.5 });
    expect([words[0], words.at(-1)]).toEqual([0, 0]);
  });

  it('of sizes finds by its table what one finds by looking', () => {
    for (let octets = 0; octets <= 65_535; octets++) {
      const slow = SIZES.findIndex((bound) => octets <= bound);
      if (sizeBucket(octets) !== slow) expect([octets, sizeBucket(octets)]).toEqual([octets, slow]);
    }
  });
});
