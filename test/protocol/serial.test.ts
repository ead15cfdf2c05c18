import { describe, expect, it } from 'vitest';
import { isLaterSerial } from '../../src/protocol/serial.js';

describe('serial number arithmetic', () => {
  it.each([
    [1, 2],
    [0xffffffff, 0],
    [0xfffffff0, 5],
    [2026112100, 2026112101],
    [0, 0x7fffffff],
  ])('says that %d comes before %d', (a, b) => {
    expect(isLaterSerial(a, b)).toBe(true);
    expect(isLaterSerial(b, a)).toBe(false);
  });

  it('takes a serial as no later than itself, nor two that are half of the numbers apart', () => {
    expect(isLaterSerial(7, 7)).toBe(false);
    expect(isLaterSerial(0, 0x80000000)).toBe(false);
    expect(isLaterSerial(0x80000000, 0)).toBe(false);
  });
});
