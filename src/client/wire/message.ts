/** Encodes queries and decodes answers. Decoding is strict and throws only CLIENT_MALFORMED. */

import { randomInt } from 'node:crypto';
import { counted } from '../../errors.js';
import { Class, Opcode, Type } from '../../protocol/iana.js';
import { ClientError, ClientErrorCode, fitting } from '../errors.js';
import { type Channel, decodeOptions, type Edns, type EdnsRequest, encodeOpt } from './edns.js';
import { NameReader, textToName } from './names.js';
import { readRdata } from './rdata/table.js';
import { type LastTsig, type QueryTsig, signedQuery, tsigLength } from './tsig.js';

/** Bits of the header's third and fourth octets (RFC 1035 §4.1.1, RFC 4035 §3). */
export const HeaderFlag = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
} as const;

/** A question for a server. */
export interface Query {
  /** In presentation format; the final dot may be left out. */
  readonly name: string;
  /** A number of IANA's registry. */
  readonly type: number;
  /** Default IN. */
  readonly class?: number;
  /** Default QUERY. In an UPDATE, the question is the zone section (RFC 2136 §2.3). */
  readonly opcode?: number;
  /** Records in wire format; in an UPDATE, the prerequisite section. */
  readonly answers?: readonly Uint8Array[];
  /** The same; in an UPDATE, the update section. */
  readonly authority?: readonly Uint8Array[];
  /** Default: a random one. */
  readonly id?: number;
  /** RD. Default false: authoritative servers are asked. */
  readonly recursion?: boolean;
  /** CD. Default false. */
  readonly checkingDisabled?: boolean;
  /** Undefined: no OPT record. */
  readonly edns?: EdnsRequest;
  /** Undefined: it is not signed. */
  readonly tsig?: QueryTsig;
  /** IXFR: the serial of the version that is there, sent in an SOA record (RFC 1995 §3). */
  readonly serial?: number;
}

export interface Question {
  readonly owner: Uint8Array;
  /** The owner in presentation format. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface ResourceRecord extends Question {
  readonly ttl: number;
  /** Names in it are uncompressed. */
  readonly rdata: Uint8Array;
  /** The RDATA in presentation format. */
  readonly data: string;
}

export interface Message {
  readonly id: number;
  readonly flags: number;
  readonly opcode: number;
  /** Includes the upper eight bits from the OPT record. */
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  /** Without the OPT record. */
  readonly additional: readonly ResourceRecord[];
  readonly edns: Edns | undefined;
  /** The TSIG record, if it is the last record of the message (RFC 8945 §5.2). */
  readonly tsig: LastTsig | undefined;
}

const HEADER = 12;
/** A pointer to the name in the question (RFC 1035 §4.1.4). */
const QNAME_POINTER = 0xc00c;
/** Octets of SOA RDATA whose names are the root. */
const SOA_RDATA = 22;

export function randomId(): number {
  return randomInt(0x10000);
}

/**
 * A query in wire format. `ednsFlags` (TO) are set even if the query has no EDNS of its own. Throws CLIENT_INPUT.
 */
