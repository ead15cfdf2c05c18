/**
 * Files, and ports beside those of DNS, that a server could not have at its start and goes without. Queries are answered all the same; with
 * `strict` the start is refused. Troubles that may end are tried again: by themselves, with a growing delay, and at each reload.
 */
import { AdotdError, messageOf } from '../errors.js';
import type { Log } from '../observe/log.js';
import { type Clock, systemClock, type Timer } from '../session/clock.js';

/** Milliseconds before something is tried again. The delay doubles with each failure in a row. A guess. */
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 60_000;

/** Something that is tried again. */
interface Missing {
  /** The last reason, for the status. */
  line: string;
  /** `there is no query log`. */
  readonly consequence: string;
  /** For the log, when it succeeds: `there is a query log now`. */
  readonly success: string;
  readonly attempt: () => void | Promise<void>;
  readonly timer: Timer;
  delay: number;
}

export class StartTroubles {
  readonly #strict: boolean;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #missing = new Set<Missing>();
  /** The attempts under way: one follows the other. */
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(strict: boolean, log: Log, clock: Clock = systemClock) {
    this.#strict = strict;
    this.#log = log;
    this.#clock = clock;
  }

  /** For the status: one line for each trouble that lasts. */
  get lines(): readonly string[] {
    return [...this.#missing].map(({ line }) => line);
  }

  /**
   * Logs that something cannot be had, and tries again until it can. `what`: its name, `query log`. `attempt`: throws or rejects while it
   * fails. Throws `error` with `strict`, and if it is none of ours.
   */
  again(error: unknown, what: string, attempt: () => void | Promise<void>): void {
    const consequence = `there is no ${what}, which is tried again`;
    const missing: Missing = {
      line: this.pass(error, consequence),
      consequence,
      success: `there is a ${what} now`,
      attempt,
      timer: this.#clock.timer(() => void this.#retry([missing])),
      delay: FIRST_DELAY,
    };
    this.#missing.add(missing);
    missing.timer.set(missing.delay);
  }

  /** Tries all again, at once. Never throws. */
  tryAgain(): Promise<void> {
    return this.#retry([...this.#missing]);
  }

  /** Tries no more. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#missing) timer.clear();
  }

  /** Logs a trouble that a reload may end; `consequence`: its effect, for the log. Returns the line. Throws as again() does. */
  pass(error: unknown, consequence: string): string {
    if (this.#strict || !(error instanceof AdotdError)) throw error;
    const line = `${error.message}; ${consequence}`;
    this.#log.error({ err: error }, line);
    return line;
  }

  #retry(all: readonly Missing[]): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      for (const one of all) if (!this.#closed && this.#missing.has(one)) await this.#attempt(one);
    });
    return this.#queue;
  }

  async #attempt(one: Missing): Promise<void> {
    one.timer.clear();
    try {
      await one.attempt();
      this.#missing.delete(one);
      this.#log.info({}, one.success);
    } catch (error) {
      const line = `${messageOf(error)}; ${one.consequence}`;
      // The same reason is logged once.
      if (line !== one.line) this.#log.error({ err: error }, line);
      one.line = line;
      one.delay = Math.min(2 * one.delay, LONGEST_DELAY);
      if (!this.#closed) one.timer.set(one.delay);
    }
  }
}
