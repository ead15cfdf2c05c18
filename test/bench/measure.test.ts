import { describe, expect, it } from 'vitest';
import { median } from './measure.js';

describe('the median', () => {
  it('is the middle value, whatever the order', () => expect(median([9, 1, 5])).toBe(5));

  it('of an even number is between the two in the middle', () => expect(median([4, 1, 2, 100])).toBe(3));

  it('of nothing is not a number', () => expect(median([])).toBeNaN());
});
