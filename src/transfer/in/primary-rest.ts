/** The rest of a primary that could not be reached: none of its zones asks it meanwhile. No timers: time is an argument. */

/** Seconds after the first failure, doubled with each further one up to the last. Guesses. */
const FIRST_REST = 1;
const LONGEST_REST = 60;
/** The part of a rest by which it may be shortened, so that secondaries do not come back together. */
const JITTER = 0.2;

export class PrimaryRest {
  readonly #random: () => number;
  #failures = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** `random`: from 0 up to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#failures;
  }

  /** When it is tried again, in seconds on the caller's clock. */
  get until(): number {
    return this.#until;
  }

  isResting(now: number): boolean {
    return now < this.#until;
  }

  failed(now: number): void {
    const rest = Math.min(FIRST_REST * 2 ** Math.min(this.#failures, 16), LONGEST_REST);
    this.#failures++;
    this.#until = now + rest * (1 - JITTER * this.#random());
  }

  /** It could be reached, or has sent something itself. */
  reached(): void {
    this.#failures = 0;
    this.#until = Number.NEGATIVE_INFINITY;
  }
}
