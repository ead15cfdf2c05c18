/**
 * A NOTIFY that a secondary zone has received, but not settled yet. Its sender takes the response for the end of the matter (RFC 1996
 * §4.5): if the check after it fails on the way, only the secondary can try again.
 */
import { isLaterSerial } from '../../protocol/serial.js';

/** Seconds from a check that failed to the next one; then RETRY counts again. Guesses: a lossy network lets one of them through. */
const PAUSES = [2, 4, 8, 16, 32, 60] as const;

export class HeardNotify {
  /** The primary that sent it; undefined: there is none. */
  primary: string | undefined;
  #serial: number | undefined;
  #tries = 0;

  /** NOTIFY came. `serial`: the hint in it (RFC 1996 §3.7). */
  hear(primary: string, serial: number | undefined): void {
    this.primary = primary;
    this.#serial = serial;
    this.#tries = 0;
  }

  /** A primary has this serial, and no version later than the one served. */
  settle(primary: string, serial: number): void {
    const isThere = this.#serial !== undefined && !isLaterSerial(serial, this.#serial);
    if (primary === this.primary || isThere) this.primary = undefined;
  }

  /** A round is over. Seconds until the next one is due for it; undefined: it is settled, or there were enough tries. */
  pause(): number | undefined {
    if (this.primary === undefined) return undefined;
    const pause = PAUSES[this.#tries++];
    if (pause === undefined) this.primary = undefined;
    return pause;
  }
}
