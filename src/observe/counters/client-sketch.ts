/**
 * How many clients there are, without a list of them: a HyperLogLog (report/hyper-log-log.ts) of REGISTERS octets, with a standard error
 * of 2.3 %. Threads and times can be put together. A library would do, but those on npm take a string or an object for each address and
 * keep their registers in memory of their own; here a query of UDP must not allocate, and the registers are shared memory. Hot file:
 * integers, no allocation.
 *
 * The hash has no secret. By a choice of addresses, a client can make the count wrong; but it can do the same by sending from many
 * addresses, which anybody can forge over UDP. The count is a figure for operators, and decides nothing.
 */
import { noteHash } from '../../report/hyper-log-log.js';

const INDEX_BITS = 11;
export const REGISTERS = 1 << INDEX_BITS;
/** Words of a Float64Array that the registers take. */
export const SKETCH_WORDS = REGISTERS / Float64Array.BYTES_PER_ELEMENT;
/** The part of the second word of an IPv6 address that belongs to the client: a /56 in all, as for the limits on connections. */
const PREFIX_MASK = ~0xff;

/** Counts the client at the beginning of `address`, of 4 or 16 octets, in the registers from `at` on. */
export function sketchClient(registers: Uint8Array, at: number, address: Uint8Array, length: number): void {
  // An IPv4 address is one word. The /56 of an IPv6 address is two: in place of its last octet stands a 1, which no IPv4 address is mixed
  // with.
  let hash = wordAt(address, 0);
  if (length === 16) hash = Math.imul(hash, 0x9e3779b1) ^ ((wordAt(address, 4) & PREFIX_MASK) | 1);
  // The finalizer of MurmurHash3: every bit of the address changes every bit of the hash with a chance of one half.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  noteHash(registers, at, INDEX_BITS, hash);
}

function wordAt(octets: Uint8Array, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
}
