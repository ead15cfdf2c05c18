/** What becomes of the digest of a zone (ZONEMD, RFC 8976) when its content changes. */
import { digestKind, emptyDigest } from '../../../dnssec/zone-digest.js';
import type { PendingView } from '../../../image/changes/pending-view.js';
import { Type } from '../../../protocol/iana.js';

/**
 * Prepares the ZONEMD records of a zone for its next version: with `auto` they get the new serial, and digests that are filled in when the
 * zone is compiled (zone-jobs.ts); with `remove` they are removed. Records of schemes and hashes that cannot be made here are removed.
 */
export function renewDigests(view: PendingView, mode: 'auto' | 'remove', serial: number): void {
  const { apex } = view;
  const old = view.rrset(apex, Type.ZONEMD);
  if (old.length === 0) return;
  view.removeRrset(apex, Type.ZONEMD);
  if (mode === 'remove') return;
  for (const { ttl, rdata } of old) {
    const { isSimple, algorithm } = digestKind(rdata);
    const made = isSimple ? emptyDigest(algorithm, serial) : undefined;
    if (made !== undefined) view.add(apex, Type.ZONEMD, { ttl, rdata: made });
  }
}
