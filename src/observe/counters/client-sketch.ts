/**
 * How many clients there are, without a list of them: a HyperLogLog (Flajolet et al. 2007) of REGISTERS octets. Each address is hashed;
 * some bits of the hash choose a register, and the register keeps the longest run of zeros that the other bits began with. Two sketches
 * are added by the larger of each register, so threads and times can be put together. The standard error is 1.04 / sqrt(REGISTERS): 2.3 %.
 * A library would do, but those on npm take a string or an object for each address and keep their registers in memory of their own;
 * here a query of UDP must not allocate, and the registers are shared memory. Hot file: integers, no allocation.
 *
 * The hash has no secret. Whoever chooses addresses can make the count as wrong as by sending from that many addresses, which over UDP
 * anybody can forge. It is a figure for operators, and decides nothing.
 */

const INDEX_BITS = 11;
export const REGISTERS = 1 << INDEX_BITS;
/** Words of a Float64Array that the registers take. */
export const SKETCH_WORDS = REGISTERS / Float64Array.BYTES_PER_ELEMENT;
/** Of the second word of an IPv6 address, what belongs to the client: a /56 in all, as for the limits on connections. */
const PREFIX_MASK = ~0xff;

/** Counts the client at the beginning of `address`, of 4 or 16 octets, in the registers from `at` on. */
export function sketchClient(registers: Uint8Array, at: number, address: Uint8Array, length: number): void {
  // An IPv4 address is one word. Of an IPv6 address the /56 is two: its last octet makes room for what no IPv4 address is mixed with.
  let hash = wordAt(address, 0);
  if (length === 16) hash = Math.imul(hash, 0x9e3779b1) ^ ((wordAt(address, 4) & PREFIX_MASK) | 1);
  // The finalizer of MurmurHash3: every bit of the address changes every bit of the hash with a chance of one half.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  // The bit behind the last one of the hash ends the longest run.
  const run = Math.clz32((hash << INDEX_BITS) | (1 << (INDEX_BITS - 1))) + 1;
  const place = at + (hash >>> (32 - INDEX_BITS));
  if (registers[place]! < run) registers[place] = run;
}

function wordAt(octets: Uint8Array, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
}

/** Adds the clients of `from` to those of `into`: sketches, or several behind one another. */
export function mergeSketches(into: Uint8Array, from: Uint8Array): void {
  for (let i = 0; i < into.length; i++) if (into[i]! < from[i]!) into[i] = from[i]!;
}

/** The estimate: how many clients a sketch has counted. */
export function sketchedClients(registers: Uint8Array): number {
  let sum = 0;
  let empty = 0;
  for (const run of registers) {
    sum += 2 ** -run;
    if (run === 0) empty++;
  }
  const raw = ((0.7213 / (1 + 1.079 / REGISTERS)) * REGISTERS ** 2) / sum;
  // Few clients: linear counting is more exact while registers are empty (the same paper, §4).
  const estimate = raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw;
  return Math.round(estimate);
}
