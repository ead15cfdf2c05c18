/**
 * Follows clients from one transport to another, from a TLS handshake to the next one, and from an answer with TC to the query on a stream:
 * a table of CLIENTS places that all threads share. A client is known by the hash of its address with the key of the day (client-hash.ts);
 * the control thread clears the table with each new key, so that nobody is followed for longer than a day.
 *
 * The table is bounded. A client of streams has an address that is not forged, and keeps its place. One that has only used UDP makes room
 * when its bucket is full: forged addresses can make us forget whether clients used UDP before, but nothing else. When the table becomes
 * too full, only half of all hashes are followed from then on, and so on (narrow()): a sample that does not depend on the order in which
 * clients came.
 *
 * Hot file: integers, no allocation. A message of a client that goes on as before reads one cache line, and writes nothing.
 */
import { Transport } from '../../answer/facts.js';
import { HandshakeEnd } from '../../session/session-end.js';

/**
 * Places of the table. A guess: a busy server of a top-level domain has some hundred thousand clients a day, of which it follows some in
 * ten.
 */
export const CLIENTS = 1 << 15;
/** A bucket takes a cache line of 64 octets. */
const WAYS = 4;
const PLACE_WORDS = 4;
const BUCKET_WORDS = WAYS * PLACE_WORDS;
const BUCKETS = CLIENTS / WAYS;
/** The word of the table that has the bits of hashes that must be 0. The buckets begin behind it, in a line of their own. */
const SAMPLE = 0;
const BUCKETS_AT = BUCKET_WORDS;
const TABLE_WORDS = BUCKETS_AT + BUCKETS * BUCKET_WORDS;
/** At most 1 client in 2^this is followed at last. The second: where only clients of UDP are too many, since many of them may be forged. */
const MAX_NARROWINGS = 12;
const MAX_FOR_UDP = 6;
/** Places that clients of streams, and all clients, may take. With a quarter, some 0.4 % of the clients find their bucket full. */
const STREAMS_FULL = CLIENTS / 4;
const FULL = (3 * CLIENTS) / 4;

/** Words of a place. The first is the hash; 0: the place is empty. */
const STATE = 1;
/** Milliseconds since 1970, without the upper bits, at which the last handshake ended. */
const ENDED_AT = 2;
/** Answers with TC that no query on a stream has followed yet, and above them the second of the last one. */
const TRUNCATED = 3;

/** Bits of STATE: the transports used, the last one of them, then these. */
const USED = 15;
const LAST_AT = 4;
const LAST = 3 << LAST_AT;
const TRIED = 1 << 6;
const AGAIN = 1 << 7;
const COMPLETE = 1 << 8;
/** Since its last handshake ended, the client has not asked in the clear. */
const NOT_IN_CLEAR = 1 << 9;
/** The end of the last handshake, plus 1; 0: there was none. */
const END_AT = 10;
const END = 15 << END_AT;
/** One bit for each move that the client has made, from a transport to another. */
const MOVED_AT = 16;

const TRANSPORTS = Object.keys(Transport).length;
const ONLY_UDP = 1 << Transport.UDP;

/** Upper bounds, in seconds, of the times from the end of a handshake to the beginning of the client's next one. */
export const AWAY_TIMES = [1, 10, 60, 300, 900, 3600, 10_800, 21_600, 43_200, 86_400] as const;
/**
 * Words of the handshakes that ended in one way: the times until the next, one bucket for each bound and one above, then the following
 * counts.
 */
const After = { SUM: 11, ENDED: 12, IN_CLEAR: 13, BESIDE: 14 } as const;
const AFTER_WORDS = 16;
const ENDS = 16;
/** Steps that a client took for the first time on this day; and messages and handshakes of clients for whom there is no place. */
export const Try = { TRIED: 0, AGAIN: 1, COMPLETE: 2, NO_ROOM: 3 } as const;

/** Where the counts of a thread stand, behind one another. */
export const Followed = {
  /** Clients that used a transport for the first time: by the set of those before, four each. UDP as the very first one is not counted. */
  FIRST_USES: 0,
  /** Moves from four transports to four: how often a client asked over another transport than before, and how many clients did. */
  MOVES: 64,
  MOVERS: 80,
  TRIES: 96,
  /** Answers with TC over UDP, and queries on streams that followed them: by transport. */
  RETRIES: 100,
  AFTER: 104,
} as const;
export const FOLLOWED_WORDS = Followed.AFTER + ENDS * AFTER_WORDS;

/** Seconds after an answer with TC in which a query on a stream counts as the retry. A guess: clients retry at once, on slow paths too. */
export const RETRY_TIME = 10;
const COUNT_BITS = 7;
const MAX_WAITING = (1 << COUNT_BITS) - 1;
const SECOND_MASK = (1 << 24) - 1;

