/** The stored form of a refresh, among the facts of a zone (state/zone-facts.ts). */
import type { StoredFacts } from '../../state/zone-facts.js';
import type { RefreshFacts } from '../../transfer/in/zone-refresh.js';

/** `timers.expires` is the keeper's too: a version that has expired is not served at a start. */
export function toStored({
  serial,
  refresh,
  retry,
  expire,
  origin,
  checkedAt,
  expiresAt,
}: RefreshFacts): Partial<StoredFacts> {
  return {
    sourceSerial: serial,
    ...(origin !== undefined && { origin }),
    timers: { checked: checkedAt, expires: expiresAt },
    flags: { refresh, retry, expire },
  };
}

/** undefined: nothing is stored of a refresh, or nothing that makes sense. */
export function fromStored(stored: StoredFacts | undefined): RefreshFacts | undefined {
  if (stored === undefined) return undefined;
  const { sourceSerial: serial, origin, timers, flags } = stored;
  const { checked: checkedAt, expires: expiresAt } = timers;
  const { refresh, retry, expire } = flags;
  if (serial === undefined || checkedAt === undefined || expiresAt === undefined) return undefined;
  if (typeof refresh !== 'number' || typeof retry !== 'number' || typeof expire !== 'number') return undefined;
  return { serial, refresh, retry, expire, origin, checkedAt, expiresAt };
}
