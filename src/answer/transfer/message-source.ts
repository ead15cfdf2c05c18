/** An answer of several messages, of which the session writes one after the other. */
import type { TransferEnd } from './transfer-end.js';

export interface MessageSource {
  /**
   * Writes the next message at out[at…], in `capacity` octets at the most (65,535 at least); returns its length, 0 behind the last one.
   * `now`: seconds since 1970. Throws when the message cannot be made; the session is closed then.
   */
  next(out: Uint8Array, at: number, capacity: number, now: number): number;
  /** It is over: called once, with the reason. */
  ended(end: TransferEnd): void;
}
