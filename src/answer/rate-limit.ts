/**
 * Response rate limiting (RRL in BIND, NSD and Knot; no RFC describes it). Forged source addresses of UDP make servers
 * flood a network, so a network is sent only a limited number of alike responses per second.
 *
 * Two responses are alike when they go to the same network (an IPv4 /24, an IPv6 /56) and belong to the same group:
 * - Answers, NODATA and referrals have a group for each name. It is the name in the zone: the wildcard's encloser, the cut
 *   or the DNAME's owner stands for all names below it, so that a forger gains nothing by random names.
 * - NXDOMAIN has a group for each zone. Refusals and errors are one group.
 * A second limit may hold for all responses to a network, against forgers that go through many names.
 *
 * Each group has an account of debt. A response adds 1, and each second takes `responses` away. While the debt is at least
 * `responses`, a response is limited. The debt grows for `window` seconds at most: a client that goes on too fast gets
 * nothing, and is forgiven `window` seconds after it stopped. Accounts are not kept in a list. Each has a bucket in two
 * rows, chosen by a keyed hash: its debt is the lower of the two, and only the lower one grows (a count-min sketch with
 * conservative update). The debt is never too low, so that no flood from elsewhere can push an account out. It is too high
 * only for a client that shares both buckets with others in debt; such a client gets its answer over TCP, by way of slip.
 *
 * Of the limited responses, 1 in `slip` is sent with TC and without data, so that a resolver in the network under attack
 * asks again over TCP. It is chosen at random, because a forger could steer a count. A valid server cookie (RFC 7873) lifts
 * the limit, since its address is not forged; a client that sent a client cookie finds a server cookie in that response.
 *
 * All threads share the buckets and use them without locks or atomic operations: when two threads meet at one bucket, one of
 * two additions may be lost. Measured, four threads on two CPUs at one account: 2 additions in 1,000 are lost, and at 200
 * per second 200 to 204 responses are let through. A response costs some 180 ns more, with clients of all networks. Hot
 * file: integers, no allocation.
 */
import { isAllowed } from '../image/access.js';
import { type Facts, Kind, Limited, type Outcome, Transport } from './facts.js';
import { halfSipHash } from './half-siphash.js';
import { DROP, type Responder } from './respond.js';
import { withoutData } from './slip.js';

/** Plain data, the same in all threads. */
export interface RateLimitSettings {
  /** Alike responses to one network, per second. */
  readonly responses: number;
  /** All responses to one network, per second; 0: no such limit. */
  readonly all: number;
  /** Seconds for which debt is remembered. */
  readonly window: number;
  /** 1 in `slip` limited responses is sent, without data; 0: none, 1: all. */
  readonly slip: number;
  /** Bits of an address that make a network. */
  readonly ipv4Prefix: number;
  readonly ipv6Prefix: number;
  /** Clients that are never limited: a table of compileAccess(); undefined: none. */
  readonly exempt: Int32Array | undefined;
  /** Send everything, and only note in the outcome which responses would have been limited. */
  readonly logOnly: boolean;
  /** Two random words. */
  readonly secret: Int32Array;
}

/** A bucket: the second in which it was last read, and its debt at that time. */
const BUCKET_WORDS = 2;
const TIME = 0;
const DEBT = 1;
/** Two for alike responses, two for all responses of a network. */
const ROWS = 4;

/** Rounds of the hash, as in Linux's hash tables. */
const COMPRESSION = 1;
const FINALIZATION = 3;

/** Seconds by which clocks of threads may differ; a larger step means that the clock was set back. */
const SKEW = 2;

/** Stands for all kinds of responses that say nothing about a name: they share an account. */
const NAMELESS = Kind.ERROR;
const ALL = 0x100;
const WILDCARD = 0x80;

/** Shared buckets for about `accounts` accounts in use at once, all without debt. */
export function rateLimitWords(accounts: number): Int32Array {
  let columns = 1;
  while (columns < accounts) columns *= 2;
  return new Int32Array(new SharedArrayBuffer(ROWS * columns * BUCKET_WORDS * Int32Array.BYTES_PER_ELEMENT));
}

/** Limits the responses of `responder` over UDP. `words`: of rateLimitWords(), the same for all threads. */
export function limitedResponder(responder: Responder, settings: RateLimitSettings, words: Int32Array): Responder {
  const { outcome } = responder;
  const limiter = new Limiter(settings, words);
  return {
    outcome,
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      const length = responder.respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      if (length <= 0 || facts.transport !== Transport.UDP || outcome.cookie === 1 || outcome.signed === 1)
        return length;
      if (!limiter.isTooMuch(facts, outcome)) return length;
      if (settings.logOnly) {
        outcome.limited = Limited.LOGGED;
        return length;
      }
      if (!limiter.slips()) {
        outcome.limited = Limited.DROPPED;
        return DROP;
      }
      outcome.limited = Limited.SLIPPED;
      return isError(outcome.kind) ? length : withoutData(outcome, outBuf, outOff);
    },
  };
}

