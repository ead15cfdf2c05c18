/** Applies a difference to a zone, and makes its digests anew (ZONEMD, RFC 8976). */
import { digestRecords, writeDigests } from '../../../dnssec/zone-digest.js';
import { applyDifference } from '../../../image/changes/apply.js';
import { Type } from '../../../protocol/iana.js';
import type { Difference } from '../../../zone/changes/difference.js';
import { RunCursor } from '../../../zone/changes/record-run.js';
import type { CheckedZone } from '../../../zone/check.js';
import type { Diagnostic } from '../../../zone/diagnostics.js';
import type { Rrsets } from '../../../zone/rrsets.js';

/** Plain data. */
export interface ZoneChange {
  readonly image: Uint8Array;
  readonly difference: Difference;
  /** Seconds since 1970. */
  readonly now: number;
}

/** Plain data. */
export interface Applied {
  /** undefined after errors. */
  readonly image: Uint8Array | undefined;
  readonly records: number;
  readonly diagnostics: readonly Diagnostic[];
  /** As given, with the digests of the zone filled in. */
  readonly difference: Difference;
}

/** Throws AdotdError as applyDifference() does. */
export function applyChange({ image: older, difference, now }: ZoneChange): Applied {
  const added = Uint8Array.from(difference.added);
  const amend = (rrsets: Rrsets, checked: CheckedZone): void => {
    if (!hasDigest(added)) return;
    writeDigests({ rrsets, checked });
    copyDigests(digestRecords({ rrsets, checked }), added);
  };
  const { image, records, diagnostics } = applyDifference(older, difference, {
    now,
    dnssecCheck: () => 'off',
    amend,
  });
  return { image, records, diagnostics: diagnostics.list, difference: { ...difference, added } };
}

function hasDigest(run: Uint8Array): boolean {
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) if (cursor.type === Type.ZONEMD) return true;
  return false;
}

/** Octets of ZONEMD RDATA before the digest: serial, scheme, hash algorithm (RFC 8976 §2.2). */
const BEFORE_DIGEST = 6;

/** Copies the RDATA of ZONEMD records into a run, where those of the same serial, scheme and hash algorithm are. */
function copyDigests(records: readonly Uint8Array[], run: Uint8Array): void {
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) {
    if (cursor.type !== Type.ZONEMD) continue;
    const own = run.subarray(cursor.rdataAt, cursor.end);
    const made = records.find(
      (rdata) => rdata.length === own.length && rdata.subarray(0, BEFORE_DIGEST).every((octet, i) => octet === own[i]),
    );
    if (made !== undefined) own.set(made);
  }
}
