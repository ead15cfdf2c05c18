/**
 * The outage of a transport that queries need: it took a second or more to find out that no session opens. As long as it
 * lasts, queries fail at once with the error that is known, and only now and then one of them opens a session.
 *
 * RFC 9539 §4.3 would leave such a transport alone for a day, because its resolver has cleartext. Without another transport that day
 * would be an outage of our making. So RFC 9520 §3.2 decides: a failure is remembered as long as it took to find out, twice as long
 * after each further one, and at most for 5 minutes.
 */
import type { ClientClock } from '../client-clock.js';
import { type Deadline, within } from '../deadline.js';
import { ClientError } from '../errors.js';

/** Milliseconds; a failure that is faster costs too little to be remembered. RFC 9520 §3.2 remembers no failure for less. */
const SLOW = 1000;
/** Milliseconds (RFC 9520 §3.2). */
const LONGEST = 300_000;
/**
 * Milliseconds that a query waits for a session while an outage is known; a guess, for three round trips of 300 ms. The opening goes on
 * for its whole time, and its session serves the next queries.
 */
const PATIENCE = 1000;

/** Something that is being opened; `began` is on the clock's `elapsed`. */
interface Opening<T> {
  readonly opening: Promise<T>;
  readonly began: number;
}

export class Outage {
  readonly #clock: ClientClock;
  #error: ClientError | undefined;
  /** On the clock's `elapsed`. */
  #until = 0;
  #length = 0;

  constructor(clock: ClientClock) {
    this.#clock = clock;
  }

  /** The last failure, if no session has opened since. */
  get error(): ClientError | undefined {
    return this.#error;
  }

  /** Throws the failure while the transport is not to be tried. */
  check(): void {
    if (this.#error !== undefined && this.#clock.elapsed() < this.#until) throw this.#error;
  }

  /** Waits for an opening; only for a moment if the one before has failed, and then rejects with that failure. */
  async wait<T>({ opening, began }: Opening<T>, deadline: Deadline, about: string): Promise<T> {
    const known = this.#error;
    const at = known === undefined ? deadline.at : Math.min(deadline.at, began + PATIENCE);
    try {
      return await within(opening, { ...deadline, at }, about, 'connect');
    } catch (error) {
      if (known !== undefined && at < deadline.at && this.#clock.elapsed() >= at) throw known;
      throw error;
    }
  }

  /** An opening that began at `began` has failed. */
  failed(error: unknown, began: number): void {
    const now = this.#clock.elapsed();
    const took = now - began;
    if (!(error instanceof ClientError) || took < SLOW) {
      this.ended();
      return;
    }
    this.#length = Math.min(LONGEST, Math.max(took, 2 * this.#length));
    this.#until = now + this.#length;
    const { code, message, step } = error;
    const seconds = Number((this.#length / 1000).toFixed(1));
    this.#error = new ClientError(code, `${message}; not tried again for ${seconds} s`, { cause: error, step });
  }

  /** A session has opened, or another failure has come, one that costs no time. */
  ended(): void {
    this.#error = undefined;
    this.#until = 0;
    this.#length = 0;
  }
}
