import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/config/nearest.js';

describe('the nearest known word', () => {
  it.each([
    ['prot', 'port'],
    ['PORT', 'port'],
    ['idle_timout', 'idle_timeout'],
    ['lsiten', 'listen'],
    ['colour', undefined],
    ['', undefined],
  ])('of %j is %j', (word, wanted) => {
    expect(nearest(word, ['port', 'listen', 'idle_timeout'])).toBe(wanted);
  });
});
