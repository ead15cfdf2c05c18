/**
 * A hash of a client's address that nobody can foresee or undo without its key: HalfSipHash-1-3 (Aumasson and Bernstein 2012; the variant
 * for 32-bit words). Of an IPv6 address the first 56 bits count, as for the limits on connections.
 * No library of npm hashes octets of shared memory without making an object for each.
 * Hot file: integers, no allocation. The state is four local variables.
 */

const IPV6_LENGTH = 16;
/** Octets of the network of an IPv6 client. Three of them are in the second word, which is the last, and so has the length too. */
const NETWORK_LENGTH = 7;
/** Two words, each with one round, and three rounds to finish. */
const WORDS = 2;
const ROUNDS = 5;

/** The hash, 32 bits, of the address at the beginning of `address`; `length`: 4 or 16 octets of it. `key`: two words. */
export function clientHash(address: Uint8Array, length: number, key: Int32Array): number {
  let a = key[0]!;
  let b = key[1]!;
  let c = 0x6c796765 ^ a;
  let d = 0x74656462 ^ b;
  const first = address[0]! | (address[1]! << 8) | (address[2]! << 16) | (address[3]! << 24);
  const last =
    length === IPV6_LENGTH
      ? address[4]! | (address[5]! << 8) | (address[6]! << 16) | (NETWORK_LENGTH << 24)
      : length << 24;
  for (let round = 0; round < ROUNDS; round++) {
    const word = round === 0 ? first : round === 1 ? last : 0;
    if (round === WORDS) c ^= 0xff;
    d ^= word;
    a = (a + b) | 0;
    b = ((b << 5) | (b >>> 27)) ^ a;
    a = (a << 16) | (a >>> 16);
    c = (c + d) | 0;
    d = ((d << 8) | (d >>> 24)) ^ c;
    a = (a + d) | 0;
    d = ((d << 7) | (d >>> 25)) ^ a;
    c = (c + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ c;
    c = (c << 16) | (c >>> 16);
    a ^= word;
  }
  return b ^ d;
}
