/**
 * The tests' own DNS messages: an encoder of queries that can also build malformed ones, and a decoder of responses that
 * accepts nothing malformed. It shares no code with the server, so it can judge it.
 */
import { nameFromText, nameToText, readName } from './names.js';
import { expandRdata, rdataToText, typeName, typeNumber } from './rdata.js';

const OPT = 41;
const TSIG = 250;
const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };

export interface EdnsQuery {
  /** Octets; default 1232. */
  readonly udpSize?: number;
  readonly dnssecOk?: boolean;
  readonly version?: number;
  /** The 16 flag bits besides DO, such as 0x4000. */
  readonly flags?: number;
  readonly options?: readonly { readonly code: number; readonly data: Uint8Array }[];
}

export interface Query {
  /** Presentation format, or the octets of QNAME as they are to be sent. */
  readonly name?: string | Uint8Array;
  /** Mnemonic, `TYPE123` or number; default A. */
  readonly type?: string | number;
  /** Mnemonic or number; default IN. */
  readonly class?: string | number;
  readonly id?: number;
  readonly opcode?: number;
  readonly rd?: boolean;
  readonly cd?: boolean;
  readonly ad?: boolean;
  readonly edns?: EdnsQuery;
  /** Replaces the 16 bits of flags, opcode and RCODE. */
  readonly flagBits?: number;
  /** Replaces QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT. */
  readonly counts?: readonly [number, number, number, number];
  /** Leaves the question out. */
  readonly noQuestion?: boolean;
  /** Records in wire format before OPT, in the additional section. */
  readonly additional?: readonly Uint8Array[];
  /** Octets behind everything. */
  readonly trailing?: Uint8Array;
}

export interface MessageRecord {
  /** Presentation format in the letter case of the message. */
  readonly owner: string;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  /** Uncompressed RDATA in hexadecimal, letter case of its names kept. */
  readonly rdata: string;
  /** Presentation format of the RDATA, `\# …` for types that the tests do not know. */
  readonly text: string;
  /** Whether a name in the RDATA had a compression pointer. */
  readonly compressed: boolean;
}

export interface Message {
  readonly id: number;
  readonly opcode: number;
  /** With the upper eight bits of OPT. */
  readonly rcode: number;
  readonly flags: {
    qr: boolean;
    aa: boolean;
    tc: boolean;
    rd: boolean;
    ra: boolean;
    z: boolean;
    ad: boolean;
    cd: boolean;
  };
  readonly question: readonly { readonly name: string; readonly type: number; readonly class: number }[];
  readonly answer: readonly MessageRecord[];
  readonly authority: readonly MessageRecord[];
  /** Without OPT. */
  readonly additional: readonly MessageRecord[];
  readonly edns: Edns | undefined;
  /** Octets of the whole message. */
  readonly size: number;
}

export interface Edns {
  readonly udpSize: number;
  readonly version: number;
  readonly dnssecOk: boolean;
  /** The flag bits besides DO. */
  readonly flags: number;
  readonly options: readonly { readonly code: number; readonly data: Uint8Array }[];
}

const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255];

/** Wire format of an OPT record. */
export function buildOpt(edns: EdnsQuery): Uint8Array {
  const flags = (edns.flags ?? 0) | (edns.dnssecOk ? 0x8000 : 0);
  const options = (edns.options ?? []).flatMap(({ code, data }) => [...u16(code), ...u16(data.length), ...data]);
  return Uint8Array.from([
    0,
    ...u16(OPT),
    ...u16(edns.udpSize ?? 1232),
    ...[0, edns.version ?? 0],
    ...u16(flags),
    ...u16(options.length),
    ...options,
  ]);
}

/** Wire format of a query; every part can be made wrong on purpose. */
export function buildQuery(query: Query): Uint8Array {
  const bit = (set: boolean | undefined, value: number): number => (set ? value : 0);
  const flags = ((query.opcode ?? 0) << 11) | bit(query.rd, 0x100) | bit(query.ad, 0x20) | bit(query.cd, 0x10);
  const additional = [...(query.additional ?? []), ...(query.edns ? [buildOpt(query.edns)] : [])];
  const counts = query.counts ?? [query.noQuestion ? 0 : 1, 0, 0, additional.length];
  const name = typeof query.name === 'string' ? nameFromText(query.name) : (query.name ?? new Uint8Array(1));
  const qclass = typeof query.class === 'number' ? query.class : CLASSES[query.class ?? 'IN'];
  if (qclass === undefined) throw new Error(`unknown class ${query.class}`);
  const question = query.noQuestion ? [] : [...name, ...u16(typeNumber(query.type ?? 'A')), ...u16(qclass)];
  return Uint8Array.from([
    ...u16(query.id ?? 0x4242),
    ...u16(query.flagBits ?? flags),
    ...counts.flatMap(u16),
    ...question,
    ...additional.flatMap((record) => [...record]),
    ...(query.trailing ?? []),
  ]);
}