class Limiter {
  readonly #settings: RateLimitSettings;
  readonly #words: Int32Array;
  /** Words of one row. */
  readonly #row: number;
  readonly #mask: number;
  /** The input of the hash: four words of network, then kind, zone and node. */
  readonly #account = new Int32Array(7);
  readonly #masks: Int32Array;
  readonly #hash = new Int32Array(2);
  #random: number;

  constructor(settings: RateLimitSettings, words: Int32Array) {
    this.#settings = settings;
    this.#words = words;
    this.#row = words.length / ROWS;
    this.#mask = this.#row / BUCKET_WORDS - 1;
    this.#masks = Int32Array.from({ length: 4 }, (_, i) => maskOf(settings.ipv6Prefix - i * 32));
    this.#random = settings.secret[0]! ^ settings.secret[1]! || 1;
  }

  /** Counts one response; returns whether it is one too many. */
  isTooMuch(facts: Facts, outcome: Outcome): boolean {
    const { exempt, responses, all } = this.#settings;
    const { client, clientLength } = facts;
    if (exempt !== undefined && isAllowed(exempt, 0, client, clientLength)) return false;
    const account = this.#account;
    let used = 0;
    if (clientLength === 4) account[used++] = wordOf(client, 0) & maskOf(this.#settings.ipv4Prefix);
    else for (; used < 4; used++) account[used] = wordOf(client, used * 4) & this.#masks[used]!;
    const { kind } = outcome;
    const nameless = isError(kind) || kind === Kind.SERVER;
    account[used] = nameless ? NAMELESS : kind | (outcome.wildcard === 1 ? WILDCARD : 0);
    account[used + 1] = nameless ? 0 : outcome.zone;
    account[used + 2] = nameless || kind === Kind.NXDOMAIN ? 0 : outcome.node;
    const alike = this.#take(used + 3, 0, responses, facts.now);
    if (all === 0) return alike;
    account[used] = ALL;
    return this.#take(used + 1, 2, all, facts.now) || alike;
  }

  /** Adds 1 to the account in the first `count` words, in rows `row` and `row` + 1; returns whether it is over the rate. */
  #take(count: number, row: number, rate: number, now: number): boolean {
    const words = this.#words;
    const hash = this.#hash;
    halfSipHash(this.#settings.secret, this.#account, count, COMPRESSION, FINALIZATION, hash);
    const first = row * this.#row + (hash[0]! & this.#mask) * BUCKET_WORDS;
    const second = (row + 1) * this.#row + (hash[1]! & this.#mask) * BUCKET_WORDS;
    const one = this.#debtOf(first, rate, now);
    const other = this.#debtOf(second, rate, now);
    const most = rate * (this.#settings.window + 1);
    if (one <= other && one < most) words[first + DEBT] = one + 1;
    if (other <= one && other < most) words[second + DEBT] = other + 1;
    return one >= rate && other >= rate;
  }

  /** The debt of a bucket now: less the rate for each second since it was last read. */
  #debtOf(at: number, rate: number, now: number): number {
    const words = this.#words;
    const seconds = (now - words[at + TIME]!) | 0;
    const debt = words[at + DEBT]!;
    if (seconds === 0) return debt;
    if (seconds < 0) {
      // Either another thread is a second ahead, or the clock was set back: then time goes on from here.
      if (seconds < -SKEW) words[at + TIME] = now;
      return debt;
    }
    words[at + TIME] = now;
    const left = seconds > this.#settings.window ? 0 : Math.max(0, debt - seconds * rate);
    words[at + DEBT] = left;
    return left;
  }

  /** Whether this limited response is sent without data, instead of being dropped. */
  slips(): boolean {
    const { slip } = this.#settings;
    if (slip <= 1) return slip === 1;
    // Marsaglia's xorshift.
    let random = this.#random;
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    this.#random = random;
    return (random >>> 0) % slip === 0;
  }
}

/** Kinds of responses that are hardly longer than their queries, so that truncation would gain nothing. */
function isError(kind: Kind): boolean {
  return kind === Kind.ERROR || kind === Kind.REFUSED || kind === Kind.FAILED;
}

function wordOf(octets: Uint8Array, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
}

/** The first `bits` bits of a word. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
