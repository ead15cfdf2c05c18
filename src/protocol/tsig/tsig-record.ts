/** The TSIG record (RFC 8945 §4.2): read from a message, and written. */
import { Class, Type } from '../iana.js';
import { LOWER, MAX_LABEL, MAX_NAME } from '../name.js';
import { readU16, readU32, writeU16, writeU32 } from '../octets.js';

/** The fields of a TSIG record. */
export interface TsigRecord {
  /** The place in its message where it begins, and where the signed part ends. */
  readonly at: number;
  /** The key's name, in lower case and uncompressed. */
  readonly name: Uint8Array;
  /** The algorithm's name, in lower case. */
  readonly algorithm: Uint8Array;
  /** Seconds since 1970, 48 bits. */
  readonly time: number;
  /** Seconds by which `time` may be wrong. */
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  readonly error: number;
  readonly other: Uint8Array;
}

/** Values of the field "error", besides 0 (RFC 8945 §3). */
export const TsigError = { BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const;

const POINTER = 0xc0;
/** Type, class, TTL, RDLENGTH. */
const FIXED = 10;
/** Time, fudge and MAC size; original ID, error and other length. */
const TIMES = 10;
const TAIL = 6;
const HEADER = 12;
const TWO_TO_32 = 2 ** 32;

/** Octets of the record that writeTsig() writes. */
export function tsigLength({ name, algorithm, mac, other }: Omit<TsigRecord, 'at'>): number {
  return name.length + FIXED + algorithm.length + TIMES + mac.length + TAIL + other.length;
}

/** Writes a record at out[at…]; returns where it ends. */
export function writeTsig(record: Omit<TsigRecord, 'at'>, out: Uint8Array, at: number): number {
  const { name, algorithm, mac, other } = record;
  out.set(name, at);
  let to = at + name.length;
  writeU16(out, to, Type.TSIG);
  writeU16(out, to + 2, Class.ANY);
  writeU32(out, to + 4, 0);
  writeU16(out, to + 8, tsigLength(record) - name.length - FIXED);
  to += FIXED;
  out.set(algorithm, to);
  to += algorithm.length;
  writeTime(out, to, record.time);
  writeU16(out, to + 6, record.fudge);
  writeU16(out, to + 8, mac.length);
  out.set(mac, to + TIMES);
  to += TIMES + mac.length;
  writeU16(out, to, record.originalId);
  writeU16(out, to + 2, record.error);
  writeU16(out, to + 4, other.length);
  out.set(other, to + TAIL);
  return to + TAIL + other.length;
}

/** Writes 48 bits of seconds since 1970. */
export function writeTime(out: Uint8Array, at: number, time: number): void {
  writeU16(out, at, Math.floor(time / TWO_TO_32));
  writeU32(out, at + 2, time % TWO_TO_32);
}

/**
 * Reads the record at message[at…], the last one of the message. Returns undefined when it is malformed, or when anything
 * follows it.
 */
export function readTsig(message: Uint8Array, at: number): TsigRecord | undefined {
  const end = message.length;
  const name = new Uint8Array(MAX_NAME);
  const owner = readName(message, at, name);
  if (owner === undefined || owner.end + FIXED > end) return undefined;
  const { end: fixed } = owner;
  if (readU16(message, fixed) !== Type.TSIG || readU16(message, fixed + 2) !== Class.ANY) return undefined;
  if (readU32(message, fixed + 4) !== 0) return undefined;
  const rdata = fixed + FIXED;
  if (rdata + readU16(message, fixed + 8) !== end) return undefined;
  const algorithm = new Uint8Array(MAX_NAME);
  // The algorithm's name is not compressed (RFC 8945 §4.2).
  const read = readName(message, rdata, algorithm, false);
  if (read === undefined || read.end + TIMES > end) return undefined;
  const times = read.end;
  const tail = times + TIMES + readU16(message, times + 8);
  if (tail + TAIL > end || tail + TAIL + readU16(message, tail + 4) !== end) return undefined;
  return {
    at,
    name: name.slice(0, owner.length),
    algorithm: algorithm.slice(0, read.length),
    time: readU16(message, times) * TWO_TO_32 + readU32(message, times + 2),
    fudge: readU16(message, times + 6),
    // Copies: slice() of a Buffer would be a view, and these outlive the message.
    mac: Uint8Array.from(message.subarray(times + TIMES, tail)),
    originalId: readU16(message, tail),
    error: readU16(message, tail + 2),
    other: Uint8Array.from(message.subarray(tail + TAIL, end)),
  };
}

/**
 * Where the TSIG record of a message begins: its last record, in the additional section. 0: it has none; -1: the message is
 * malformed, or has a TSIG record anywhere else (RFC 8945 §5.2).
 */
export function findTsig(message: Uint8Array): number {
  if (message.length < HEADER) return -1;
  const records = readU16(message, 6) + readU16(message, 8) + readU16(message, 10);
  let at = HEADER;
  for (let i = readU16(message, 4); i > 0; i--) {
    at = endOfName(message, at) + 4;
    if (at < HEADER || at > message.length) return -1;
  }
  for (let i = 1; i <= records; i++) {
    const owner = at;
    const fixed = endOfName(message, at);
    if (fixed < 0 || fixed + FIXED > message.length) return -1;
    at = fixed + FIXED + readU16(message, fixed + 8);
    if (at > message.length) return -1;
    if (readU16(message, fixed) !== Type.TSIG) continue;
    return i === records && readU16(message, 10) > 0 && at === message.length ? owner : -1;
  }
  return at === message.length ? 0 : -1;
}

/** The end of the possibly compressed name at message[at…]; far below 0 when it is malformed. */
function endOfName(message: Uint8Array, at: number): number {
  for (let to = at; to < message.length; ) {
    const length = message[to]!;
    if (length === 0) return to + 1;
    if (length >= POINTER) return to + 2;
    if (length > MAX_LABEL) break;
    to += length + 1;
  }
  return -HEADER;
}

/**
 * Writes the name at message[at…] in lower case and uncompressed at out[0…]. Each pointer has to point before the labels that
 * led to it, so that the walk ends.
 */
function readName(
  message: Uint8Array,
  at: number,
  out: Uint8Array,
  mayPoint = true,
): { readonly end: number; readonly length: number } | undefined {
  let from = at;
  let before = at;
  let used = 0;
  let end = 0;
  while (from < message.length) {
    const length = message[from]!;
    if (length >= POINTER) {
      if (!mayPoint || from + 1 >= message.length) return undefined;
      const target = ((length & ~POINTER) << 8) | message[from + 1]!;
      if (target >= before) return undefined;
      if (end === 0) end = from + 2;
      before = target;
      from = target;
      continue;
    }
    if (length > MAX_LABEL || used + length + 1 > MAX_NAME || from + length >= message.length) return undefined;
    for (let i = 0; i <= length; i++) out[used + i] = LOWER[message[from + i]!]!;
    used += length + 1;
    from += length + 1;
    if (length === 0) return { end: end === 0 ? from : end, length: used };
  }
  return undefined;
}
