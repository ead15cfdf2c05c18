/**
 * HalfSipHash (Aumasson and Bernstein) with a 64-bit result, on whole words. It keeps an attacker from choosing places in
 * hash tables; it does not protect secrets. JavaScript adds and rotates its 32-bit words without BigInts. Hot file:
 * integers, no allocation.
 */

/**
 * Hashes the first `count` words of `data` with a key of two words, with `compression` rounds a word and `finalization`
 * rounds for each word of the result; writes that to `out[0]` and `out[1]`. Measured, 1 and 3 rounds: 40 ns for four words.
 */
export function halfSipHash(
  key: Int32Array,
  data: Int32Array,
  count: number,
  compression: number,
  finalization: number,
  out: Int32Array,
): void {
  let v0 = key[0]!;
  let v1 = key[1]! ^ 0xee;
  let v2 = key[0]! ^ 0x6c796765;
  let v3 = key[1]! ^ 0x74656462;
  // The words, then one with the length in octets.
  for (let i = 0; i <= count; i++) {
    const word = i < count ? data[i]! : count << 26;
    v3 ^= word;
    for (let round = 0; round < compression; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  v2 ^= 0xee;
  for (let i = 0; i < 2; i++) {
    for (let round = 0; round < finalization; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    out[i] = v1 ^ v3;
    v1 ^= 0xdd;
  }
}
