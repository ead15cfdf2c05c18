/**
 * TSIG of one query and its answer (RFC 8945), as a client has it: signs the query, and finds the mistakes in the answer, which
 * may have several messages (§5.3.1). NOT here: truncated MACs.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Class, Type } from '../../protocol/iana.js';
import { ClientError, ClientErrorCode } from '../errors.js';
import { NameReader, textToName } from './names.js';

/** The key of a query, and when it is signed. */
export interface QueryTsig {
  /** In presentation format. */
  readonly name: string;
  /** Such as `hmac-sha256`. */
  readonly algorithm: string;
  readonly secret: Uint8Array;
  /** Seconds since 1970. */
  readonly time: number;
}

/** Octets of the MACs, by algorithm (RFC 8945 §6). */
const ALGORITHMS: ReadonlyMap<string, number> = new Map([
  ['hmac-sha1', 20],
  ['hmac-sha224', 28],
  ['hmac-sha256', 32],
  ['hmac-sha384', 48],
  ['hmac-sha512', 64],
]);

/** Names of the algorithms, the default first. */
const NAMES: readonly string[] = ['hmac-sha256', ...[...ALGORITHMS.keys()].filter((name) => name !== 'hmac-sha256')];

/** Seconds by which clocks may differ (RFC 8945 §10). */
const FUDGE = 300;
const ARCOUNT = 10;
/** Type, class, TTL, RDLENGTH. */
const FIXED = 10;
/** The meanings of the errors of a TSIG record (RFC 8945 §3). */
const ERRORS: ReadonlyMap<number, string> = new Map([
  [16, 'BADSIG: the server computes another signature; is the secret the same on both sides?'],
  [17, 'BADKEY: the server does not know a key of this name and algorithm'],
  [18, "BADTIME: the server's clock differs by more than 300 s"],
  [22, 'BADTRUNC: the signature is too short for the server'],
]);

function canonical(name: string): Buffer {
  // Length octets are below 64, and so no letters.
  return Buffer.from(textToName(name).map((octet) => (octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet)));
}

function numbers(...values: number[]): Buffer {
  const octets = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) octets.writeUInt16BE(value, i * 2);
  return octets;
}

function timeOctets(time: number): Buffer {
  const octets = Buffer.alloc(6);
  octets.writeUIntBE(time, 0, 6);
  return octets;
}

