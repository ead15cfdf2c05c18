/** A small seeded generator of pseudo-random numbers: the same seed gives the same zones and queries everywhere. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A generator of its own for the part named by `salt`: adding draws to one part leaves the others as they were. */
  fork(salt: number): Random {
    return new Random(Math.imul(this.#state ^ 0x9e37_79b9, 0x85eb_ca6b) ^ Math.imul(salt + 1, 0xc2b2_ae35));
  }

  /** 0 … 2³² − 1, by the mixing steps of "splitmix32". */
  #next(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0_aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** An integer from 0 to `below` − 1. */
  below(below: number): number {
    return Math.floor((this.#next() / 2 ** 32) * below);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.#next() < probability * 2 ** 32;
  }

  pick<T>(from: readonly T[]): T {
    const item = from[this.below(from.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** One of `[weight, item]`, in proportion to the weights. */
  weighted<T>(from: readonly (readonly [number, T])[]): T {
    let total = 0;
    for (const [weight] of from) total += weight;
    let left = this.below(total);
    for (const [weight, item] of from) {
      if (left < weight) return item;
      left -= weight;
    }
    throw new Error('nothing to pick from');
  }
}
