import { describe, expect, it } from 'vitest';
import { sipHash24 } from '../../src/answer/siphash.js';

// The reference vectors: key 00…0f, input 00, 01, … of the given length.
const VECTORS = [
  [0, '310e0edd47db6f72'],
  [1, 'fd67dc93c539f874'],
  [2, '5a4fa9d909806c0d'],
  [3, '2d7efbd796666785'],
  [7, '37d1018bf50002ab'],
  [8, '6224939a79f5f593'],
  [15, 'e545be4961ca29a1'],
] as const;

describe('SipHash-2-4', () => {
  it.each(VECTORS)('hashes the reference input of %i octets', (length, expected) => {
    const key = Uint8Array.from({ length: 16 }, (_, i) => i);
    const input = Uint8Array.from({ length: 64 }, (_, i) => i);
    const out = new Uint8Array(8);
    sipHash24(key, input, length, out, 0);
    expect(Buffer.from(out).toString('hex')).toBe(expected);
  });
});