function macOf({ algorithm, secret }: QueryTsig, parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac(algorithm.replace('hmac-', ''), secret);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** Octets that signing adds to a query. Throws CLIENT_INPUT for an unknown algorithm and a bad name. */
export function tsigLength({ name, algorithm }: QueryTsig): number {
  const mac = ALGORITHMS.get(algorithm);
  if (mac === undefined)
    throw new ClientError(ClientErrorCode.INPUT, `found the TSIG algorithm ${algorithm}, expected ${NAMES.join(', ')}`);
  return canonical(name).length + FIXED + canonical(algorithm).length + FIXED + mac + 6;
}

/** The query with a TSIG record behind it. */
export function signedQuery(query: Buffer, tsig: QueryTsig): Buffer {
  const [name, algorithm, time] = [canonical(tsig.name), canonical(tsig.algorithm), timeOctets(tsig.time)];
  const mac = macOf(tsig, [query, name, numbers(Class.ANY, 0, 0), algorithm, time, numbers(FUDGE, 0, 0)]);
  const rdata = Buffer.concat([algorithm, time, numbers(FUDGE, mac.length), mac, query.subarray(0, 2), numbers(0, 0)]);
  const message = Buffer.concat([query, name, numbers(Type.TSIG, Class.ANY, 0, 0, rdata.length), rdata]);
  message.writeUInt16BE(query.readUInt16BE(ARCOUNT) + 1, ARCOUNT);
  return message;
}

/** The fields of TSIG RDATA (RFC 8945 §4.2). */
interface TsigFields {
  /** In presentation format. */
  readonly algorithm: string;
  readonly time: number;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: Buffer;
  readonly error: number;
  readonly other: Buffer;
}

/** Reads the RDATA of a TSIG record; undefined: it is malformed. */
function fieldsOf(rdata: Uint8Array): TsigFields | undefined {
  const octets = Buffer.from(rdata);
  const { text: algorithm, end: at } = new NameReader(octets).read(0, octets.length, false);
  if (at + FIXED > octets.length) return undefined;
  const tail = at + FIXED + octets.readUInt16BE(at + 8);
  if (tail + 6 > octets.length || tail + 6 + octets.readUInt16BE(tail + 4) !== octets.length) return undefined;
  return {
    algorithm,
    time: octets.readUIntBE(at, 6),
    fudge: octets.readUInt16BE(at + 6),
    mac: octets.subarray(at + FIXED, tail),
    originalId: octets.subarray(tail, tail + 2),
    error: octets.readUInt16BE(tail + 2),
    other: octets.subarray(tail + 6),
  };
}

/** The TSIG record at the end of a message. */
export interface LastTsig {
  /** Where it begins. */
  readonly at: number;
  /** The key's name, in presentation format. */
  readonly name: string;
  readonly rdata: Uint8Array;
}

/** The data that the MAC of a message covers besides the message. */
interface Before {
  /** The MAC of the query, or of the signed message before. */
  readonly mac: Buffer;
  /** Unsigned messages since then. */
  readonly unsigned: readonly Uint8Array[];
  /** Behind the first signed message, only the times of the TSIG record are covered. */
  readonly isLater: boolean;
}

/**
 * The mistake in the signature of the response `octets`, whose TSIG record is `last`; undefined: there is none. `asked`: the record of the
 * signed query.
 */
export function tsigMistake(
  octets: Uint8Array,
  last: LastTsig | undefined,
  asked: LastTsig | undefined,
  tsig: QueryTsig,
): string | undefined {
  const request = asked && fieldsOf(asked.rdata);
  if (last === undefined || asked === undefined) return 'the answer is not signed';
  if (request === undefined) return 'the TSIG record of the answer is malformed';
  return mistakeAfter(octets, last, tsig, { mac: request.mac, unsigned: [], isLater: false });
}

function mistakeAfter(octets: Uint8Array, last: LastTsig, tsig: QueryTsig, before: Before): string | undefined {
  const fields = fieldsOf(last.rdata);
  if (fields === undefined) return 'the TSIG record of the answer is malformed';
  const name = canonical(tsig.name);
  if (!canonical(last.name).equals(name) || !canonical(fields.algorithm).equals(canonical(tsig.algorithm)))
    return `the answer is signed with another key, ${last.name} (${fields.algorithm})`;
  const error = fields.error === 0 ? undefined : (ERRORS.get(fields.error) ?? `TSIG error ${fields.error}`);
  // Without a MAC, anybody may have sent this error; but there is nothing else to tell.
  if (fields.mac.length === 0) return error ?? 'the answer has an empty signature';
  const message = Buffer.from(octets.subarray(0, last.at));
  fields.originalId.copy(message, 0);
  message.writeUInt16BE(message.readUInt16BE(ARCOUNT) - 1, ARCOUNT);
  const times = [timeOctets(fields.time), numbers(fields.fudge)];
  const variables = before.isLater
    ? times
    : [
        name,
        numbers(Class.ANY, 0, 0),
        canonical(fields.algorithm),
        ...times,
        numbers(fields.error, fields.other.length),
        fields.other,
      ];
  const expected = macOf(tsig, [numbers(before.mac.length), before.mac, ...before.unsigned, message, ...variables]);
  if (expected.length !== fields.mac.length || !timingSafeEqual(expected, fields.mac))
    return 'the signature of the answer is wrong';
  if (error !== undefined) return error;
  const isTimely = Math.abs(fields.time - tsig.time) <= fields.fudge;
  return isTimely ? undefined : "the answer's time differs from ours by more than its fudge";
}

/** Unsigned messages that may stand between two signed ones (RFC 8945 §5.3.1). */
const MAX_UNSIGNED = 99;

/** Judges the signatures of an answer's messages, one after the other. */
export class TsigStream {
  readonly #tsig: QueryTsig;
  #mac: Buffer;
  #unsigned: Uint8Array[] = [];
  #isLater = false;

  /** `asked`: the TSIG record of the query. */
  constructor(asked: LastTsig | undefined, tsig: QueryTsig) {
    this.#tsig = tsig;
    this.#mac = (asked && fieldsOf(asked.rdata)?.mac) ?? Buffer.alloc(0);
  }

  /** Whether the last message was signed: the end of an answer has to be. */
  get isSigned(): boolean {
    return this.#isLater && this.#unsigned.length === 0;
  }

  /** The mistake in the next message; undefined: there is none. `now`: seconds since 1970. */
  mistake(octets: Uint8Array, last: LastTsig | undefined, now: number): string | undefined {
    if (last === undefined) {
      if (!this.#isLater) return 'the answer is not signed';
      if (this.#unsigned.length === MAX_UNSIGNED) return `more than ${MAX_UNSIGNED} messages in a row are not signed`;
      this.#unsigned.push(Uint8Array.from(octets));
      return undefined;
    }
    const before = { mac: this.#mac, unsigned: this.#unsigned, isLater: this.#isLater };
    const mistake = mistakeAfter(octets, last, { ...this.#tsig, time: now }, before);
    if (mistake !== undefined) return mistake;
    this.#mac = Buffer.from(fieldsOf(last.rdata)?.mac ?? []);
    this.#unsigned = [];
    this.#isLater = true;
    return undefined;
  }
}
