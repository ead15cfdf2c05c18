/** Finds the records of an NSEC or NSEC3 chain that have to be written when entries come and go: theirs, and those of neighbours. */

/** The chain of the older version, a ring. Keys of entries sort in the order of the ring. */
export interface OldChain<T> {
  key(entry: T): string;
  /** The entry before this one, which may be in the ring or not. */
  before(entry: T): T;
  /** The entry behind this one, which is in the ring. */
  after(entry: T): T;
}

/** An entry of the newer ring, and the one behind it. */
interface Link<T> {
  readonly entry: T;
  readonly next: T;
}

/**
 * The links of the newer ring that may differ from those of the older one: those of `added` and `changed`, which are in the newer
 * ring, and of the entries before the added and removed ones. The ring never loses its last old entry.
 */
export function changedLinks<T>(
  chain: OldChain<T>,
  added: readonly T[],
  removed: readonly T[],
  changed: readonly T[],
): Link<T>[] {
  const ring = new Ring(chain, added, removed);
  const entries = new Map<string, T>();
  const note = (entry: T): unknown => entries.set(chain.key(entry), entry);
  for (const entry of [...added, ...changed]) note(entry);
  for (const entry of [...added, ...removed]) note(ring.before(entry));
  return [...entries.values()].map((entry) => ({ entry, next: ring.after(entry) }));
}

/** The newer ring. */
class Ring<T> {
  readonly #chain: OldChain<T>;
  readonly #gone: ReadonlySet<string>;
  readonly #fresh: ReadonlyMap<string, T>;
  readonly #freshKeys: readonly string[];
  /** For entries that are gone: the next one before and behind them that stays. */
  readonly #stayingBefore = new Map<string, T>();
  readonly #stayingAfter = new Map<string, T>();

  constructor(chain: OldChain<T>, added: readonly T[], removed: readonly T[]) {
    this.#chain = chain;
    this.#gone = new Set(removed.map((entry) => chain.key(entry)));
    this.#fresh = new Map(added.map((entry) => [chain.key(entry), entry]));
    this.#freshKeys = [...this.#fresh.keys()].sort();
  }

  before(entry: T): T {
    const chain = this.#chain;
    const own = chain.key(entry);
    const old = this.#staying(chain.before(entry), this.#stayingBefore, (one) => chain.before(one));
    const i = this.#lowerBound(own);
    const fresh = this.#freshAt(i - 1, own);
    if (fresh === undefined) return old;
    // A key below `own` is nearer than one that is reached by going round; of two on the same side, the larger is.
    const [a, b] = [chain.key(old), chain.key(fresh)];
    const isFreshNearer = a < own === b < own ? b > a : b < own;
    return isFreshNearer ? fresh : old;
  }

  after(entry: T): T {
    const chain = this.#chain;
    const own = chain.key(entry);
    const origin = this.#fresh.has(own) ? chain.before(entry) : entry;
    const old = this.#staying(chain.after(origin), this.#stayingAfter, (one) => chain.after(one));
    let i = this.#lowerBound(own);
    if (this.#freshKeys[i] === own) i++;
    const fresh = this.#freshAt(i, own);
    if (fresh === undefined) return old;
    const [a, b] = [chain.key(old), chain.key(fresh)];
    const isFreshNearer = a > own === b > own ? b < a : b > own;
    return isFreshNearer ? fresh : old;
  }

  /** The fresh entry of this number, going round; undefined when it is the entry in hand, or there is none. */
  #freshAt(i: number, own: string): T | undefined {
    const keys = this.#freshKeys;
    const key = keys[(i + keys.length) % keys.length];
    return key === undefined || key === own ? undefined : this.#fresh.get(key);
  }

  #lowerBound(key: string): number {
    let [low, high] = [0, this.#freshKeys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#freshKeys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Goes on from `entry` until an entry is not gone, and notes the way. */
  #staying(entry: T, known: Map<string, T>, step: (entry: T) => T): T {
    const way: string[] = [];
    let at = entry;
    for (let key = this.#chain.key(at); this.#gone.has(key); key = this.#chain.key(at)) {
      way.push(key);
      at = known.get(key) ?? step(at);
    }
    for (const key of way) known.set(key, at);
    return at;
  }
}
