/**
 * Response rate limiting: no network is sent more than so many alike responses a second over UDP, where source addresses
 * are forged to have servers flood others. (No RFC; what BIND, NSD and Knot call RRL.)
 *
 * A response is alike to another when it goes to the same network (an IPv4 /24, an IPv6 /56) and
 * - answers, NODATA, referrals: of the same name. What counts is the name that the zone has: the wildcard's encloser, the
 *   cut, the DNAME's owner stand for all names below them, so that random names bring a forger nothing;
 * - NXDOMAIN: of the same zone; refusals and errors: all of them.
 * A second limit may hold for all responses of a network together, for forgers that go through many names.
 *
 * Each of these has an account of debt. A response adds one; a second takes `responses` away. While there is more debt than
 * that the response is limited; it grows for `window` seconds at the most, so that whoever goes on too fast gets nothing at
 * all, and is forgiven as long after he stopped. Accounts are not listed but lie in two rows of buckets, each chosen by a
 * keyed hash: an account's debt is the lower of its two buckets, and only the lower one grows (count-min sketch with
 * conservative update). It is never too low, whatever else is sent: no flood from elsewhere pushes an account out. It is too
 * high only for who shares both buckets with others in debt; he gets his answer over TCP, by way of slip.
 *
 * Who is limited gets, at random one time in `slip`, a response with TC and no data: a resolver in the network under attack
 * then asks over TCP. At random, for a forger could set a count so that it always hits him. A valid server cookie (RFC
 * 7873) lifts the limit: its address is no forgery; who has sent a client cookie finds a server cookie in that response.
 *
 * The buckets are shared by all threads, read and written without locks or atomic operations: two threads at one bucket
 * may lose one of two additions. Measured, four threads on two CPUs at one account: 2 additions in 1,000 are lost, and at
 * 200 a second 200 to 204 responses are let through. A response costs some 180 ns more, with
 * clients of all networks. Hot file: integers, no allocation.
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
  /** One limited response in so many is sent, without data; 0: none, 1: all. */
  readonly slip: number;
  /** Bits of an address that make a network. */
  readonly ipv4Prefix: number;
  readonly ipv6Prefix: number;
  /** Who is never limited: a table of compileAccess(), or undefined for nobody. */
  readonly exempt: Int32Array | undefined;
  /** Limit nothing, only say what would be. */
  readonly logOnly: boolean;
  /** Two random words. */
  readonly secret: Int32Array;
}

/** A bucket: the second in which it was last looked at, and the debt it had then. */
const BUCKET_WORDS = 2;
const TIME = 0;
const DEBT = 1;
/** Two for alike responses, two for all. */
const ROWS = 4;

/** Rounds of the hash: those of Linux's hash tables. */
const COMPRESSION = 1;
const FINALIZATION = 3;

/** Seconds that clocks of threads may be apart: not a clock that was set back. */
const SKEW = 2;

/** Kinds that share an account: they say nothing of a name. */
const NAMELESS = Kind.ERROR;
const ALL = 0x100;
const WILDCARD = 0x80;

/** Shared buckets for about `accounts` accounts in use at once, all without debt. */
export function rateLimitWords(accounts: number): Int32Array {
  let columns = 1;
  while (columns < accounts) columns *= 2;
  return new Int32Array(new SharedArrayBuffer(ROWS * columns * BUCKET_WORDS * Int32Array.BYTES_PER_ELEMENT));
}

/** The responder, but what it says over UDP is limited. `words`: of rateLimitWords(), the same for all threads. */
export function limitedResponder(responder: Responder, settings: RateLimitSettings, words: Int32Array): Responder {
  const { outcome } = responder;
  const limiter = new Limiter(settings, words);
  return {
    outcome,
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      const length = responder.respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      if (length <= 0 || facts.transport !== Transport.UDP || outcome.cookie === 1) return length;
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
  /** What is hashed: four words of network, then kind, zone and node. */
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

  /** Adds one to the account whose hash begins with `count` words, in rows `row` and `row` + 1; whether that is too much. */
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

  /** The debt of a bucket, less what the seconds since took away. */
  #debtOf(at: number, rate: number, now: number): number {
    const words = this.#words;
    const seconds = (now - words[at + TIME]!) | 0;
    const debt = words[at + DEBT]!;
    if (seconds === 0) return debt;
    if (seconds < 0) {
      // Another thread is a second ahead, or the clock was set back: then time goes on from here.
      if (seconds < -SKEW) words[at + TIME] = now;
      return debt;
    }
    words[at + TIME] = now;
    const left = seconds > this.#settings.window ? 0 : Math.max(0, debt - seconds * rate);
    words[at + DEBT] = left;
    return left;
  }

  /** Whether a limited response is sent nevertheless, without data. */
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

/** Kinds of responses that are hardly longer than what they answer, and cannot be truncated. */
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
