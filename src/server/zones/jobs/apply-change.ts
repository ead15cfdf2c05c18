/** Applies a difference of a zone's content, signs the result where that is wanted, and makes digests anew (ZONEMD, RFC 8976). */
import type { ChooseSigner } from '../../../dnssec/signing/signer.js';
import type { KeySet, SigningPolicy } from '../../../dnssec/signing/signing-policy.js';
import { digestRecords, writeDigests } from '../../../dnssec/zone-digest.js';
import { applyDifference, mergedRecords } from '../../../image/changes/apply.js';
import type { Loaded, LoadOptions } from '../../../image/load.js';
import { dueSignatures, signChange, signRecords } from '../../../image/signed/sign-image.js';
import { Type } from '../../../protocol/iana.js';
import type { Difference } from '../../../zone/changes/difference.js';
import { RunCursor } from '../../../zone/changes/record-run.js';
import type { CheckedZone } from '../../../zone/check.js';
import type { Diagnostic } from '../../../zone/diagnostics.js';
import type { Rrsets } from '../../../zone/rrsets.js';

/** How a version is signed. Can be posted to threads. */
export interface Signing {
  readonly keys: KeySet;
  readonly policy: SigningPolicy;
  /**
   * `content`: the older version is not signed, and no difference to the signed one is wanted. `change`: only what the change touches is
   * signed, where that is possible. `renewal`: and what is due.
   */
  readonly extent: 'content' | 'change' | 'renewal';
}

export interface ZoneChange {
  readonly image: Uint8Array;
  /** Of the content; without records that signing makes, where the result is to be signed. */
  readonly difference: Difference;
  /** Seconds since 1970. */
  readonly now: number;
  /** undefined: the zone is not signed here. */
  readonly signing?: Signing | undefined;
}

/** Plain data. */
export interface Applied {
  /** undefined after errors. */
  readonly image: Uint8Array | undefined;
  readonly records: number;
  readonly diagnostics: readonly Diagnostic[];
  /** What leads from the older image to the newer one, with the digests of the zone filled in; after signing `content`, as given. */
  readonly difference: Difference;
  /** Signatures that were made. */
  readonly made: number;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly signaturesExpire: number | undefined;
}

/** Throws AdotdError as applyDifference() and signChange() do. */
export function applyChange(change: ZoneChange, chooseSigner: ChooseSigner): Applied {
  let digests: readonly Uint8Array[] = [];
  const amend = (rrsets: Rrsets, checked: CheckedZone): void => {
    if (!hasDigest(change.difference.added)) return;
    writeDigests({ rrsets, checked });
    digests = digestRecords({ rrsets, checked });
  };
  const options: LoadOptions = { now: change.now, dnssecCheck: () => 'off', amend };
  const { loaded, difference, made } = newer(change, options, chooseSigner);
  const { image, records, diagnostics, signaturesExpire } = loaded;
  const added = Uint8Array.from(difference.added);
  copyDigests(digests, added);
  return {
    image,
    records,
    diagnostics: diagnostics.list,
    difference: { ...difference, added },
    made,
    signaturesExpire,
  };
}

interface Newer {
  readonly loaded: Loaded;
  readonly difference: Difference;
  readonly made: number;
}

function newer(
  { image, difference, now, signing }: ZoneChange,
  options: LoadOptions,
  chooseSigner: ChooseSigner,
): Newer {
  if (signing === undefined) return { loaded: applyDifference(image, difference, options), difference, made: 0 };
  const { keys, policy, extent } = signing;
  const context = { keys, policy, now, chooseSigner };
  if (extent === 'content') return { ...signRecords(mergedRecords(image, difference), context, options), difference };
  const due = extent === 'renewal' ? dueSignatures(image, policy, now).due : [];
  const signed = signChange(image, difference, context, options, due);
  return { ...signed, difference: signed.difference ?? difference };
}

function hasDigest(run: Uint8Array): boolean {
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) if (cursor.type === Type.ZONEMD) return true;
  return false;
}

/** Octets of ZONEMD RDATA before the digest: serial, scheme, hash algorithm (RFC 8976 §2.2). */
const BEFORE_DIGEST = 6;

/** Copies the RDATA of ZONEMD records into a run, where those of the same serial, scheme and hash algorithm are. */
function copyDigests(records: readonly Uint8Array[], run: Uint8Array): void {
  if (records.length === 0) return;
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) {
    if (cursor.type !== Type.ZONEMD) continue;
    const own = run.subarray(cursor.rdataAt, cursor.end);
    const made = records.find(
      (rdata) => rdata.length === own.length && rdata.subarray(0, BEFORE_DIGEST).every((octet, i) => octet === own[i]),
    );
    if (made !== undefined) own.set(made);
  }
}
