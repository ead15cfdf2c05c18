/** Queries that wait for a place in a connection of a pool, in their order. */
import { type Deadline, within } from '../deadline.js';

interface Waiter {
  /** A place may be free. */
  go(): void;
  /** No place will be free. */
  fail(error: unknown): void;
}

const NO_WAITER: Waiter = { go: () => {}, fail: () => {} };

export class PlaceQueue {
  readonly #waiting: Waiter[] = [];

  /**
   * Waits until a place may be free. Rejects at the deadline. `onLate` is called when the deadline comes after the waiter had its
   * turn: the place is for another one.
   */
  wait(deadline: Deadline, about: string, onLate: () => void): Promise<void> {
    let waiter = NO_WAITER;
    const turn = new Promise<void>((go, fail) => {
      waiter = { go, fail };
      this.#waiting.push(waiter);
    });
    return within(turn, deadline, about, 'connect', () => {
      const at = this.#waiting.indexOf(waiter);
      if (at >= 0) this.#waiting.splice(at, 1);
      else onLate();
    });
  }

  /** Lets the first `count` go on. */
  wake(count: number): void {
    for (const { go } of this.#waiting.splice(0, count)) go();
  }

  fail(error: unknown): void {
    for (const { fail } of this.#waiting.splice(0)) fail(error);
  }
}
