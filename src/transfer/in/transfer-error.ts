/** Why a transfer, or the question for an SOA record before it, has failed. */
import { AdotdError, ErrorCode } from '../../errors.js';

/** What kind of failure it is: the refresh of a zone goes on accordingly. */
export const TransferFault = {
  /** The primary could not be reached, or the connection broke. Not the zone's fault. */
  CONNECTION: 'connection',
  /** Nothing came for too long, or it took too long in all. */
  TIMEOUT: 'timeout',
  /** The primary answered with an RCODE other than NOERROR. */
  RCODE: 'rcode',
  /** The answer is not signed, or not rightly (RFC 8945). */
  TSIG: 'tsig',
  /** What came is no answer to what was asked, or breaks the rules of transfers. */
  PROTOCOL: 'protocol',
  /** More than the limit. */
  TOO_LARGE: 'too-large',
  /** The differences of an IXFR do not fit the version that is served. */
  MISFIT: 'misfit',
  /** What came is right, but we could not store or serve it. */
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
