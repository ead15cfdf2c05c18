/** Keys in the order of times at which they are due: 10,000 zones need one timer. A binary heap; a changed time leaves its old entry behind. */

interface Entry {
  readonly at: number;
  readonly key: string;
}

export class DueQueue {
  readonly #times = new Map<string, number>();
  #heap: Entry[] = [];

  /** When the first key is due; Infinity: none is. */
  get nextAt(): number {
    return this.#first()?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Makes a key due at a time, and not at the one that it had; Infinity: never. */
  set(key: string, at: number): void {
    if (this.#times.get(key) === at) return;
    if (at === Number.POSITIVE_INFINITY) {
      this.#times.delete(key);
      return;
    }
    this.#times.set(key, at);
    // Old entries must not outnumber the current ones.
    if (this.#heap.length > 2 * this.#times.size + 64) this.#rebuild();
    else this.#push({ at, key });
  }

  has(key: string): boolean {
    return this.#times.has(key);
  }

  delete(key: string): void {
    this.#times.delete(key);
  }

  /** Takes out the first key that is due by `now`; undefined: none is. */
  take(now: number): string | undefined {
    const first = this.#first();
    if (first === undefined || first.at > now) return undefined;
    this.#pop();
    this.#times.delete(first.key);
    return first.key;
  }

  /** The first entry that still counts. */
  #first(): Entry | undefined {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined || this.#times.get(first.key) === first.at) return first;
      this.#pop();
    }
  }

  #rebuild(): void {
    this.#heap = [...this.#times].map(([key, at]) => ({ at, key })).sort((a, b) => a.at - b.at);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const above = (i - 1) >> 1;
      if (heap[above]!.at <= entry.at) break;
      heap[i] = heap[above]!;
      i = above;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let below = 2 * i + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.at < heap[below]!.at) below++;
      if (heap[below]!.at >= last.at) break;
      heap[i] = heap[below]!;
      i = below;
    }
    heap[i] = last;
  }
}