/** The octets of a table, to be shared by all threads. */
export function createFollowTable(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(TABLE_WORDS * Int32Array.BYTES_PER_ELEMENT));
}

/** Forgets all clients. */
export function clearFollowed(table: Int32Array): void {
  table.fill(0);
}

/** 1 client in this many is followed. */
export function followedOneIn(table: Int32Array): number {
  return 1 << bitsOf(table[SAMPLE]!);
}

/** Follows half as many clients as before, and forgets the others, if the table has become too full. */
export function narrow(table: Int32Array): void {
  let taken = 0;
  let byStreams = 0;
  for (let at = BUCKETS_AT; at < TABLE_WORDS; at += PLACE_WORDS) {
    if (table[at] === 0) continue;
    taken++;
    if (isOfStreams(table[at + STATE]!)) byStreams++;
  }
  const bits = bitsOf(table[SAMPLE]!);
  const most = byStreams > STREAMS_FULL ? MAX_NARROWINGS : taken > FULL ? MAX_FOR_UDP : 0;
  if (bits >= most) return;
  // The upper bits: the lower ones choose the bucket.
  const sample = -1 << (31 - bits);
  table[SAMPLE] = sample;
  for (let at = BUCKETS_AT; at < TABLE_WORDS; at += PLACE_WORDS)
    if ((table[at]! & sample) !== 0) table.fill(0, at, at + PLACE_WORDS);
}

/** Whether the client at a place with this state has used a stream: its address is not forged. */
function isOfStreams(state: number): boolean {
  return (state & (USED | TRIED) & ~ONLY_UDP) !== 0;
}

function bitsOf(sample: number): number {
  return Math.clz32(~sample);
}

/** Notes clients in the table, and counts them, for one thread. */
export class FollowedClients {
  readonly #table: Int32Array;
  readonly #words: Float64Array;
  readonly #at: number;

  /** `words` from `at` on: FOLLOWED_WORDS counts of this thread alone. */
  constructor(table: Int32Array, words: Float64Array, at: number) {
    this.#table = table;
    this.#words = words;
    this.#at = at;
  }

  /** A message has come over this transport. `truncated`: 1 when its answer had TC; `now`: seconds. */
  asked(hash: number, transport: Transport, truncated: number, now: number): void {
    const table = this.#table;
    if ((hash & table[SAMPLE]!) !== 0) return;
    const at = this.#placeOf(hash, transport !== Transport.UDP);
    if (at < 0) return;
    const state = table[at + STATE]!;
    const mask = (1 << transport) | LAST | (transport <= Transport.TCP ? NOT_IN_CLEAR : 0);
    if ((state & mask) !== ((1 << transport) | (transport << LAST_AT))) this.#goesOnOtherwise(at, transport);
    if (transport === Transport.UDP) {
      if (truncated !== 0) this.#truncated(at, now);
    } else if (table[at + TRUNCATED] !== 0) this.#retried(at, transport, now);
  }

