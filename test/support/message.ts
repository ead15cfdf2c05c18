/**
 * The tests' own DNS messages in presentation format: an encoder of queries that can also build malformed ones, and a decoder
 * of responses. They share no code with the server, so they can judge it.
 */
import { type Edns, OPT, readMessage, type WireRecord } from './message-reader.js';
import { nameFromText, nameToText } from './names.js';
import { rdataToText, typeNumber } from './rdata.js';

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
  /** Octets after everything else. */
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

const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255];

/** Wire format of an OPT record. */
function buildOpt(edns: EdnsQuery): Uint8Array {
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

/** Decodes a message. Throws an Error on anything malformed, RDATA included. */
export function decodeMessage(bytes: Uint8Array): Message {
  const { id, bits, rcode, question, answer, authority, additional, edns } = readMessage(bytes);
  const flag = (mask: number): boolean => (bits & mask) !== 0;
  return {
    id,
    opcode: (bits >> 11) & 15,
    rcode,
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
    question: question.map(({ name, ...rest }) => ({ name: nameToText(name), ...rest })),
    answer: answer.map(inText),
    authority: authority.map(inText),
    additional: additional.map(inText),
    edns,
    size: bytes.length,
  };
}

function inText({ owner, type, class: rclass, ttl, rdata, compressed }: WireRecord): MessageRecord {
  return {
    owner: nameToText(owner),
    type,
    class: rclass,
    ttl,
    rdata: rdata.toString('hex'),
    text: rdataToText(type, rdata),
    compressed,
  };
}
