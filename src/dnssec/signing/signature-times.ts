/**
 * When signatures end, and when they are renewed. Both are functions of the owner's name and the type, so that signing the same
 * zone anew gives the same times, and of a grid of slots in absolute time: the signatures of a zone end spread over the slots
 * of one jitter, and stay so when they are renewed.
 */
import type { SigningPolicy } from './signing-policy.js';

/** Slots of one jitter: about 1 % of a large zone's signatures end together, and are renewed together. */
const SLOTS = 100;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The slot of an RRset: a hash of its owner (canonical wire format, `length` octets) and type. */
function slotOf(owner: Uint8Array, length: number, type: number): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ owner[i]!, FNV_PRIME);
  hash = Math.imul(hash ^ type, FNV_PRIME);
  // FNV's low bits depend on the last octets most: fold the high ones into them.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) % SLOTS;
}

/**
 * When a signature that is made at `now` ends (seconds since 1970): the last moment that belongs to the RRset's slot and is no
 * more than `validity` away.
 */
export function expirationOf(
  { validity, jitter }: SigningPolicy,
  now: number,
  owner: Uint8Array,
  ownerLength: number,
  type: number,
): number {
  const end = now + validity;
  const slotLength = Math.floor(jitter / SLOTS);
  if (slotLength < 1) return end;
  const period = slotLength * SLOTS;
  const phase = slotOf(owner, ownerLength, type) * slotLength;
  return end - ((((end - phase) % period) + period) % period);
}

/** When a signature begins to be valid. */
export function inceptionOf({ inceptionOffset }: SigningPolicy, now: number): number {
  return now - inceptionOffset;
}

/** Seconds from `now` until the 32-bit time `time` of a signature, which wraps (RFC 4034 §3.1.5). */
export function secondsUntil(time: number, now: number): number {
  return (time - now) | 0;
}

/** Whether a signature that begins at `inception` is not valid yet: the clock was ahead when it was made, or is behind now. */
export function isEarly(inception: number, now: number): boolean {
  return secondsUntil(inception, now) > 0;
}

/** Whether a signature has to be renewed: it ends soon, or is not valid yet. */
export function isDue({ refresh }: SigningPolicy, inception: number, expiration: number, now: number): boolean {
  return secondsUntil(expiration, now) <= refresh || isEarly(inception, now);
}
