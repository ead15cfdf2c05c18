/**
 * Tells when the time of day is set, by comparing it with the machine's clock that is never set. A machine that has slept looks like a
 * clock that was set forward.
 */
import type { Clock, Timer } from '../../session/clock.js';

/** Seconds by which a clock may be adjusted without a message. A guess. */
export const ADJUSTMENT = 60;

/** The message about a clock that was set by `seconds`: less than 0 is back. */
export function clockSetText(seconds: number): string {
  return seconds < 0
    ? `the clock was set back by ${-seconds} s: no state of a key moves before it has caught up; if it was ahead, and is right now: adotd ctl dnssec sign ZONE --clock-is-right`
    : `the clock was set forward by ${seconds} s, or the machine slept: keys go on waiting as if it had not been; signatures that are due by it are made anew`;
}

export class WatchedClock implements Clock {
  readonly #clock: Clock;
  readonly #onSet: (seconds: number) => void;
  /** The time of day minus the time that is never set, in seconds. */
  #offset: number;
  #forward = 0;

  /** `onSet`: called with the seconds by which the clock was set, less than 0 for back, as soon as somebody asks for the time. */
  constructor(clock: Clock, onSet: (seconds: number) => void) {
    this.#clock = clock;
    this.#onSet = onSet;
    this.#offset = this.#offsetAt(clock.seconds());
  }

  /** Seconds by which it was set forward since it is watched, in all. */
  get forward(): number {
    return this.#forward;
  }

  seconds(): number {
    const now = this.#clock.seconds();
    const set = this.#offsetAt(now) - this.#offset;
    if (Math.abs(set) > ADJUSTMENT) {
      this.#offset += set;
      this.#forward += Math.max(0, set);
      this.#onSet(set);
    }
    return now;
  }

  wallMilliseconds(): number {
    return this.#clock.wallMilliseconds();
  }

  milliseconds(): number {
    return this.#clock.milliseconds();
  }

  timer(fire: () => void): Timer {
    return this.#clock.timer(fire);
  }

  #offsetAt(seconds: number): number {
    return seconds - Math.floor(this.#clock.milliseconds() / 1000);
  }
}
