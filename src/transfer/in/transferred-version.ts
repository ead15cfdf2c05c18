/** Makes the image that is served from the content of a transfer. */
import { AdotdError, ErrorCode } from '../../errors.js';
import { applyDifference } from '../../image/changes/apply.js';
import { type Loaded, type LoadOptions, loadRecords } from '../../image/load.js';
import { nameToText } from '../../protocol/name.js';
import { compose } from '../../zone/changes/compose.js';
import { Diagnostics, formatDiagnostic } from '../../zone/diagnostics.js';
import type { Transfer } from './transfer.js';
import { TransferError, TransferFault } from './transfer-error.js';

/** A transfer that brought something. */
export type WholeTransfer = Exclude<Transfer, { readonly form: 'current' }>;

/** The part of a transfer that is compiled. */
type TransferContent =
  | Pick<Extract<Transfer, { readonly form: 'zone' }>, 'form' | 'store'>
  | Pick<Extract<Transfer, { readonly form: 'differences' }>, 'form' | 'differences'>;

/** A version of a zone that a primary gave. */
export interface TransferredVersion {
  /** Compiled, in shared memory. */
  readonly image: Uint8Array;
  readonly serial: number;
  readonly records: number;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly signaturesExpire: number | undefined;
  /** The oddities of the zone, a line each. */
  readonly warnings: readonly string[];
  /** The number of warnings, including those that are not kept. */
  readonly warningCount: number;
}

/**
 * Compiles the content of a transfer. Errors of our own checks become warnings: a strict check must not let a zone expire. `base`:
 * the image of the version that differences begin at. Throws TransferError, with the fault `misfit` when differences do not
 * fit it.
 */
export function compileTransfer(
  transfer: TransferContent,
  base: Uint8Array | undefined,
  options: LoadOptions,
): TransferredVersion {
  const lenient = { ...options, isLenient: true };
  if (transfer.form === 'zone')
    return versionOf(loadRecords(transfer.store, new Diagnostics(options.maxDiagnostics), lenient));
  const { differences } = transfer;
  if (base === undefined)
    throw new TransferError(
      TransferFault.MISFIT,
      'found differences, but there is no version that they could begin at',
    );
  try {
    return versionOf(applyDifference(base, differences.reduce(compose), lenient));
  } catch (error) {
    if (!(error instanceof AdotdError) || error instanceof TransferError) throw error;
    throw new TransferError(TransferFault.MISFIT, error.message, undefined, { cause: error });
  }
}

function versionOf(loaded: Loaded): TransferredVersion {
  const { image, apex, serial, records, signaturesExpire, diagnostics } = loaded;
  if (image === undefined) {
    const found =
      diagnostics.list.find(({ severity }) => severity === 'error')?.message ?? 'found no zone in the transfer';
    throw new AdotdError(ErrorCode.ZONE_INVALID, `${apex === undefined ? 'a transfer' : nameToText(apex)}: ${found}`);
  }
  return {
    image,
    serial,
    records,
    signaturesExpire,
    warnings: diagnostics.list.map(formatDiagnostic),
    warningCount: diagnostics.warnings,
  };
}
