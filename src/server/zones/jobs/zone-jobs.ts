/** Work on a zone that grows with the zone: done in place when it is small, in a loader thread when it is large (loader-lane.ts). */
import type { ChooseSigner } from '../../../dnssec/signing/signer.js';
import type { SigningPolicy } from '../../../dnssec/signing/signing-policy.js';
import { recordsBetween } from '../../../image/changes/diff.js';
import { imageRun } from '../../../image/changes/image-run.js';
import { signersRecordOf } from '../../../image/signed/foreign-records.js';
import { dueSignatures } from '../../../image/signed/sign-image.js';
import type { TransferredVersion } from '../../../transfer/in/transferred-version.js';
import type { RunPair } from '../../../zone/changes/record-run.js';
import { type Applied, applyChange, type ZoneChange } from './apply-change.js';
import { buffersOf, compileTransferred, sizeOfTransferred, type Transferred } from './compile-transferred.js';
import { type FileMerge, type Merged, mergeFile } from './merge-file.js';
import { type Restored, restoreZone, type StoredBase } from './restore-zone.js';

/** Looks at the signatures of a zone. */
interface SignatureLook {
  readonly image: Uint8Array;
  readonly policy: SigningPolicy;
  /** Seconds since 1970. */
  readonly now: number;
}

/** Plain data. */
interface SignaturesFound {
  /** RRsets with signatures that are to be renewed. */
  readonly due: number;
  /** Of them, those with a signature that is not valid yet. */
  readonly early: number;
  /** Seconds since 1970: when the next RRset becomes due; undefined without any. */
  readonly next: number | undefined;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly expire: number | undefined;
}

/** Can be posted to threads; data in shared memory go by reference. */
export type ZoneJob =
  | ({ readonly kind: 'apply' } & ZoneChange)
  | { readonly kind: 'diff'; readonly older: Uint8Array; readonly newer: Uint8Array }
  | ({ readonly kind: 'merge' } & FileMerge)
  | ({ readonly kind: 'signatures' } & SignatureLook)
  | { readonly kind: 'foreign'; readonly image: Uint8Array; readonly hasForeign: boolean }
  | { readonly kind: 'run'; readonly image: Uint8Array }
  | ({ readonly kind: 'restore' } & StoredBase)
  | ({ readonly kind: 'transferred' } & Transferred);

export interface JobResults {
  readonly apply: Applied;
  /** The SOA records too. */
  readonly diff: RunPair;
  readonly merge: Merged;
  readonly signatures: SignaturesFound;
  /** `www.example. RRSIG`: a record that only signing makes; '': there is none. With `hasForeign`, keys do not count. */
  readonly foreign: string;
  /** In shared memory. */
  readonly run: Uint8Array;
  readonly restore: Restored;
  readonly transferred: TransferredVersion;
}

export type JobResult = JobResults[keyof JobResults];

/** The time to sign a whole zone, as a multiple of the time to compile it. A guess, for ECDSA. */
const SIGNING = 32;

/** The work of a job, as octets to compile; signing counts as a multiple of them. */
export function sizeOfJob(job: ZoneJob): number {
  if (job.kind === 'apply') {
    const octets = job.image.byteLength + job.difference.added.length;
    return job.signing === undefined || job.signing.extent === 'change' ? octets : octets * SIGNING;
  }
  if (job.kind === 'run' || job.kind === 'signatures' || job.kind === 'foreign') return job.image.byteLength;
  if (job.kind === 'diff') return job.older.byteLength + job.newer.byteLength;
  if (job.kind === 'merge') return job.zone.byteLength + job.file.byteLength;
  if (job.kind === 'transferred') return sizeOfTransferred(job);
  const { base, differences, source } = job;
  const isReady = 'image' in base && differences.length === 0 && source === undefined;
  return isReady ? 0 : ('image' in base ? base.image : base.run).byteLength + (source?.byteLength ?? 0);
}

/** Memory of a job that the caller gives away with it. */
export function ownedBy(job: ZoneJob): ArrayBuffer[] {
  return job.kind === 'transferred' ? buffersOf(job) : [];
}

/** Does the work. Throws AdotdError as applyChange(), mergeFile(), compose(), compileTransfer() and recordsBetween() do. */
export function runJob(job: ZoneJob, chooseSigner: ChooseSigner): JobResult {
  if (job.kind === 'apply') return applyChange(job, chooseSigner);
  if (job.kind === 'foreign') return signersRecordOf(job.image, job.hasForeign) ?? '';
  if (job.kind === 'signatures') {
    const { due, early, next, expire } = dueSignatures(job.image, job.policy, job.now);
    return { due: due.length, early, next, expire };
  }
  if (job.kind === 'run') return imageRun(job.image);
  if (job.kind === 'diff') return recordsBetween(job.older, job.newer);
  if (job.kind === 'transferred') return compileTransferred(job);
  return job.kind === 'merge' ? mergeFile(job) : restoreZone(job);
}
