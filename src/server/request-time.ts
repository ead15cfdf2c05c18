/**
 * The time that a NOTIFY or UPDATE may take. A request that is given up must not be carried out afterwards, and one that is under way must
 * not be called a failure: a client that reads SERVFAIL takes it that nothing has changed (RFC 2136 §2.2), and a client without a response
 * finds out, or asks again.
 */
import type { Clock } from '../session/clock.js';

/** Milliseconds. The request occupies a connection, or a place, until then. A guess. */
const LONGEST = 30_000;

/** The state of a request when its time is over. */
export type Lateness =
  /** It has changed nothing, and will not. */
  | 'given-up'
  /** Nobody knows yet. */
  | 'under-way';

export class RequestTime {
  #state: 'waiting' | 'begun' | 'over' = 'waiting';

  /**
   * To be called before a request has effects; once begun, it is not given up any more. Returns whether it may have effects: its time
   * is not over.
   */
  readonly begin = (): boolean => {
    if (this.#state === 'waiting') this.#state = 'begun';
    return this.#state === 'begun';
  };

  /** Fulfilled with the answer, or with the result of `late` when the time is over before it comes. */
  limit<T>(answer: Promise<T>, clock: Clock, late: (lateness: Lateness) => T): Promise<T> {
    return new Promise((resolve) => {
      const timer = clock.timer(() => {
        const isBegun = this.#state === 'begun';
        if (!isBegun) this.#state = 'over';
        resolve(late(isBegun ? 'under-way' : 'given-up'));
      });
      timer.set(LONGEST);
      void answer.then((value) => {
        timer.clear();
        resolve(value);
      });
    });
  }
}
