/**
 * Entries: the parts that the files of the state folder are made of. An entry is a header, a payload, and the header once more, so that one
 * damaged octet never hides which entry it has hit. Numbers are in network order; header and payload are filled up to eight octets.
 *
 *   header    magic, octets of the header, octets of the payload, CRC-32 of the payload, sequence number (48 bits), type, flags,
 *             FIELDS numbers that depend on the type, octets of the name, the name, filling, CRC-32 of all that
 *   back      the header with another magic, then the octets of the header and the magic of the end
 */
import { crc32 } from 'node:zlib';

/** Entries begin at multiples of this. */
export const ALIGNMENT = 8;
/** Numbers in a header whose meaning depends on the type. */
const FIELDS = 12;

const FRONT_MAGIC = 0xad0d5a7e;
const BACK_MAGIC = 0xad0d5a7b;
const END_MAGIC = 0xad0d5ae0;

const HEADER_LENGTH = 4;
const PAYLOAD_LENGTH = 8;
const PAYLOAD_CRC = 12;
const SEQUENCE = 16;
const TYPE = 22;
const FLAGS = 23;
const FIRST_FIELD = 24;
const NAME_LENGTH = FIRST_FIELD + FIELDS * 4;
const NAME = NAME_LENGTH + 2;
const CRC = 4;
const MIN_HEADER = align(NAME + CRC);
/** Octets of the longest name: that of a zone in presentation format, every octet escaped, beside the name of a table. */
const MAX_NAME = 2048;
const MAX_HEADER = align(NAME + MAX_NAME + CRC);
/** Octets behind the second header. */
const END = 8;
/** Octets of the largest payload. Larger values are in files of their own. */
const MAX_PAYLOAD = 0x7fffffff;

export const EntryType = {
  /** Begins a file: number of the format. */
  FILE: 1,
  /** All that is known of a zone, but for its content. */
  HEAD: 2,
  /** A zone's records, or where they are. */
  CONTENT: 3,
  /** A difference between two versions of a zone. */
  DIFFERENCE: 4,
  /** A value of a named table. */
  TABLE: 5,
  /** Something that was stored before could not be read. */
  LOSS: 6,
  /** A part of a large value, in a file of its own. */
  CHUNK: 7,
  /** All useful entries of older files stand before this. */
  MOVED: 8,
  /** The last entry of a file that another one continues. */
  CLOSED: 9,
  /** Takes the place of entries that were never acknowledged. */
  FILLER: 10,
  /** Begins the file of a large value. */
  VALUE: 11,
  /** The image of a small zone. */
  IMAGE: 12,
} as const;

/** The content of a header. */
export interface Entry {
  readonly type: number;
  /** Whether the entry removes the thing that has this name. */
  readonly isRemoval: boolean;
  /** Rises with each entry that is made; an entry that is copied keeps it. */
  readonly sequence: number;
  readonly name: string;
  /** Numbers of 32 bits; missing ones are 0. */
  readonly fields: readonly number[];
}

/** The content of a header, and where the parts of the entry are. */
export interface FoundEntry extends Entry {
  readonly headerLength: number;
  readonly payloadLength: number;
  readonly payloadCrc: number;
  /** Octets of the whole entry. */
  readonly length: number;
}

function align(octets: number): number {
  return (octets + ALIGNMENT - 1) & -ALIGNMENT;
}

/** CRC-32 of octets, as in zlib. */
export function checksum(octets: Uint8Array): number {
  return crc32(octets);
}

/**
 * The octets of an entry, and the content of its header. `crc` is the checksum that is written for the payload. Throws RangeError for a
 * name or a payload that is too long.
 */
