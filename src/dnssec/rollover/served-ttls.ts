/** The TTLs that caches may still hold an RRset with: a TTL that was lowered counts until the last copy has expired. */
import type { ServedTtl } from './key-state.js';

/** Notes that the RRset is served with each of these TTLs at `now`. */
export function noteTtls(served: readonly ServedTtl[], ttls: readonly number[], now: number): ServedTtl[] {
  const others = served.filter(({ ttl }) => !ttls.includes(ttl));
  return [...others, ...ttls.map((ttl) => ({ ttl, last: now }))];
}

/** The time when the last cache has lost the RRset that was served until `until`. */
export function expiryOf(served: readonly ServedTtl[], until: number, delay: number): number {
  return Math.max(until, ...served.map(({ ttl, last }) => Math.min(last, until) + ttl)) + delay;
}
