/**
 * Requests that a thread does not answer itself, NOTIFY and UPDATE, on their way to the thread that does. Plain data: it is posted between
 * threads.
 */
import type { Transport } from '../facts.js';
import type { HandedReply } from './handed-reply.js';

export interface HandedRequest {
  /** The whole message, as it came. Header, question and OPT are well formed; its TSIG record is not verified. */
  readonly octets: Uint8Array;
  /** 4 or 16 octets. */
  readonly client: Uint8Array;
  readonly clientPort: number;
  readonly transport: Transport;
  /** Seconds since 1970, when it came. */
  readonly now: number;
  /** As in Facts. */
  readonly keepalive: number;
  /** The certificate that the client has shown, DER, once it was verified. */
  readonly certificate?: Uint8Array | undefined;
}

/** Answers a request; undefined: it gets no response. Does not reject. */
export type RequestHandler = (request: HandedRequest) => Promise<HandedReply | undefined>;
