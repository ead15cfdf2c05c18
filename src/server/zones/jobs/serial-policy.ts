/** Serials of zones that the server changes (RFC 1034 §4.3.5; compared as RFC 1982 says). */
import { isLaterSerial } from '../../../protocol/serial.js';
import type { SerialPolicy } from '../../zone-policy.js';

/**
 * The serial of the next version: later than `published`, the one that is served. `source`: that of the file or primary, which is taken
 * when it is later; `now`: seconds since 1970.
 */
export function nextSerial(policy: SerialPolicy, published: number, now: number, source?: number): number {
  if (source !== undefined && isLaterSerial(published, source)) return source;
  const wanted = policy === 'unixtime' ? now >>> 0 : policy === 'date' ? dateSerial(now) : undefined;
  if (wanted !== undefined && isLaterSerial(published, wanted)) return wanted;
  // Not 0, which some software takes for no serial at all.
  return (published + 1) >>> 0 || 1;
}

/** YYYYMMDD00, by UTC: every server in a group has the same date then. */
function dateSerial(now: number): number {
  const date = new Date(now * 1000);
  return date.getUTCFullYear() * 1_000_000 + (date.getUTCMonth() + 1) * 10_000 + date.getUTCDate() * 100;
}
