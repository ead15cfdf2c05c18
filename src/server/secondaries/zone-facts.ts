import type { ZoneRefresh } from '../../transfer/in/zone-refresh.js';
import type { SecondaryCounts } from './secondary-host.js';

/** Numbers of zones in each state, and the time when the first one expires. `now`: on the clock of refreshes. */
export function zoneFacts(
  refreshes: readonly ZoneRefresh[],
  now: number,
): Pick<SecondaryCounts, 'zones' | 'nextExpiry'> {
  const zones = { current: 0, failing: 0, expired: 0, empty: 0 };
  let next = Number.POSITIVE_INFINITY;
  for (const { serial, isExpired, failures, expiresAt = Number.POSITIVE_INFINITY } of refreshes) {
    const state = serial === undefined ? 'empty' : isExpired ? 'expired' : failures > 0 ? 'failing' : 'current';
    zones[state]++;
    if (!isExpired) next = Math.min(next, expiresAt);
  }
  return { zones, nextExpiry: next === Number.POSITIVE_INFINITY ? undefined : Math.max(0, Math.round(next - now)) };
}