function number(message: Uint8Array, at: number, octets: number): number {
  if (at + octets > message.length) throw new Error(`message ends at ${message.length}, read at ${at}`);
  return message.subarray(at, at + octets).reduce((sum, octet) => sum * 256 + octet, 0);
}

interface RawRecord extends MessageRecord {
  readonly ownerWire: Uint8Array;
  readonly rdataAt: number;
  readonly end: number;
}

function readRecord(message: Uint8Array, at: number): RawRecord {
  const owner = readName(message, at);
  const type = number(message, owner.end, 2);
  const length = number(message, owner.end + 8, 2);
  const rdataAt = owner.end + 10;
  const end = rdataAt + length;
  if (end > message.length) throw new Error(`${typeName(type)} RDATA runs past the message`);
  const { rdata, compressed } = expandRdata(type, message, rdataAt, length);
  return {
    owner: nameToText(owner.wire),
    ownerWire: owner.wire,
    type,
    class: number(message, owner.end + 2, 2),
    ttl: number(message, owner.end + 4, 4),
    rdata: Buffer.from(rdata).toString('hex'),
    text: rdataToText(type, rdata),
    compressed,
    rdataAt,
    end,
  };
}

function readOpt(message: Uint8Array, opt: RawRecord): Edns {
  const options: { code: number; data: Uint8Array }[] = [];
  for (let at = opt.rdataAt; at < opt.end; ) {
    const end = at + 4 + number(message, at + 2, 2);
    if (end > opt.end) throw new Error('EDNS option runs past OPT');
    options.push({ code: number(message, at, 2), data: message.slice(at + 4, end) });
    at = end;
  }
  const flags = opt.ttl & 0xffff;
  return {
    udpSize: opt.class,
    version: (opt.ttl >>> 16) & 255,
    dnssecOk: (flags & 0x8000) !== 0,
    flags: flags & 0x7fff,
    options,
  };
}

/** Decodes a message. Throws an Error on anything malformed; octets behind the counted records are malformed too. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < 12) throw new Error(`${bytes.length} octets are no message`);
  const bits = number(bytes, 2, 2);
  let at = 12;
  const question: { name: string; type: number; class: number }[] = [];
  for (let i = number(bytes, 4, 2); i > 0; i--) {
    const name = readName(bytes, at);
    if (name.compressed) throw new Error('compressed QNAME');
    question.push({
      name: nameToText(name.wire),
      type: number(bytes, name.end, 2),
      class: number(bytes, name.end + 2, 2),
    });
    at = name.end + 4;
  }
  const section = (countAt: number): RawRecord[] =>
    Array.from({ length: number(bytes, countAt, 2) }, () => {
      const record = readRecord(bytes, at);
      at = record.end;
      return record;
    });
  const answer = section(6);
  const authority = section(8);
  const additional = section(10);
  if (at !== bytes.length) throw new Error(`${bytes.length - at} octets behind the counted records`);
  const isMeta = (record: RawRecord): boolean => record.type === OPT || record.type === TSIG;
  if ([...answer, ...authority].some(isMeta)) throw new Error('OPT or TSIG outside the additional section');
  const opts = additional.filter((record) => record.type === OPT);
  const [opt] = opts;
  if (opts.length > 1) throw new Error('more than one OPT');
  if (opt && opt.ownerWire.length !== 1) throw new Error('OPT not owned by the root');
  const tsig = additional.findIndex((record) => record.type === TSIG);
  if (tsig >= 0 && tsig !== additional.length - 1) throw new Error('TSIG is not the last record');
  const flag = (mask: number): boolean => (bits & mask) !== 0;
  return {
    id: number(bytes, 0, 2),
    opcode: (bits >> 11) & 15,
    rcode: (bits & 15) | (opt ? (opt.ttl >>> 24) << 4 : 0),
    flags: {
      qr: flag(0x8000),
      aa: flag(0x400),
      tc: flag(0x200),
      rd: flag(0x100),
      ra: flag(0x80),
      z: flag(0x40),
      ad: flag(0x20),
      cd: flag(0x10),
    },
    question,
    answer: answer.map(plain),
    authority: authority.map(plain),
    additional: additional.filter((record) => record !== opt).map(plain),
    edns: opt && readOpt(bytes, opt),
    size: bytes.length,
  };
}

function plain({ owner, type, class: rclass, ttl, rdata, text, compressed }: RawRecord): MessageRecord {
  return { owner, type, class: rclass, ttl, rdata, text, compressed };
}

export { typeName, typeNumber };
