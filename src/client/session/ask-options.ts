/** The settings of a session, and of a query in it. */
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
   * For answers of several messages: takes each of them, and returns whether more are to come. Only the ID of the message has been judged.
   * If more are to come, the time begins anew. The promise is fulfilled with the last one. May throw a ClientError.
   */
  readonly more?: (octets: Buffer, query: Message) => boolean;
}

export interface ClientSessionOptions {
  readonly clock?: ClientClock | undefined;
  /** Inside TLS: whether the session ended with a close_notify. */
  readonly notified?: (() => boolean) | undefined;
}
