import { describe, expect, it } from 'vitest';
import { halfSipHash } from '../../src/answer/half-siphash.js';

const KEY = new Int32Array(Uint8Array.from({ length: 8 }, (_, i) => i).buffer);

describe('HalfSipHash', () => {
  // Of the authors' reference implementation, HalfSipHash-2-4 with 64 bits: octets 0, 1, 2 …, key 0 to 7.
  it.each([
    [0, '218d1f59b9b83cc8'],
    [1, 'd5e78a175be52ea1'],
    [15, 'd6762890bf26e460'],
  ])('of %i words is that of its authors', (count, wanted) => {
    const data = new Int32Array(Uint8Array.from({ length: count * 4 }, (_, i) => i).buffer);
    const out = new Int32Array(2);
    halfSipHash(KEY, data, count, 2, 4, out);
    expect(Buffer.from(out.buffer).toString('hex')).toBe(wanted);
  });

  it('with fewer rounds still spreads neighbours evenly', () => {
    const counts = new Uint32Array(256);
    const out = new Int32Array(2);
    for (let i = 0; i < 65_536; i++) {
      halfSipHash(KEY, Int32Array.of(i << 8, 0, 3, 7), 4, 1, 3, out);
      counts[out[0]! & 255]!++;
      counts[out[1]! & 255]!++;
    }
    expect(Math.min(...counts)).toBeGreaterThan(400);
    expect(Math.max(...counts)).toBeLessThan(624);
  });
});
