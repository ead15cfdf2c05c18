/**
 * Clients that change a zone one update after the other come back together, once a version has answered them. The first one to come
 * back waits a moment for the others, so that they share the next version too: its disk write costs as much as that of one change.
 */
import type { Clock, Timer } from '../../../session/clock.js';

/** Milliseconds that the first change waits at most. A guess: clients in the same network come back sooner. */
const LONGEST = 2;
/** Milliseconds: timers of node are not shorter. */
const SHORTEST = 1;

export class Gathering {
  readonly #clock: Clock;
  readonly #timer: Timer;
  /** Changes that are to be expected. */
  #expected = 0;
  /** The time from which they are not expected any more, by the clock's milliseconds. */
  #until = 0;
  #begin: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timer = clock.timer(() => this.end());
  }

  /**
   * Notes that a version is made, which was begun at `began` by the clock's milliseconds. `changes`: those that it answered, and those that
   * wait already. A wait is never longer than the version took: it would cost more than it saves.
   */
  made(changes: number, began: number): void {
    const now = this.#clock.milliseconds();
    const longest = Math.min(LONGEST, now - began);
    this.#expected = changes;
    this.#until = longest < SHORTEST ? now : now + longest;
  }

  /** Fulfilled when a version of the changes that wait can begin; `waiting`: their number now. */
  async wait(waiting: number): Promise<void> {
    const left = this.#until - this.#clock.milliseconds();
    if (waiting >= this.#expected || left <= 0) return;
    await new Promise<void>((resolve) => {
      this.#begin = resolve;
      this.#timer.set(left);
    });
  }

  /** Notes that a change has come; `waiting`: how many wait now. */
  came(waiting: number): void {
    if (waiting >= this.#expected) this.end();
  }

  /** Ends the wait. */
  end(): void {
    this.#timer.clear();
    this.#begin?.();
    this.#begin = undefined;
  }
}
