/**
 * Decodes responses into RRset sets that compare equal when they mean the same: names in lower case (RFC 4343 §3),
 * decompressed, records of an RRset in sorted order (RFC 2181 §5: an RRset is a set). It shares no code with the server.
 */
import { lower } from './names.js';
import { typeText } from './types.js';

export interface AnswerRRset {
  /** Owner in lower case, presentation form. */
  readonly owner: string;
  readonly type: number;
  /** Type covered, for RRSIG; otherwise 0. */
  readonly covered: number;
  /** Of all records, in order and without repetition; one number in a sound answer. */
  readonly ttls: readonly number[];
  /** Sorted; octets as latin1. */
  readonly rdata: readonly string[];
}

export type Section = Map<string, AnswerRRset>;

export interface Edns {
  readonly size: number;
  readonly version: number;
  readonly dnssecOk: boolean;
  /** The flags besides DO. */
  readonly otherFlags: number;
  readonly options: readonly number[];
}

export interface Answer {
  readonly length: number;
  /** With EDNS's upper bits. */
  readonly rcode: number;
  readonly opcode: number;
  readonly aa: boolean;
  readonly tc: boolean;
  /** RD, RA, Z, AD, CD as they stand in the header. */
  readonly otherFlags: number;
  /** The question section, its octets. */
  readonly question: string;
  readonly answer: Section;
  readonly authority: Section;
  readonly additional: Section;
  readonly edns: Edns | undefined;
}

/** RDATA with names: octets before the first name, and how many names follow each other. */
const NAMES = new Map<number, readonly [number, number]>([
  [2, [0, 1]],
  [5, [0, 1]],
  [6, [0, 2]],
  [12, [0, 1]],
  [15, [2, 1]],
  [17, [0, 2]],
  [33, [6, 1]],
  [39, [0, 1]],
  [46, [18, 1]],
  [47, [0, 1]],
  [64, [2, 1]],
  [65, [2, 1]],
]);
const NAPTR = 35;
const OPT = 41;
const RRSIG = 46;

function printable(label: string): string {
  return label.replace(/[^A-Za-z0-9_*-]/gs, (c) => `\\${c.charCodeAt(0).toString().padStart(3, '0')}`);
}

class Reader {
  readonly #message: Buffer;
  at = 0;

  constructor(message: Buffer) {
    this.#message = message;
  }

  u8(): number {
    return this.#message.readUInt8(this.at++);
  }

  u16(): number {
    this.at += 2;
    return this.#message.readUInt16BE(this.at - 2);
  }

  u32(): number {
    this.at += 4;
    return this.#message.readUInt32BE(this.at - 4);
  }

  octets(length: number): string {
    if (length < 0 || this.at + length > this.#message.length)
      throw new Error('record runs past the end of the message');
    this.at += length;
    return this.#message.toString('latin1', this.at - length, this.at);
  }

  /** A name in presentation form and lower case; pointers must point back (RFC 1035 §4.1.4). */
  name(): string {
    let text = '';
    let at = this.at;
    let end = -1;
    for (;;) {
      const length = this.#message.readUInt8(at);
      if (length >= 0xc0) {
        if (end < 0) end = at + 2;
        const to = this.#message.readUInt16BE(at) & 0x3fff;
        if (to >= at) throw new Error('compression pointer does not point back');
        at = to;
      } else if (length > 63) {
        throw new Error('bad label');
      } else {
        at += 1 + length;
        if (length === 0) break;
        text += `${printable(this.#message.toString('latin1', at - length, at))}.`;
      }
    }
    this.at = end < 0 ? at : end;
    return lower(text === '' ? '.' : text);
  }

  /** RDATA as a string, its names in presentation form between blanks. */
  rdata(type: number, length: number): string {
    const end = this.at + length;
    let text = '';
    let [before, count] = NAMES.get(type) ?? [length, 0];
    if (type === NAPTR) {
      [before, count] = [0, 1];
      text += this.octets(4);
      for (let i = 0; i < 3; i++) text += `${this.octets(this.u8())} `;
    }
    text += this.octets(before);
    for (let i = 0; i < count; i++) text += ` ${this.name()} `;
    text += this.octets(end - this.at);
    return text;
  }
}

function readSection(reader: Reader, count: number, opt: (size: number, ttl: number, rdata: string) => void): Section {
  const records = new Map<string, { owner: string; type: number; covered: number; ttls: number[]; rdata: string[] }>();
  for (let i = 0; i < count; i++) {
    const owner = reader.name();
    const type = reader.u16();
    const dnsClass = reader.u16();
    const ttl = reader.u32();
    const rdata = reader.rdata(type, reader.u16());
    if (type === OPT) {
      opt(dnsClass, ttl, rdata);
      continue;
    }
    const covered = type === RRSIG ? (rdata.charCodeAt(0) << 8) | rdata.charCodeAt(1) : 0;
    const key = `${owner} ${typeText(type)}${covered ? `(${typeText(covered)})` : ''}${dnsClass === 1 ? '' : ` class ${dnsClass}`}`;
    let rrset = records.get(key);
    if (rrset === undefined) records.set(key, (rrset = { owner, type, covered, ttls: [], rdata: [] }));
    if (!rrset.ttls.includes(ttl)) rrset.ttls.push(ttl);
    rrset.rdata.push(rdata);
  }
  for (const rrset of records.values()) rrset.rdata.sort();
  return records;
}

/** Throws an Error when the message is malformed or has octets behind its last record. */
export function decode(octets: Uint8Array): Answer {
  const message = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  const reader = new Reader(message);
  reader.at = 2;
  const flags = reader.u16();
  const [questions, answers, authorities, additionals] = [reader.u16(), reader.u16(), reader.u16(), reader.u16()];
  const questionAt = reader.at;
  for (let i = 0; i < questions; i++) {
    reader.name();
    reader.u32();
  }
  const question = message.toString('latin1', questionAt, reader.at);
  let edns: Edns | undefined;
  let upper = 0;
  const misplaced = (): void => {
    throw new Error('OPT outside the additional section');
  };
  const answer = readSection(reader, answers, misplaced);
  const authority = readSection(reader, authorities, misplaced);
  const additional = readSection(reader, additionals, (size, ttl, rdata) => {
    if (edns !== undefined) throw new Error('two OPT records');
    const options: number[] = [];
    const data = Buffer.from(rdata, 'latin1');
    for (let at = 0; at < data.length; at += 4 + data.readUInt16BE(at + 2)) options.push(data.readUInt16BE(at));
    upper = ttl >>> 24;
    edns = {
      size,
      version: (ttl >>> 16) & 255,
      dnssecOk: (ttl & 0x8000) !== 0,
      otherFlags: ttl & 0x7fff,
      options,
    };
  });
  if (reader.at !== message.length) throw new Error('octets behind the last record');
  if ((flags & 0x8000) === 0) throw new Error('not a response');
  return {
    length: message.length,
    rcode: (flags & 15) | (upper << 4),
    opcode: (flags >> 11) & 15,
    aa: (flags & 0x400) !== 0,
    tc: (flags & 0x200) !== 0,
    otherFlags: flags & 0x1f0,
    question,
    answer,
    authority,
    additional,
    edns,
  };
}
