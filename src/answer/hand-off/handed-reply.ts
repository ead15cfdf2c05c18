/** The response to a request that was handed off. Plain data. */
export interface HandedReply {
  /** The whole response. */
  readonly octets: Uint8Array;
  readonly rcode: number;
  /** Extended DNS error code, or -1. */
  readonly ede: number;
  /** 1 when the request had a valid TSIG record. */
  readonly signed: number;
}
