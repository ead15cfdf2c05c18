/** Fields that are numbers: plain ones, times, and numbers that have mnemonics. Hot file: no allocation in scanners. */

import { readU16, readU32, writeU16, writeU32 } from '../octets.js';
import type { Tokens } from '../tokens.js';
import { type Codec, failExpected } from './codec.js';
import { ALGORITHMS, CERTIFICATE_TYPES, DIGEST_TYPES, DSYNC_SCHEMES, type Mnemonics } from './mnemonics.js';
import { typeFromOctets, typeToText } from './table.js';

const ZERO = 0x30;

/** The decimal number bytes[start … end), or -1 when it is no number or above `max` (below 2^53 / 10). */
export function parseUnsigned(bytes: Uint8Array, start: number, end: number, max: number): number {
  if (start === end) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > max) return -1;
  }
  return value;
}

/** Seconds in a unit by the unit's letter; 0: it is no unit. */
function unitSeconds(octet: number): number {
  switch (octet | 0x20) {
    case 0x73: // s
      return 1;
    case 0x6d: // m
      return 60;
    case 0x68: // h
      return 3600;
    case 0x64: // d
      return 86_400;
    case 0x77: // w
      return 604_800;
    default:
      return 0;
  }
}

/** The seconds of bytes[start … end), plain or with units (`1h30m`); -1 when malformed or above 2^32 - 1. */
export function parsePeriod(bytes: Uint8Array, start: number, end: number): number {
  let total = 0;
  let value = 0;
  let digits = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits++;
    } else {
      const unit = unitSeconds(bytes[i]!);
      if (unit === 0 || digits === 0) return -1;
      total += value * unit;
      value = digits = 0;
    }
    if (total > 0xffffffff || value > 0xffffffff) return -1;
  }
  // A number behind units needs a unit too: 1h30 is ambiguous.
  if (digits > 0 && total > 0) return -1;
  if (start === end) return -1;
  return total + value;
}

const DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/**
 * Seconds since 1970 of `YYYYMMDDHHMMSS`, modulo 2^32, or of a plain number below 2^32 (RFC 4034 §3.2); -1 when it is
 * neither, or no date. Dates before 1970 and after 2106 are accepted because signatures are compared in serial arithmetic
 * (§3.1.5), and BIND and ldns print times within 68 years of the present.
 */
function parseTime(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 14) return parseUnsigned(bytes, start, end, 0xffffffff);
  const year = parseUnsigned(bytes, start, start + 4, 9999);
  const month = parseUnsigned(bytes, start + 4, start + 6, 12);
  const day = parseUnsigned(bytes, start + 6, start + 8, 31);
  const hour = parseUnsigned(bytes, start + 8, start + 10, 23);
  const minute = parseUnsigned(bytes, start + 10, start + 12, 59);
  const second = parseUnsigned(bytes, start + 12, end, 60);
  if (year < 1900 || month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0) return -1;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  const length = DAYS_BEFORE[month]! - DAYS_BEFORE[month - 1]! + (month === 2 ? leap : 0);
  if (day > length) return -1;
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  return (seconds + 0x100000000) % 0x100000000;
}

/** A codec of a number of `size` octets, read from its token by `parse` (-1: malformed). */
function integer(
  size: 1 | 2 | 4,
  expected: string,
  parse: (bytes: Uint8Array, start: number, end: number) => number,
  print: (value: number) => string = String,
): Codec {
  const read = (wire: Uint8Array, at: number): number =>
    size === 1 ? wire[at]! : size === 2 ? readU16(wire, at) : readU32(wire, at);
  return {
    expected,
    manyTokens: false,
    scan(tokens, _origin, out, at) {
      const value = parse(tokens.bytes, tokens.start, tokens.end);
      if (value < 0) failExpected(tokens, expected);
      if (size === 1) out[at] = value;
      else if (size === 2) writeU16(out, at, value);
      else writeU32(out, at, value);
      return at + size;
    },
    check: (_wire, at, end) => (at + size <= end ? at + size : -1),
    print: (rdata, at) => print(read(rdata, at)),
  };
}

/** A number of `size` octets that may be given by a mnemonic, and is printed as one when `printed` is true. */
function named(size: 1 | 2, what: string, mnemonics: Mnemonics, printed: boolean): Codec {
  const max = size === 1 ? 255 : 65_535;
  const example = mnemonics.keys().next().value;
  return integer(
    size,
    `${what}: a number from 0 to ${max} or a mnemonic such as ${example}`,
    (bytes, start, end) => {
      const value = parseUnsigned(bytes, start, end, max);
      if (value >= 0) return value;
      return mnemonics.get(Buffer.from(bytes.subarray(start, end)).toString('latin1').toUpperCase()) ?? -1;
    },
    (value) => {
      if (printed) for (const [mnemonic, number] of mnemonics) if (number === value) return mnemonic;
      return String(value);
    },
  );
}

function plain(size: 1 | 2 | 4, max: number): Codec {
  return integer(size, `a number from 0 to ${max}`, (bytes, start, end) => parseUnsigned(bytes, start, end, max));
}

function printTime(value: number): string {
  const text = new Date(value * 1000).toISOString();
  const date = text.slice(0, 4) + text.slice(5, 7) + text.slice(8, 10);
  return date + text.slice(11, 13) + text.slice(14, 16) + text.slice(17, 19);
}

export const u8 = plain(1, 255);
export const u16 = plain(2, 65_535);
export const u32 = plain(4, 0xffffffff);
export const period = integer(4, 'a number of seconds, or a time with units such as 1h30m', parsePeriod);
export const time = integer(4, 'a time YYYYMMDDHHMMSS in UTC, or seconds since 1970', parseTime, printTime);
export const rrtype = integer(2, 'a record type such as A or TYPE65280', typeFromOctets, typeToText);
export const algorithm = named(1, 'a DNSSEC algorithm', ALGORITHMS, false);
export const digestType = named(1, 'a digest type', DIGEST_TYPES, false);
export const certificateType = named(2, 'a certificate type', CERTIFICATE_TYPES, true);
export const scheme = named(1, 'a DSYNC scheme', DSYNC_SCHEMES, true);

const U64_DIGITS = 20;
const U64_MAX = 0xffffffffffffffffn;
const U32_MAX = 0xffffffff;

/** Two numbers of 32 bits with a dot between them are the halves of the number (draft-johnson-dns-ipn-cla §3.1). */
function parseU64(tokens: Tokens): bigint {
  const text = Buffer.from(tokens.bytes.subarray(tokens.start, tokens.end)).toString('latin1');
  const [, high, low] = /^([0-9]{1,10})\.([0-9]{1,10})$/.exec(text) ?? [];
  if (high !== undefined && low !== undefined && Number(high) <= U32_MAX && Number(low) <= U32_MAX)
    return (BigInt(high) << 32n) | BigInt(low);
  const value = text.length <= U64_DIGITS && /^[0-9]+$/.test(text) ? BigInt(text) : -1n;
  return value < 0n || value > U64_MAX ? failExpected(tokens, u64.expected) : value;
}

export const u64: Codec = {
  expected: `a number from 0 to ${U64_MAX}`,
  manyTokens: false,
  scan(tokens, _origin, out, at) {
    const value = parseU64(tokens);
    writeU32(out, at, Number(value >> 32n));
    writeU32(out, at + 4, Number(value & 0xffffffffn));
    return at + 8;
  },
  check: (_wire, at, end) => (at + 8 <= end ? at + 8 : -1),
  print: (rdata, at) => String((BigInt(readU32(rdata, at)) << 32n) | BigInt(readU32(rdata, at + 4))),
};
