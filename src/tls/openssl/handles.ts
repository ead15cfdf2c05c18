/**
 * Handles of things that must not be used any more once they are gone: small integers, made of a place and the generation of the thing in
 * it. Hot file: find() runs for each record.
 */

const PLACE_BITS = 16;
const PLACE = 0xffff;
/** Handles stay small integers: 31 bits. */
const GENERATIONS = 0x7fff;

/** Things that have at most `limit` places, of 65,536 that are possible. */
export class Handles<T extends { readonly handle: number }> {
  readonly #things: (T | null)[] = [];
  readonly #generations: number[] = [];
  /** Free places, the one that has been free longest first: so the handle of a thing that is gone names nothing for as long as possible. */
  readonly #free: number[] = [];
  #freeFrom = 0;
  readonly #limit: number;
  #count = 0;

  constructor(limit: number) {
    this.#limit = Math.min(limit, PLACE + 1);
  }

  get count(): number {
    return this.#count;
  }

  /** The handle for a thing that is put next; -1: all places are taken. */
  next(): number {
    const place = this.#freeFrom < this.#free.length ? this.#free[this.#freeFrom]! : this.#things.length;
    if (place >= this.#limit) return -1;
    return ((this.#generations[place] ?? 0) << PLACE_BITS) | place;
  }

  /** Puts a thing that has the handle of next(). */
  put(thing: T): void {
    const place = placeOf(thing.handle);
    if (place === this.#things.length) this.#things.push(null);
    else this.#takeFree();
    this.#generations[place] = thing.handle >>> PLACE_BITS;
    this.#things[place] = thing;
    this.#count++;
  }

  /** The thing that a handle names; null: it names nothing, or nothing any more. */
  find(handle: number): T | null {
    const thing = this.#things[handle & PLACE];
    return thing !== undefined && thing !== null && thing.handle === handle ? thing : null;
  }

  /** A thing is gone: its handle names nothing. */
  remove(thing: T): void {
    const place = placeOf(thing.handle);
    this.#things[place] = null;
    this.#generations[place] = (this.#generations[place]! + 1) & GENERATIONS;
    this.#free.push(place);
    this.#count--;
  }

  /** All things. */
  all(): T[] {
    return this.#things.filter((thing) => thing !== null);
  }

  #takeFree(): void {
    this.#freeFrom++;
    if (this.#freeFrom < PLACE || this.#freeFrom * 2 < this.#free.length) return;
    this.#free.splice(0, this.#freeFrom);
    this.#freeFrom = 0;
  }
}

/** The place of a handle: 0 … 65,535. */
export function placeOf(handle: number): number {
  return handle & PLACE;
}
