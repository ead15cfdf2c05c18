/**
 * Search in the NSEC3 chain of an image (RFC 5155 §7.2). Hot file: integers only, no allocation.
 */
import { CHAIN_ENTRY, CHAIN_HASH_OCTETS } from './layout.js';

/**
 * Finds the NSEC3 record for a hash of 20 octets at `hash[hashAt]` in the chain of `count` entries that starts at octet
 * `chainAt` of `bytes`. Returns the number in the chain + 1 of the record that matches, or minus that of the record that
 * covers the hash (the last one covers the hashes before the first, RFC 5155 §3.1.7).
 */
export function findInChain(
  bytes: Uint8Array,
  chainAt: number,
  count: number,
  hash: Uint8Array,
  hashAt: number,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = chainAt + middle * CHAIN_ENTRY * 4;
    let difference = 0;
    for (let i = 0; i < CHAIN_HASH_OCTETS && difference === 0; i++) difference = bytes[at + i]! - hash[hashAt + i]!;
    if (difference === 0) return middle + 1;
    if (difference < 0) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -count : -low;
}
