/** Why a transfer, or the question for an SOA record before it, has failed. */
import { AdotdError, ErrorCode } from '../../errors.js';

/** The kind of a failure: it decides how the refresh of a zone goes on. */
export const TransferFault = {
  /** The primary could not be reached, or the connection broke. Not the zone's fault. */
  CONNECTION: 'connection',
  /** Nothing came for too long, or it took too long in all. */
  TIMEOUT: 'timeout',
  /** The primary answered with an RCODE other than NOERROR. */
  RCODE: 'rcode',
  /** The answer is not signed, or not rightly (RFC 8945). */
  TSIG: 'tsig',
  /** The answer does not fit the question, or breaks the rules of transfers. */
  PROTOCOL: 'protocol',
  /** The transfer is larger than the limit. */
  TOO_LARGE: 'too-large',
  /** The differences of an IXFR do not fit the version that is served. */
  MISFIT: 'misfit',
  /** The answer is right, but we could not store or serve it. */
  LOCAL: 'local',
} as const;

export type TransferFault = (typeof TransferFault)[keyof typeof TransferFault];

/** ADOTD_TRANSFER with the kind of failure. */
export class TransferError extends AdotdError {
  readonly fault: TransferFault;
  /** With the fault `rcode`. */
  readonly rcode: number | undefined;

  constructor(fault: TransferFault, message: string, rcode?: number, options?: ErrorOptions) {
    super(ErrorCode.TRANSFER, message, options);
    this.fault = fault;
    this.rcode = rcode;
  }
}
