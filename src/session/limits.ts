/**
 * Limits on connections, in all and per client. The counters are words of an Int32Array, changed by atomic
 * operations only, so that several threads can share one array and the limits hold for the whole process.
 *
 * There is no list of clients: two rows of buckets count them, and a keyed hash of the client's prefix chooses one bucket of each row.
 * A client's count is the lower of its two buckets. It is never too low. It is too high only when other clients share both
 * buckets, which is rare below some thousands of clients.
 */

/** Buckets per row; a power of two. */
const COLUMNS = 8192;
const TOTAL = 0;
const REFUSED_TOTAL = 1;
const REFUSED_CLIENT = 2;
/** The rows begin here. */
const ROWS = 3;

/** Words that the counters take. */
const LIMIT_WORDS = ROWS + 2 * COLUMNS;

/** The decision about a new connection. */
export const Admission = { ADMITTED: 0, FULL: 1, CLIENT_FULL: 2 } as const;
export type Admission = (typeof Admission)[keyof typeof Admission];

/** Octets of an IPv6 address that make a client: a /56 is what one site usually gets (RFC 6177 §2). */
const IPV6_PREFIX = 7;

export interface ConnectionLimitSettings {
  /** Connections in all. */
  readonly connections: number;
  /** Connections of one client: an IPv4 address or an IPv6 /56. */
  readonly connectionsPerClient: number;
}

/** The part that the threads share: plain data and shared memory. */
export interface SharedLimits {
  /** LIMIT_WORDS over shared memory, zero at first. */
  readonly words: Int32Array;
  /** 32 random bits. */
  readonly secret: number;
}

/** New counters. */
export function sharedLimits(): SharedLimits {
  return { words: ownShare(), secret: (Math.random() * 0x1_0000_0000) | 0 };
}

/** Memory for the connections of one thread, so that they can be counted out when the thread has died. */
export function ownShare(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(LIMIT_WORDS * Int32Array.BYTES_PER_ELEMENT));
}

/** Counts out all connections of a thread that has died. */
export function countOut({ words }: SharedLimits, own: Int32Array): void {
  for (let at = ROWS; at < LIMIT_WORDS; at++) {
    if (own[at] !== 0) Atomics.sub(words, at, own[at]!);
  }
  Atomics.sub(words, TOTAL, own[TOTAL]!);
  own.fill(0);
}

export class ConnectionLimits {
  #settings: ConnectionLimitSettings;
  readonly #words: Int32Array;
  readonly #secret: number;
  readonly #own: Int32Array | undefined;

  /** `own`: memory for this thread's connections (ownShare), when it may die without the others. */
  constructor(settings: ConnectionLimitSettings, shared: SharedLimits = sharedLimits(), own?: Int32Array) {
    this.#settings = settings;
    this.#words = shared.words;
    this.#secret = shared.secret;
    this.#own = own;
  }

  /** Applies other limits to new connections; open ones stay. */
  configure(settings: ConnectionLimitSettings): void {
    this.#settings = settings;
  }

  /** Connections that are open. */
  get open(): number {
    return Atomics.load(this.#words, TOTAL);
  }

  /** Connections refused because there were too many in all, or too many of their client. */
  get refused(): { total: number; client: number } {
    return { total: Atomics.load(this.#words, REFUSED_TOTAL), client: Atomics.load(this.#words, REFUSED_CLIENT) };
  }

  /** Connections that may be open. */
  get capacity(): number {
    return this.#settings.connections;
  }

  /** Part of the capacity that is used; above 1 while connections that were told to go are still there. */
  get load(): number {
    return this.open / this.#settings.connections;
  }

  /**
   * Counts a connection of `client` (4 or 16 octets) in, unless it is one too many. `overlap`:
   * connections that may exceed the capacity, because as many are about to close.
   */
  admit(client: Uint8Array, length: number, overlap = 0): Admission {
    if (this.#add(TOTAL, 1) >= this.#settings.connections + overlap) {
      this.#add(TOTAL, -1);
      Atomics.add(this.#words, REFUSED_TOTAL, 1);
      return Admission.FULL;
    }
    const first = ROWS + this.#bucket(client, length, this.#secret);
    const second = ROWS + COLUMNS + this.#bucket(client, length, ~this.#secret);
    const before = Math.min(this.#add(first, 1), this.#add(second, 1));
    if (before < this.#settings.connectionsPerClient) return Admission.ADMITTED;
    this.release(client, length);
    Atomics.add(this.#words, REFUSED_CLIENT, 1);
    return Admission.CLIENT_FULL;
  }

  /** Counts an admitted connection of `client` out. */
  release(client: Uint8Array, length: number): void {
    this.#add(TOTAL, -1);
    this.#add(ROWS + this.#bucket(client, length, this.#secret), -1);
    this.#add(ROWS + COLUMNS + this.#bucket(client, length, ~this.#secret), -1);
  }

  /** Returns the value before. */
  #add(at: number, change: number): number {
    if (this.#own !== undefined) this.#own[at]! += change;
    return Atomics.add(this.#words, at, change);
  }

  #bucket(client: Uint8Array, length: number, seed: number): number {
    const end = length === 16 ? IPV6_PREFIX : length;
    let hash = seed ^ length;
    for (let i = 0; i < end; i++) {
      hash = Math.imul(hash ^ client[i]!, 0x5bd1e995);
      hash ^= hash >>> 13;
    }
    hash = Math.imul(hash, 0x85ebca6b);
    return (hash ^ (hash >>> 16)) & (COLUMNS - 1);
  }
}
