/**
 * Reads DNS messages for tests: every name is uncompressed, everything else stays octets. Nothing malformed is accepted
 * (RFC 1035 §4.1, RFC 6891 §6.1.1, RFC 8945 §5.1). It shares no code with the server, so it can judge it; and it is fast,
 * because the differential test reads 400,000 answers.
 */
import { readName } from './names.js';
import { expandRdata, typeName } from './rdata.js';

export const OPT = 41;
const TSIG = 250;
const HEADER = 12;

interface WireQuestion {
  /** Wire format, as all names here. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
}

export interface WireRecord {
  readonly owner: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  /** Its names are uncompressed. May be a view of the message. */
  readonly rdata: Buffer;
  /** Where its names begin. */
  readonly names: readonly number[];
  /** Whether a name in the RDATA had a compression pointer. */
  readonly compressed: boolean;
}

export interface Edns {
  readonly udpSize: number;
  readonly version: number;
  readonly dnssecOk: boolean;
  /** The flag bits besides DO. */
  readonly flags: number;
  readonly options: readonly { readonly code: number; readonly data: Uint8Array }[];
}

interface WireMessage {
  readonly id: number;
  /** The 16 bits of flags, opcode and RCODE. */
  readonly bits: number;
  /** With the upper eight bits of OPT. */
  readonly rcode: number;
  readonly question: readonly WireQuestion[];
  readonly answer: readonly WireRecord[];
  readonly authority: readonly WireRecord[];
  /** Without OPT. */
  readonly additional: readonly WireRecord[];
  readonly edns: Edns | undefined;
}

/** Throws an Error on anything malformed, octets after the counted records included. Of RDATA it checks only the names. */
export function readMessage(octets: Uint8Array): WireMessage {
  if (octets.length < HEADER) throw new Error(`${octets.length} octets are no message`);
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  const bits = bytes.readUInt16BE(2);
  let at = HEADER;
  const question: WireQuestion[] = [];
  for (let left = bytes.readUInt16BE(4); left > 0; left--) {
    const { wire, end, compressed } = readName(bytes, at);
    if (compressed) throw new Error('compressed QNAME');
    question.push({ name: wire, type: bytes.readUInt16BE(end), class: bytes.readUInt16BE(end + 2) });
    at = end + 4;
  }
  const section = (count: number): WireRecord[] => {
    const records: WireRecord[] = [];
    for (let left = count; left > 0; left--) at = readRecord(bytes, at, records);
    return records;
  };
  const answer = section(bytes.readUInt16BE(6));
  const authority = section(bytes.readUInt16BE(8));
  const additional = section(bytes.readUInt16BE(10));
  if (at !== bytes.length) throw new Error(`${bytes.length - at} octets behind the counted records`);
  if (answer.some(isMeta) || authority.some(isMeta)) throw new Error('OPT or TSIG outside the additional section');
  const tsig = additional.findIndex(({ type }) => type === TSIG);
  if (tsig >= 0 && tsig !== additional.length - 1) throw new Error('TSIG is not the last record');
  const opt = takeOpt(additional);
  return {
    id: bytes.readUInt16BE(0),
    bits,
    rcode: (bits & 15) | (opt ? (opt.ttl >>> 24) << 4 : 0),
    question,
    answer,
    authority,
    additional,
    edns: opt && readOpt(opt),
  };
}

function isMeta({ type }: WireRecord): boolean {
  return type === OPT || type === TSIG;
}

/** Appends the record at `at` and returns where it ends. */
function readRecord(message: Buffer, at: number, records: WireRecord[]): number {
  const { wire: owner, end: fixed } = readName(message, at);
  const type = message.readUInt16BE(fixed);
  const rclass = message.readUInt16BE(fixed + 2);
  const ttl = message.readUInt32BE(fixed + 4);
  const from = fixed + 10;
  const end = from + message.readUInt16BE(fixed + 8);
  if (end > message.length) throw new Error(`${typeName(type)} RDATA runs past the message`);
  records.push({ owner, type, class: rclass, ttl, ...expandRdata(type, message, from, end) });
  return end;
}

/** Removes the OPT record of the additional section and returns it. */
function takeOpt(additional: WireRecord[]): WireRecord | undefined {
  const at = additional.findIndex(({ type }) => type === OPT);
  if (at < 0) return undefined;
  const [opt] = additional.splice(at, 1);
  if (additional.some(({ type }) => type === OPT)) throw new Error('more than one OPT');
  if (opt && opt.owner.length !== 1) throw new Error('OPT not owned by the root');
  return opt;
}

function readOpt({ class: udpSize, ttl, rdata }: WireRecord): Edns {
  const options: { code: number; data: Uint8Array }[] = [];
  for (let at = 0; at < rdata.length; ) {
    const end = at + 4 + rdata.readUInt16BE(at + 2);
    if (end > rdata.length) throw new Error('EDNS option runs past OPT');
    options.push({ code: rdata.readUInt16BE(at), data: Uint8Array.from(rdata.subarray(at + 4, end)) });
    at = end;
  }
  const flags = ttl & 0xffff;
  return {
    udpSize,
    version: (ttl >>> 16) & 255,
    dnssecOk: (flags & 0x8000) !== 0,
    flags: flags & 0x7fff,
    options,
  };
}