  /** A handshake has ended after `milliseconds`; `now`: milliseconds since 1970. */
  handshakeEnded(hash: number, end: HandshakeEnd, milliseconds: number, now: number): void {
    const table = this.#table;
    // No client has tried TLS: these are port scans, and the checks of load balancers.
    if (end === HandshakeEnd.NOTHING_SENT || (hash & table[SAMPLE]!) !== 0) return;
    const at = this.#placeOf(hash, true);
    if (at < 0) return;
    const complete = end === HandshakeEnd.FULL || end === HandshakeEnd.RESUMED ? COMPLETE : 0;
    let before: number;
    let next: number;
    do {
      before = Atomics.load(table, at + STATE);
      next = (before & ~END) | TRIED | complete | NOT_IN_CLEAR | ((end + 1) << END_AT);
    } while (Atomics.compareExchange(table, at + STATE, before, next) !== before);
    const ended = Atomics.exchange(table, at + ENDED_AT, now | 0);
    const words = this.#words;
    const after = this.#at + Followed.AFTER;
    words[after + end * AFTER_WORDS + After.ENDED]!++;
    if ((before & TRIED) === 0) words[this.#at + Followed.TRIES + Try.TRIED]!++;
    if (complete > (before & COMPLETE)) words[this.#at + Followed.TRIES + Try.COMPLETE]!++;
    const earlier = ((before & END) >> END_AT) - 1;
    if (earlier < 0) return;
    const away = ((now | 0) - ended - milliseconds) / 1000;
    const block = after + earlier * AFTER_WORDS;
    // It had begun before the other one ended: two handshakes at the same time.
    if (away < 0) words[block + After.BESIDE]!++;
    else {
      let bucket = 0;
      while (bucket < AWAY_TIMES.length && away > AWAY_TIMES[bucket]!) bucket++;
      words[block + bucket]!++;
      words[block + After.SUM]! += away;
      if ((before & AGAIN) !== 0) return;
      Atomics.or(table, at + STATE, AGAIN);
      words[this.#at + Followed.TRIES + Try.AGAIN]!++;
    }
  }

  /** Counts that the client uses this transport for the first time, or after another one, or asks in the clear after a handshake. */
  #goesOnOtherwise(at: number, transport: Transport): void {
    const table = this.#table;
    const bit = 1 << transport;
    const inClear = transport <= Transport.TCP ? NOT_IN_CLEAR : 0;
    let before: number;
    let move: number;
    let moved: number;
    do {
      before = Atomics.load(table, at + STATE);
      const last = (before & LAST) >> LAST_AT;
      move = (before & USED) === 0 || last === transport ? -1 : last * TRANSPORTS + transport;
      moved = move < 0 ? 0 : 1 << (MOVED_AT + move);
    } while (
      Atomics.compareExchange(
        table,
        at + STATE,
        before,
        (before & ~(LAST | inClear)) | bit | (transport << LAST_AT) | moved,
      ) !== before
    );
    const words = this.#words;
    const used = before & USED;
    if ((used & bit) === 0 && (used | bit) !== ONLY_UDP)
      words[this.#at + Followed.FIRST_USES + used * TRANSPORTS + transport]!++;
    if (move >= 0) {
      words[this.#at + Followed.MOVES + move]!++;
      if ((before & moved) === 0) words[this.#at + Followed.MOVERS + move]!++;
    }
    const end = ((before & END) >> END_AT) - 1;
    if ((before & inClear) !== 0 && end >= 0) words[this.#at + Followed.AFTER + end * AFTER_WORDS + After.IN_CLEAR]!++;
  }

  #truncated(at: number, now: number): void {
    this.#words[this.#at + Followed.RETRIES]!++;
    const waiting = this.#waiting(at, now);
    this.#table[at + TRUNCATED] = ((now & SECOND_MASK) << COUNT_BITS) | Math.min(waiting + 1, MAX_WAITING);
  }

  #retried(at: number, transport: Transport, now: number): void {
    const waiting = this.#waiting(at, now);
    this.#table[at + TRUNCATED] = waiting <= 1 ? 0 : this.#table[at + TRUNCATED]! - 1;
    if (waiting > 0) this.#words[this.#at + Followed.RETRIES + transport]!++;
  }

  /** Answers with TC that wait for a retry. */
  #waiting(at: number, now: number): number {
    const word = this.#table[at + TRUNCATED]!;
    const since = (now - (word >>> COUNT_BITS)) & SECOND_MASK;
    return since <= RETRY_TIME ? word & MAX_WAITING : 0;
  }

  /** The place of a client, which it may take now; -1: there is none. */
  #placeOf(hash: number, isStream: boolean): number {
    const table = this.#table;
    // 0 stands for an empty place.
    const tag = hash === 0 ? 1 : hash;
    const first = BUCKETS_AT + (hash & (BUCKETS - 1)) * BUCKET_WORDS;
    for (let at = first; at < first + BUCKET_WORDS; at += PLACE_WORDS) if (table[at] === tag) return at;
    return this.#take(first, tag, isStream);
  }

  #take(first: number, tag: number, isStream: boolean): number {
    const table = this.#table;
    for (let way = 0; way < WAYS; way++) {
      const at = first + way * PLACE_WORDS;
      if (table[at]! !== 0) continue;
      const found = Atomics.compareExchange(table, at, 0, tag);
      if (found === 0) return this.#cleared(at);
      // Another thread was faster, with a message of the same client.
      if (found === tag) return at;
    }
    // The hash decides, so that it is not always the same way.
    for (let way = 0; way < WAYS; way++) {
      const at = first + ((way + (tag >>> 16)) & (WAYS - 1)) * PLACE_WORDS;
      const other = table[at]!;
      if (isOfStreams(table[at + STATE]!)) continue;
      if (Atomics.compareExchange(table, at, other, tag) === other) return this.#cleared(at);
    }
    if (isStream) this.#words[this.#at + Followed.TRIES + Try.NO_ROOM]!++;
    return -1;
  }

  /** Clears a place, and returns it. */
  #cleared(at: number): number {
    const table = this.#table;
    table[at + STATE] = 0;
    table[at + ENDED_AT] = 0;
    table[at + TRUNCATED] = 0;
    return at;
  }
}
