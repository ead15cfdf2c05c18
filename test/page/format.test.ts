import { describe, expect, it } from 'vitest';
import {
  countedText,
  countText,
  durationText,
  microsecondsText,
  numberText,
  octetsText,
  rateText,
  shareText,
  shortTimeText,
} from '../../src/page/format.js';

describe('numbers as text', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
    [Number.MAX_SAFE_INTEGER, '9,007,199,254,740,991'],
  ])('count %d: %s', (count, text) => expect(countText(count)).toBe(text));

  it.each([
    [0, '0'],
    [0.000_123_4, '0.00012'],
    [0.256, '0.26'],
    [1.5, '1.5'],
    [12.345, '12.3'],
    [99.96, '100'],
    [12_345.6, '12,346'],
  ])('%d has three digits: %s', (value, text) => expect(numberText(value)).toBe(text));

  it.each([
    [0, '0 %'],
    [0.0004, '< 0.1 %'],
    [0.1234, '12.3 %'],
    [1, '100 %'],
  ])('share %d: %s', (share, text) => expect(shareText(share)).toBe(text));

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [12_345, '12.3 kB'],
    [45_000_000, '45 MB'],
    [1e16, '10000 TB'],
  ])('%d octets: %s', (count, text) => expect(octetsText(count)).toBe(text));

  it('what is not known is a dash', () => {
    expect([rateText(null), microsecondsText(null), shortTimeText(null)]).toEqual(['–', '–', '–']);
    expect([rateText(0), microsecondsText(2.34)]).toEqual(['0/s', '2.34 µs']);
  });

  it('of one and of several', () => {
    expect([countedText(1, 'zone'), countedText(0, 'zone'), countedText(10_000, 'zone')]).toEqual([
      '1 zone',
      '0 zones',
      '10,000 zones',
    ]);
  });
});

describe('times as text', () => {
  it.each([
    [-5, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [3725, '1 h 2 min'],
    [86_400 * 3 + 14_400, '3 d 4 h'],
    [86_400, '1 d'],
    [31_536_000 * 2 + 86_400 * 3, '2 y 3 d'],
  ])('%d s: %s', (seconds, text) => expect(durationText(seconds)).toBe(text));

  it.each([
    [0.000_25, '0.25 ms'],
    [0.25, '250 ms'],
    [2.5, '2.5 s'],
    [75, '1 min 15 s'],
  ])('short %d s: %s', (seconds, text) => expect(shortTimeText(seconds)).toBe(text));
});
