/**
 * Transaction signatures (RFC 8945): computes the MACs of messages, verifies them, and signs messages.
 * NOT here: to note the latest time signed of each key (§5.2.3 "SHOULD"): several threads answer, and datagrams overtake each other, so
 * that an earlier time is no sign of a replay. A replay within the fudge repeats an answer.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Class } from '../iana.js';
import { readU16, writeU16, writeU32 } from '../octets.js';
import { isSameName, leastMac, type TsigKey } from './tsig-key.js';
import { TsigError, type TsigRecord, tsigLength, writeTime, writeTsig } from './tsig-record.js';

/** Seconds by which clocks may differ (RFC 8945 §10: "SHOULD" be 300). */
const FUDGE = 300;
/** ARCOUNT stands here in a header. */
const ARCOUNT = 10;
const NOTHING = new Uint8Array();

/** How a verification ended. `MALFORMED`: the answer is FORMERR, without TSIG. */
export const TsigVerdict = { VALID: 0, MALFORMED: 1, ...TsigError } as const;
export type TsigVerdict = (typeof TsigVerdict)[keyof typeof TsigVerdict];

/** The data that a MAC covers, besides the TSIG record. */
interface MacInput {
  /** Without its TSIG record; ARCOUNT counts that record or not, `hasTsig` says which. */
  readonly message: Uint8Array;
  readonly hasTsig: boolean;
  /** The MAC that this message answers or follows (RFC 8945 §5.4.1); empty: none. */
  readonly prior: Uint8Array;
  /** Unsigned messages of the stream between that and this one, whole. */
  readonly between?: readonly Uint8Array[];
  /** Only time and fudge are covered of the record: in messages of a stream behind the first (RFC 8945 §5.3.1). */
  readonly timersOnly?: boolean;
}

/** The whole MAC of a message with a TSIG record (RFC 8945 §4.3). */
function macOf(key: TsigKey, record: Omit<TsigRecord, 'at' | 'mac'>, input: MacInput): Uint8Array {
  const { message, prior, between = [] } = input;
  const hmac = createHmac(key.algorithm.hash, key.secret);
  if (prior.length > 0) hmac.update(Uint8Array.of(prior.length >> 8, prior.length)).update(prior);
  for (const unsigned of between) hmac.update(unsigned);
  // A copy: slice() of a Buffer would be a view.
  const header = Uint8Array.from(message.subarray(0, ARCOUNT + 2));
  writeU16(header, 0, record.originalId);
  if (input.hasTsig) writeU16(header, ARCOUNT, readU16(header, ARCOUNT) - 1);
  hmac.update(header).update(message.subarray(header.length));
  return hmac.update(input.timersOnly ? timers(record) : variables(record)).digest();
}

function timers({ time, fudge }: Pick<TsigRecord, 'time' | 'fudge'>): Uint8Array {
  const octets = new Uint8Array(8);
  writeTime(octets, 0, time);
  writeU16(octets, 6, fudge);
  return octets;
}

/** RFC 8945 §4.3.3. Names are in canonical form already. */
function variables(record: Omit<TsigRecord, 'at' | 'mac'>): Uint8Array {
  const { name, algorithm, error, other } = record;
  const octets = new Uint8Array(name.length + 6 + algorithm.length + 8 + 4 + other.length);
  octets.set(name);
  let at = name.length;
  writeU16(octets, at, Class.ANY);
  writeU32(octets, at + 2, 0);
  octets.set(algorithm, at + 6);
  at += 6 + algorithm.length;
  octets.set(timers(record), at);
  writeU16(octets, at + 8, error);
  writeU16(octets, at + 10, other.length);
  octets.set(other, at + 12);
  return octets;
}

/**
 * Verifies a message whose TSIG record is `record`, in the order of RFC 8945 §5.2: key, MAC, time, length of the MAC. `now`:
 * seconds since 1970. `key`: the one of the record's name, undefined if there is none.
 */
export function verifyTsig(
  key: TsigKey | undefined,
  record: TsigRecord,
  message: Uint8Array,
  now: number,
  prior: Uint8Array = NOTHING,
  stream: Pick<MacInput, 'between' | 'timersOnly'> = {},
): TsigVerdict {
  if (key === undefined || !isSameName(record.algorithm, key.algorithm.wire)) return TsigVerdict.BADKEY;
  const { mac } = record;
  if (mac.length > key.algorithm.octets || mac.length < leastMac(key.algorithm)) return TsigVerdict.MALFORMED;
  const expected = macOf(key, record, { message: message.subarray(0, record.at), hasTsig: true, prior, ...stream });
  if (!timingSafeEqual(expected.subarray(0, mac.length), mac)) return TsigVerdict.BADSIG;
  if (Math.abs(now - record.time) > record.fudge) return TsigVerdict.BADTIME;
  return mac.length < key.macOctets ? TsigVerdict.BADTRUNC : TsigVerdict.VALID;
}

/** The parts of a signature besides the message and the key. */
export interface Signing extends Pick<MacInput, 'between' | 'timersOnly'> {
  /** Seconds since 1970. */
  readonly time: number;
  /** The MAC of the request that is answered, or of the message before in a stream. */
  readonly prior?: Uint8Array;
  readonly error?: number;
  readonly other?: Uint8Array;
}

/** Octets that signing adds to a message. */
export function signatureLength(key: TsigKey, otherLength = 0): number {
  const mac = new Uint8Array(key.macOctets);
  const { name, algorithm } = key;
  const other = new Uint8Array(otherLength);
  return tsigLength({ name, algorithm: algorithm.wire, mac, other, time: 0, fudge: 0, originalId: 0, error: 0 });
}

/**
 * Signs the message out[at … end), which has no TSIG record: writes one behind it and counts it in ARCOUNT. Returns where it
 * ends, and its MAC as it was sent.
 */
export function signMessage(
  key: TsigKey,
  out: Uint8Array,
  at: number,
  end: number,
  signing: Signing,
): { readonly end: number; readonly mac: Uint8Array } {
  const { time, prior = NOTHING, error = 0, other = NOTHING } = signing;
  const message = out.subarray(at, end);
  const { name, algorithm } = key;
  const fields = { name, algorithm: algorithm.wire, time, fudge: FUDGE, originalId: readU16(message, 0), error, other };
  const whole = macOf(key, fields, { ...signing, message, hasTsig: false, prior });
  const mac = whole.slice(0, key.macOctets);
  const to = writeTsig({ ...fields, mac }, out, end);
  writeU16(out, at + ARCOUNT, readU16(message, ARCOUNT) + 1);
  return { end: to, mac };
}

/** The TSIG record of a request, and the verdict on it. */
export interface RequestTsig {
  readonly record: TsigRecord;
  /** Of the record's name, if it is known. */
  readonly key: TsigKey | undefined;
  readonly verdict: TsigVerdict;
}