export function encodeEntry(
  entry: Entry,
  payload: Uint8Array,
  crc: number = checksum(payload),
): { octets: Uint8Array; found: FoundEntry } {
  const name = Buffer.from(entry.name, 'utf8');
  if (name.length > MAX_NAME || payload.length > MAX_PAYLOAD) throw new RangeError('the entry is too long');
  const headerLength = align(NAME + name.length + CRC);
  const out = Buffer.alloc(headerLength + align(payload.length) + headerLength + END);
  out.writeUInt32BE(headerLength, HEADER_LENGTH);
  out.writeUInt32BE(payload.length, PAYLOAD_LENGTH);
  out.writeUInt32BE(crc, PAYLOAD_CRC);
  out.writeUIntBE(entry.sequence, SEQUENCE, 6);
  out[TYPE] = entry.type;
  out[FLAGS] = entry.isRemoval ? 1 : 0;
  entry.fields.forEach((field, i) => {
    out.writeUInt32BE(field, FIRST_FIELD + i * 4);
  });
  out.writeUInt16BE(name.length, NAME_LENGTH);
  out.set(name, NAME);
  const back = headerLength + align(payload.length);
  out.copyWithin(back, 0, headerLength);
  seal(out, 0, headerLength, FRONT_MAGIC);
  seal(out, back, headerLength, BACK_MAGIC);
  out.writeUInt32BE(headerLength, back + headerLength);
  out.writeUInt32BE(END_MAGIC, back + headerLength + 4);
  out.set(payload, headerLength);
  const found = { ...entry, headerLength, payloadLength: payload.length, payloadCrc: crc, length: out.length };
  return { octets: out, found };
}

function seal(out: Buffer, at: number, length: number, magic: number): void {
  out.writeUInt32BE(magic, at);
  out.writeUInt32BE(checksum(out.subarray(at, at + length - CRC)), at + length - CRC);
}

/** The entry that begins at octets[at]; undefined when no sound header is there. Its payload is not looked at, and may be missing. */
export function entryAt(octets: Buffer, at: number): FoundEntry | undefined {
  return headerAt(octets, at, FRONT_MAGIC);
}

/** The entry that ends before octets[end], by its second header; undefined when there is no sound one. */
export function entryBefore(octets: Buffer, end: number): FoundEntry | undefined {
  if (end < MIN_HEADER + END || octets.readUInt32BE(end - 4) !== END_MAGIC) return undefined;
  const at = end - END - octets.readUInt32BE(end - END);
  return at < 0 ? undefined : headerAt(octets, at, BACK_MAGIC);
}

/** Where the next sound header begins at or behind octets[from], which is a multiple of ALIGNMENT; -1: nowhere. */
export function nextEntry(octets: Buffer, from: number): number {
  for (let at = from; at + MIN_HEADER <= octets.length; at += ALIGNMENT)
    if (octets.readUInt32BE(at) === FRONT_MAGIC && entryAt(octets, at) !== undefined) return at;
  return -1;
}

function headerAt(octets: Buffer, at: number, magic: number): FoundEntry | undefined {
  if (at + MIN_HEADER > octets.length || octets.readUInt32BE(at) !== magic) return undefined;
  const headerLength = octets.readUInt32BE(at + HEADER_LENGTH);
  if (headerLength < MIN_HEADER || headerLength > MAX_HEADER || headerLength % ALIGNMENT !== 0) return undefined;
  const end = at + headerLength;
  if (end > octets.length || checksum(octets.subarray(at, end - CRC)) !== octets.readUInt32BE(end - CRC))
    return undefined;
  const payloadLength = octets.readUInt32BE(at + PAYLOAD_LENGTH);
  const nameLength = octets.readUInt16BE(at + NAME_LENGTH);
  const fields: number[] = [];
  for (let i = 0; i < FIELDS; i++) fields.push(octets.readUInt32BE(at + FIRST_FIELD + i * 4));
  return {
    type: octets[at + TYPE]!,
    isRemoval: octets[at + FLAGS] === 1,
    sequence: octets.readUIntBE(at + SEQUENCE, 6),
    name: octets.toString('utf8', at + NAME, at + NAME + nameLength),
    fields,
    headerLength,
    payloadLength,
    payloadCrc: octets.readUInt32BE(at + PAYLOAD_CRC),
    length: headerLength * 2 + align(payloadLength) + END,
  };
}
