/** Makes a version of a transfer (transfer/in/transferred-version.ts). */
import { compileTransfer, type TransferredVersion } from '../../../transfer/in/transferred-version.js';
import { unsignedZone } from '../../../transfer/in/unsigned-transfer.js';
import type { Difference } from '../../../zone/changes/difference.js';
import { type RecordColumns, RecordStore } from '../../../zone/store.js';

/** Plain data. */
export interface Transferred {
  /** The records of a whole zone, which are given away; or differences, and the image of the version that they begin at. */
  readonly content:
    | { readonly columns: RecordColumns }
    | { readonly differences: readonly Difference[]; readonly base: Uint8Array | undefined };
  /** Whether the zone is signed here, so that records that another signer has added to a whole zone are left out. */
  readonly isSignedHere: boolean;
  /** Seconds since 1970. */
  readonly now: number;
  readonly nsec3MaxIterations: number;
}

/** Octets of a record in a store, without its RDATA; about. */
const RECORD = 32;

/** Throws as compileTransfer() and unsignedZone() do. */
export function compileTransferred(transferred: Transferred): TransferredVersion {
  const { content, isSignedHere, now, nsec3MaxIterations } = transferred;
  const options = { now, nsec3MaxIterations };
  if ('columns' in content) {
    const store = RecordStore.of(content.columns);
    return compileTransfer({ form: 'zone', store: isSignedHere ? unsignedZone(store) : store }, undefined, options);
  }
  const { differences, base } = content;
  return compileTransfer({ form: 'differences', differences }, base, options);
}

/** Octets that are to be compiled. */
export function sizeOfTransferred({ content }: Transferred): number {
  if ('columns' in content) return content.columns.rdataUsed + content.columns.recordCount * RECORD;
  const { differences, base } = content;
  return differences.reduce((octets, { added }) => octets + added.length, base?.byteLength ?? 0);
}

/** The memory of the records. */
export function buffersOf({ content }: Transferred): ArrayBuffer[] {
  if (!('columns' in content)) return [];
  return Object.values(content.columns).flatMap((column) =>
    ArrayBuffer.isView(column) && column.buffer instanceof ArrayBuffer ? column.buffer : [],
  );
}
