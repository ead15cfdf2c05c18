import type { Clock, Timer } from '../../src/session/clock.js';

/** A clock that stands still until `advance`. */
export class FakeClock implements Clock {
  now = 1_000_000;
  readonly #due = new Map<Timer, { at: number; fire: () => void }>();

  seconds(): number {
    return Math.floor(this.now / 1000);
  }

  wallMilliseconds(): number {
    return this.now;
  }

  milliseconds(): number {
    return this.now;
  }

  timer(fire: () => void): Timer {
    const timer: Timer = {
      set: (milliseconds) => this.#due.set(timer, { at: this.now + milliseconds, fire }),
      clear: () => this.#due.delete(timer),
    };
    return timer;
  }

  /** Number of timers that are running. */
  get timers(): number {
    return this.#due.size;
  }

  /** Moves time on, firing the timers that are due in their order. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      let next: [Timer, { at: number; fire: () => void }] | undefined;
      for (const entry of this.#due) if (entry[1].at <= end && (!next || entry[1].at < next[1].at)) next = entry;
      if (!next) break;
      this.#due.delete(next[0]);
      this.now = Math.max(this.now, next[1].at);
      next[1].fire();
    }
    this.now = end;
  }
}
