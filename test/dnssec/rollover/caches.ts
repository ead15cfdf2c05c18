/**
 * What resolvers may hold: each version of an RRset that was ever served, within its TTL. A zone is bogus when some choice of versions that
 * can be held at one moment does not validate, for the strictest validator that the RFCs allow.
 */

/** A version of an RRset: who is in it, and who signed it; numbers of keys. */
interface Version<T> {
  readonly content: T;
  readonly ttl: number;
  /** Until when some server may answer with it; infinite while it is current. */
  served: number;
}

export interface DnskeySet {
  readonly keys: readonly string[];
  readonly signers: readonly string[];
}

export class Versions<T> {
  #list: Version<T>[] = [];

  /** Serves another version from `now` on; servers that lag behind answer with the one before until `end`. */
  serve(content: T, ttl: number, end: number): void {
    const current = this.#list.find(({ served }) => served === Number.POSITIVE_INFINITY);
    if (current !== undefined && current.ttl === ttl && JSON.stringify(current.content) === JSON.stringify(content))
      return;
    if (current !== undefined) current.served = end;
    this.#list.push({ content, ttl, served: Number.POSITIVE_INFINITY });
  }

  /** The versions that a cache may hold at `now`, or get. */
  held(now: number): readonly T[] {
    this.#list = this.#list.filter(({ served, ttl }) => served + ttl > now);
    return this.#list.map(({ content }) => content);
  }
}

/** Why a resolver that holds these versions finds the zone bogus; undefined: it does not. `algorithmOf`: of a key. */
export function bogusReason(
  ds: readonly string[],
  { keys, signers }: DnskeySet,
  zoneSigners: readonly string[],
  algorithmOf: (key: string) => number,
): string | undefined {
  if (ds.length === 0) return undefined;
  for (const algorithm of new Set(ds.map(algorithmOf))) {
    const trusted = ds.filter((key) => algorithmOf(key) === algorithm && keys.includes(key) && signers.includes(key));
    if (trusted.length === 0) return `no DNSKEY for the DS records of algorithm ${algorithm}`;
    if (!zoneSigners.some((key) => algorithmOf(key) === algorithm && keys.includes(key)))
      return `no signature of algorithm ${algorithm} by a key of the DNSKEY RRset`;
  }
  for (const algorithm of new Set(keys.map(algorithmOf)))
    if (!zoneSigners.some((key) => algorithmOf(key) === algorithm)) return `no signature of algorithm ${algorithm}`;
  return undefined;
}
