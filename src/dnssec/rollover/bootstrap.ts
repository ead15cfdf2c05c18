/** Whether a zone asks its parent for the first DS record (RFC 8078 §3, RFC 9615). */
import type { ZoneKeys } from './key-state.js';
import { publishedIds } from './published-keys.js';

/**
 * Whether DS records are asked for, and the parent was never seen to have one: then only the zones of the nameservers can vouch for
 * the zone. Later, the parent has keys of the zone to judge by.
 */
export function isBootstrapping(state: ZoneKeys): boolean {
  const hasDs = state.keys.some(
    ({ records, parent }) =>
      records.ds.state === 'omnipresent' || records.ds.state === 'unretentive' || parent.seen !== undefined,
  );
  return !state.isLeaving && !hasDs && publishedIds(state).ds.length > 0;
}
