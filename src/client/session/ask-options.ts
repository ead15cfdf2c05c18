/** How a session works, and how a query is asked in it. */
import type { ClientClock } from '../client-clock.js';
import type { Step } from '../errors.js';
import type { Message } from '../wire/message.js';

export interface AskOptions {
  readonly timeoutMs: number;
  /** Bits of EDNS flags to set in addition. */
  readonly ednsFlags?: number;
  readonly step?: Step;
  /** Octets after the answer are not read until `release()` or `detach()`. */
  readonly last?: boolean;
  readonly signal?: AbortSignal | undefined;
  /**
   * For answers of several messages: takes each of them, of which nothing but the ID has been judged, and says whether more are to come. Then
   * the time begins anew. The promise is fulfilled with the last one. May throw a ClientError.
   */
  readonly more?: (octets: Buffer, query: Message) => boolean;
}

export interface ClientSessionOptions {
  readonly clock?: ClientClock | undefined;
  /** Inside TLS: whether the session ended with a close_notify. */
  readonly notified?: (() => boolean) | undefined;
}
