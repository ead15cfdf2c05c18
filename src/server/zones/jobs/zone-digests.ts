/** Renews the digest of a zone (ZONEMD, RFC 8976) when its content changes. */
import { digestKind, digestRecords, emptyDigest } from '../../../dnssec/zone-digest.js';
import type { PendingView } from '../../../image/changes/pending-view.js';
import { Type } from '../../../protocol/iana.js';
import { nameLength, sameName } from '../../../protocol/name.js';
import { readU16 } from '../../../protocol/octets.js';
import type { Difference } from '../../../zone/changes/difference.js';
import { RunCursor } from '../../../zone/changes/record-run.js';
import { findRrset, Rrsig, signaturesOf } from '../../../zone/rrsets.js';

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

/** The digests of a zone, and the signatures over them, as they have been filled in: RDATA. */
export interface FilledDigests {
  readonly digests: readonly Uint8Array[];
  readonly signatures: readonly Uint8Array[];
}

/** Reads them out of a zone that is about to be compiled. */
export function filledDigests(zone: Parameters<typeof digestRecords>[0]): FilledDigests {
  const { rrsets, checked } = zone;
  const { store } = rrsets;
  const set = findRrset(rrsets, checked.apex, Type.RRSIG);
  const rows = set < 0 ? [] : signaturesOf(rrsets, set, Type.ZONEMD);
  const signatures = rows.map((row) =>
    store.rdata.slice(store.rdataAt[row]!, store.rdataAt[row]! + store.rdataLength[row]!),
  );
  return { digests: digestRecords(zone), signatures };
}

/** Whether a run has a digest, to be filled in. */
export function hasDigest(run: Uint8Array): boolean {
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) if (cursor.type === Type.ZONEMD) return true;
  return false;
}

/** Octets of ZONEMD RDATA before the digest: serial, scheme, hash algorithm (RFC 8976 §2.2). */
const BEFORE_DIGEST = 6;

/**
 * The difference with the digests and signatures filled in. A record becomes the filled-in one that is the same up to the digest, or up to
 * the signature.
 */
export function fillDigests(difference: Difference, { digests, signatures }: FilledDigests): Difference {
  const { apex } = difference;
  const added = Uint8Array.from(difference.added);
  for (const cursor = new RunCursor(added); !cursor.isAtEnd; cursor.next()) {
    if (!sameName(added, cursor.at, apex, 0)) continue;
    const own = added.subarray(cursor.rdataAt, cursor.end);
    if (cursor.type === Type.ZONEMD) fill(own, digests, BEFORE_DIGEST);
    else if (cursor.type === Type.RRSIG && readU16(own, 0) === Type.ZONEMD)
      fill(own, signatures, Rrsig.SIGNER + nameLength(apex));
  }
  return { ...difference, added };
}

function fill(own: Uint8Array, records: readonly Uint8Array[], same: number): void {
  const made = records.find(
    (rdata) => rdata.length === own.length && rdata.subarray(0, same).every((octet, i) => octet === own[i]),
  );
  if (made !== undefined) own.set(made);
}