export function encodeQuery(query: Query, channel: Channel, ednsFlags = 0): Buffer {
  const name = textToName(query.name);
  const edns = query.edns ?? (ednsFlags === 0 ? undefined : {});
  const added = query.tsig === undefined ? 0 : tsigLength(query.tsig);
  const { answers = [], authority = soaOf(query.serial), opcode = Opcode.QUERY } = query;
  const head = Buffer.alloc(HEADER + name.length + 4);
  head.writeUInt16BE(fitting(query.id ?? randomId(), 16, 'ID'), 0);
  const flags = (query.recursion ? HeaderFlag.RD : 0) | (query.checkingDisabled ? HeaderFlag.CD : 0);
  head.writeUInt16BE((opcode << 11) | flags, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(fitting(answers.length, 16, 'number of records'), 6);
  head.writeUInt16BE(fitting(authority.length, 16, 'number of records'), 8);
  head.writeUInt16BE(edns === undefined ? 0 : 1, 10);
  head.set(name, HEADER);
  head.writeUInt16BE(fitting(query.type, 16, 'type'), HEADER + name.length);
  head.writeUInt16BE(fitting(query.class ?? Class.IN, 16, 'class'), HEADER + name.length + 2);
  const body = Buffer.concat([head, ...answers, ...authority]);
  const opt = edns === undefined ? Buffer.alloc(0) : encodeOpt(edns, ednsFlags, channel, body.length + added);
  fitting(body.length + opt.length + added, 16, 'length of the query');
  const whole = Buffer.concat([body, opt]);
  return query.tsig === undefined ? whole : signedQuery(whole, query.tsig);
}

/** For IXFR: an SOA record of the name in the question, with root names and nothing but a serial. */
function soaOf(serial: number | undefined): Buffer[] {
  if (serial === undefined) return [];
  const record = Buffer.alloc(2 + 10 + SOA_RDATA);
  record.writeUInt16BE(QNAME_POINTER, 0);
  record.writeUInt16BE(Type.SOA, 2);
  record.writeUInt16BE(Class.IN, 4);
  record.writeUInt16BE(SOA_RDATA, 10);
  record.writeUInt32BE(fitting(serial, 32, 'serial'), 14);
  return [record];
}

function malformed(reason: string): ClientError {
  return new ClientError(ClientErrorCode.MALFORMED, reason);
}

/** Reads a message from its first octet to its last. */
class Cursor {
  readonly #octets: Buffer;
  readonly #names: NameReader;
  at = HEADER;

  constructor(octets: Buffer) {
    this.#octets = octets;
    this.#names = new NameReader(octets);
  }

  #need(length: number, what: string): void {
    if (this.at + length > this.#octets.length) throw malformed(`the message ends within ${what} at octet ${this.at}`);
  }

  question(): Question {
    const { name: owner, text: name, end } = this.#names.read(this.at, this.#octets.length, true);
    this.at = end;
    this.#need(4, 'a question');
    const type = this.#octets.readUInt16BE(end);
    this.at += 4;
    return { owner, name, type, class: this.#octets.readUInt16BE(end + 2) };
  }

  record(): ResourceRecord {
    const question = this.question();
    this.#need(6, 'a record');
    const ttl = this.#octets.readUInt32BE(this.at);
    const length = this.#octets.readUInt16BE(this.at + 4);
    this.at += 6;
    this.#need(length, `RDATA of ${length} octets`);
    const start = this.at;
    this.at += length;
    // An UPDATE has records that stand for a name or an RRset (RFC 2136 §2.4, §2.5).
    const isEmpty = length === 0 && (question.class === Class.ANY || question.class === Class.NONE);
    if (isEmpty) return { ...question, ttl, rdata: new Uint8Array(), data: '' };
    const { rdata, text } = readRdata(question.type, this.#octets, start, this.at, this.#names);
    return { ...question, ttl, rdata, data: text };
  }

  /** Reads `count` items. Each needs at least `size` octets: a wrong count fails before anything is read. */
  many<T>(count: number, size: number, one: () => T): T[] {
    this.#need(count * size, counted(count, 'record'));
    return Array.from({ length: count }, one);
  }
}

/** Decodes a whole message. */
export function decodeMessage(wire: Uint8Array): Message {
  const octets = Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength);
  if (octets.length < HEADER) throw malformed(`a message of ${octets.length} octets, expected at least ${HEADER}`);
  const cursor = new Cursor(octets);
  const flags = octets.readUInt16BE(2);
  let last = 0;
  const record = (): ResourceRecord => {
    last = cursor.at;
    return cursor.record();
  };
  const questions = cursor.many(octets.readUInt16BE(4), 5, () => cursor.question());
  const answers = cursor.many(octets.readUInt16BE(6), 11, record);
  const authority = cursor.many(octets.readUInt16BE(8), 11, record);
  const additional = cursor.many(octets.readUInt16BE(10), 11, record);
  if (cursor.at < octets.length) throw malformed(`${octets.length - cursor.at} octets behind the last record`);
  const edns = ednsOf(answers, authority, additional);
  const end = additional.at(-1);
  return {
    id: octets.readUInt16BE(0),
    flags,
    opcode: (flags >> 11) & 0x0f,
    rcode: (flags & 0x0f) | (edns?.upperRcode ?? 0),
    questions,
    answers,
    authority,
    additional: additional.filter(({ type }) => type !== Type.OPT),
    edns: edns?.edns,
    tsig: end?.type === Type.TSIG ? { at: last, name: end.name, rdata: end.rdata } : undefined,
  };
}

/** The one OPT record (RFC 6891 §6.1.1): in the additional section, owned by the root. */
function ednsOf(
  answers: readonly ResourceRecord[],
  authority: readonly ResourceRecord[],
  additional: readonly ResourceRecord[],
): { edns: Edns; upperRcode: number } | undefined {
  if ([...answers, ...authority].some(({ type }) => type === Type.OPT))
    throw malformed('an OPT record in a wrong section');
  const [opt, second] = additional.filter(({ type }) => type === Type.OPT);
  if (opt === undefined) return undefined;
  if (second !== undefined) throw malformed('a second OPT record');
  if (opt.name !== '.') throw malformed(`an OPT record owned by ${opt.name}`);
  const edns = {
    size: opt.class,
    version: (opt.ttl >>> 16) & 0xff,
    flags: opt.ttl & 0xffff,
    options: decodeOptions(opt.rdata),
  };
  return { edns, upperRcode: (opt.ttl >>> 24) << 4 };
}

/** Whether a message is a response, and to this opcode. */
export function isResponse(message: Message, opcode: number = Opcode.QUERY): boolean {
  return (message.flags & HeaderFlag.QR) !== 0 && message.opcode === opcode;
}
