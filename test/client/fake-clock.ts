import type { ClientClock } from '../../src/client/client-clock.js';

/** A clock that stands still until `advance`. Both of its times are the same. */
export class FakeClock implements ClientClock {
  #time = 1_800_000_000_000;
  readonly #timers = new Set<{ at: number; fire: () => void }>();

  now(): number {
    return this.#time;
  }

  elapsed(): number {
    return this.#time;
  }

  after(milliseconds: number, fire: () => void): () => void {
    const timer = { at: this.#time + milliseconds, fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Milliseconds until each running timer fires, in order. */
  get timers(): number[] {
    return [...this.#timers].map(({ at }) => at - this.#time).sort((a, b) => a - b);
  }

  /** Moves time on, and fires due timers in their order. */
  advance(milliseconds: number): void {
    const end = this.#time + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#time = Math.max(this.#time, next.at);
      next.fire();
    }
    this.#time = end;
  }
}
