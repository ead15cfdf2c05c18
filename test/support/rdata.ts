/**
 * RDATA for tests: presentation format ↔ uncompressed wire format of the types that test zones use, all others as
 * RFC 3597 `\# length hex`. Rows of fields, from which printer, parser and wire reader follow; independent of src/.
 */

import { readName } from './names.js';
import { type Field, parseField, printField } from './rdata-fields.js';

interface Row {
  readonly type: number;
  readonly fields: readonly Field[];
}

const row = (type: number, ...fields: Field[]): Row => ({ type, fields });

/** Mnemonic → number and fields; a type without fields is known by its mnemonic only. */
const ROWS: Readonly<Record<string, Row>> = {
  A: row(1, 'ipv4'),
  NS: row(2, 'name'),
  MD: row(3, 'name'),
  MF: row(4, 'name'),
  CNAME: row(5, 'name'),
  SOA: row(6, 'name', 'name', 'u32', 'u32', 'u32', 'u32', 'u32'),
  MB: row(7, 'name'),
  MG: row(8, 'name'),
  MR: row(9, 'name'),
  NULL: row(10),
  WKS: row(11),
  PTR: row(12, 'name'),
  HINFO: row(13, 'text', 'text'),
  MINFO: row(14, 'name', 'name'),
  MX: row(15, 'u16', 'name'),
  TXT: row(16, 'texts'),
  RP: row(17, 'name', 'name'),
  AFSDB: row(18, 'u16', 'name'),
  RT: row(21, 'u16', 'name'),
  SIG: row(24),
  KEY: row(25),
  PX: row(26, 'u16', 'name', 'name'),
  AAAA: row(28, 'ipv6'),
  LOC: row(29),
  NXT: row(30),
  SRV: row(33, 'u16', 'u16', 'u16', 'name'),
  NAPTR: row(35, 'u16', 'u16', 'text', 'text', 'text', 'name'),
  KX: row(36, 'u16', 'name'),
  CERT: row(37),
  DNAME: row(39, 'name'),
  OPT: row(41),
  APL: row(42),
  DS: row(43, 'u16', 'u8', 'u8', 'hex'),
  SSHFP: row(44, 'u8', 'u8', 'hex'),
  IPSECKEY: row(45),
  RRSIG: row(46, 'type', 'u8', 'u8', 'u32', 'time', 'time', 'u16', 'name', 'base64'),
  NSEC: row(47, 'name', 'types'),
  DNSKEY: row(48, 'u16', 'u8', 'u8', 'base64'),
  DHCID: row(49),
  NSEC3: row(50, 'u8', 'u8', 'u16', 'salt', 'hash', 'types'),
  NSEC3PARAM: row(51, 'u8', 'u8', 'u16', 'salt'),
  TLSA: row(52, 'u8', 'u8', 'u8', 'hex'),
  SMIMEA: row(53, 'u8', 'u8', 'u8', 'hex'),
  HIP: row(55),
  CDS: row(59, 'u16', 'u8', 'u8', 'hex'),
  CDNSKEY: row(60, 'u16', 'u8', 'u8', 'base64'),
  OPENPGPKEY: row(61, 'base64'),
  CSYNC: row(62, 'u32', 'u16', 'types'),
  ZONEMD: row(63, 'u32', 'u8', 'u8', 'hex'),
  SVCB: row(64, 'u16', 'name', 'svcparams'),
  HTTPS: row(65, 'u16', 'name', 'svcparams'),
  DSYNC: row(66),
  SPF: row(99, 'texts'),
  NID: row(104),
  L32: row(105),
  L64: row(106),
  LP: row(107),
  EUI48: row(108),
  EUI64: row(109),
  NXNAME: row(128),
  TKEY: row(249),
  TSIG: row(250),
  IXFR: row(251),
  AXFR: row(252),
  MAILB: row(253),
  MAILA: row(254),
  ANY: row(255),
  URI: row(256, 'u16', 'u16', 'rest'),
  CAA: row(257, 'u8', 'text', 'rest'),
};

const BY_TYPE = new Map(Object.entries(ROWS).map(([mnemonic, { type, fields }]) => [type, { mnemonic, fields }]));

