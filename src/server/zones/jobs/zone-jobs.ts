/** Work on a zone that grows with the zone: done in place when it is small, in a loader thread when it is large (loader-lane.ts). */
import { recordsBetween } from '../../../image/changes/diff.js';
import { imageRun } from '../../../image/changes/image-run.js';
import type { TransferredVersion } from '../../../transfer/in/transferred-version.js';
import type { RunPair } from '../../../zone/changes/record-run.js';
import { type Applied, applyChange, type ZoneChange } from './apply-change.js';
import { buffersOf, compileTransferred, sizeOfTransferred, type Transferred } from './compile-transferred.js';
import { type FileMerge, type Merged, mergeFile } from './merge-file.js';
import { type Restored, restoreZone, type StoredBase } from './restore-zone.js';

/** Plain data: what is in shared memory is posted to the thread by reference. */
export type ZoneJob =
  | ({ readonly kind: 'apply' } & ZoneChange)
  | { readonly kind: 'diff'; readonly older: Uint8Array; readonly newer: Uint8Array }
  | ({ readonly kind: 'merge' } & FileMerge)
  | { readonly kind: 'run'; readonly image: Uint8Array }
  | ({ readonly kind: 'restore' } & StoredBase)
  | ({ readonly kind: 'transferred' } & Transferred);

export interface JobResults {
  readonly apply: Applied;
  /** The SOA records too. */
  readonly diff: RunPair;
  readonly merge: Merged;
  /** In shared memory. */
  readonly run: Uint8Array;
  readonly restore: Restored;
  readonly transferred: TransferredVersion;
}

export type JobResult = JobResults[keyof JobResults];

/** Octets of what a job is about. */
export function sizeOfJob(job: ZoneJob): number {
  if (job.kind === 'apply') return job.image.byteLength + job.difference.added.length;
  if (job.kind === 'run') return job.image.byteLength;
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

/** Does the work. Throws AdotdError as applyDifference(), compose(), compileTransfer() and recordsBetween() do. */
export function runJob(job: ZoneJob): JobResult {
  if (job.kind === 'apply') return applyChange(job);
  if (job.kind === 'run') return imageRun(job.image);
  if (job.kind === 'diff') return recordsBetween(job.older, job.newer);
  if (job.kind === 'transferred') return compileTransferred(job);
  return job.kind === 'merge' ? mergeFile(job) : restoreZone(job);
}