/** Number of a type given as mnemonic, `TYPE123` or number. Throws on an unknown mnemonic. */
export function typeNumber(type: string | number): number {
  if (typeof type === 'number') return type;
  const known = ROWS[type.toUpperCase()];
  if (known) return known.type;
  const unknown = /^TYPE(\d+)$/i.exec(type);
  if (!unknown) throw new Error(`unknown type ${type}`);
  return Number(unknown[1]);
}

/** Mnemonic of a type, or `TYPE123`. */
export function typeName(type: number): string {
  return BY_TYPE.get(type)?.mnemonic ?? `TYPE${type}`;
}

/** Wire format of RDATA given as tokens in presentation format; names are absolute. */
export function rdataFromText(type: number, tokens: readonly string[]): Uint8Array {
  if (tokens[0] === '\\#') {
    const wire = Uint8Array.from(Buffer.from(tokens.slice(2).join(''), 'hex'));
    if (wire.length !== Number(tokens[1])) throw new Error(`\\# says ${tokens[1]} octets, has ${wire.length}`);
    return wire;
  }
  const fields = BY_TYPE.get(type)?.fields ?? [];
  if (fields.length === 0) throw new Error(`no presentation format for ${typeName(type)}; write it as \\#`);
  const left = [...tokens];
  const parts = fields.map((field) => parseField(field, left, typeNumber));
  if (left.length > 0) throw new Error(`left over in ${typeName(type)}: ${left.join(' ')}`);
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Presentation format of uncompressed RDATA. Throws when it is malformed. */
export function rdataToText(type: number, rdata: Uint8Array): string {
  const fields = BY_TYPE.get(type)?.fields ?? [];
  if (fields.length === 0) return `\\# ${rdata.length} ${Buffer.from(rdata).toString('hex')}`.trim();
  const words: string[] = [];
  let at = 0;
  for (const field of fields) {
    const { text, end } = printField(field, rdata, at, typeName);
    if (end > rdata.length) throw new Error(`${typeName(type)} RDATA too short`);
    if (text !== '') words.push(text);
    at = end;
  }
  if (at !== rdata.length) throw new Error(`${typeName(type)} RDATA too long`);
  return words.join(' ');
}

/** Fixed sizes of the fields that may stand before a name; `text` is read from its length octet. */
const FIXED: Partial<Record<Field, number>> = { u8: 1, u16: 2, u32: 4, type: 2, time: 4 };

/** The fields of each type up to its last name, for the types that have a name in their RDATA. */
const UP_TO_NAMES = new Map(
  Object.values(ROWS)
    .filter(({ fields }) => fields.includes('name'))
    .map(({ type, fields }) => [type, fields.slice(0, fields.lastIndexOf('name') + 1)]),
);
const NO_NAMES: readonly number[] = [];

interface ExpandedRdata {
  readonly rdata: Buffer;
  /** Where its names begin. */
  readonly names: readonly number[];
  /** Whether one of them had a pointer. */
  readonly compressed: boolean;
}

/** The RDATA between two offsets of a message, its names uncompressed. RDATA without names is a view of the message. */
export function expandRdata(type: number, message: Buffer, at: number, end: number): ExpandedRdata {
  const fields = UP_TO_NAMES.get(type);
  if (fields === undefined) return { rdata: message.subarray(at, end), names: NO_NAMES, compressed: false };
  const parts: Uint8Array[] = [];
  const names: number[] = [];
  let length = 0;
  let compressed = false;
  let from = at;
  for (const field of fields) {
    let next: number;
    let part: Uint8Array;
    if (field === 'name') {
      const name = readName(message, from, end);
      compressed ||= name.compressed;
      names.push(length);
      next = name.end;
      part = name.wire;
    } else {
      next = from + (FIXED[field] ?? 1 + (message[from] ?? 0));
      part = message.subarray(from, next);
    }
    if (next > end) throw new Error(`${typeName(type)} RDATA runs past its length`);
    parts.push(part);
    length += part.length;
    from = next;
  }
  parts.push(message.subarray(from, end));
  return { rdata: Buffer.concat(parts), names, compressed };
}

/** Splits a line of a zone file in presentation format into tokens; quoted strings keep their quotes. */
export function tokensOf(line: string): string[] {
  return Array.from(line.matchAll(/[^\s"]*"(?:\\.|[^"\\])*"|;.*|(?:\\.|[^\s";])+/g), (match) => match[0]).filter(
    (token) => !token.startsWith(';'),
  );
}
