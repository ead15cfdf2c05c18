/** The location of LOC (RFC 1876 §3): latitude, longitude, altitude, and three precisions. */

import { readU32, writeU32 } from '../octets.js';
import type { Tokens } from '../tokens.js';
import { type Codec, failExpected, needToken, nextToken } from './codec.js';
import { parseUnsigned } from './integers.js';

/** Octets of version 0, the only one. */
const SIZE = 16;
/** Latitude and longitude are thousandths of a second of arc, from this value for the equator and prime meridian. */
const ZERO_ANGLE = 0x80000000;
const DEGREE = 3_600_000;
const MINUTE = 60_000;
/** Altitude is in centimetres, from 100,000 m below the WGS 84 spheroid. */
const ZERO_ALTITUDE = 10_000_000;
const MAX_ALTITUDE = 0xffffffff - ZERO_ALTITUDE;
const MAX_PRECISION = 9_000_000_000;
/** Size, horizontal and vertical precision when left out: 1 m, 10 km, 10 m. */
const DEFAULTS = [0x12, 0x16, 0x13];

const LATITUDE = 'a latitude such as 51 30 12.748 N';
const LONGITUDE = 'a longitude such as 0 7 39.611 W';
const ALTITUDE = 'an altitude from -100000.00m to 42849672.95m';
const PRECISION = 'a size or precision from 0m to 90000000.00m';

/** bytes[start … end) as a number with at most `decimals` decimal places, scaled by them to an integer, or NaN. */
function parseFixed(bytes: Uint8Array, start: number, end: number, decimals: number): number {
  const text = Buffer.from(bytes.subarray(start, Math.min(end, start + 32))).toString('latin1');
  const match = /^(-?)([0-9]{1,10})(?:\.([0-9]{0,3}))?$/.exec(text);
  const fraction = match?.[3] ?? '';
  if (match === null || end - start > 32 || fraction.length > decimals) return Number.NaN;
  const value = Number(match[2]) * 10 ** decimals + Number(fraction.padEnd(decimals, '0'));
  return match[1] === '-' ? -value : value;
}

/** 1 for the positive letter, -1 for the negative one, 0 for anything else. */
function hemisphere(tokens: Tokens, letters: string): number {
  if (tokens.end - tokens.start !== 1) return 0;
  const letter = String.fromCharCode(tokens.bytes[tokens.start]! & 0xdf);
  return letter === letters[0] ? 1 : letter === letters[1] ? -1 : 0;
}

function scanAngle(tokens: Tokens, letters: string, degrees: number, expected: string): number {
  const whole = parseUnsigned(tokens.bytes, tokens.start, tokens.end, degrees);
  if (whole < 0) failExpected(tokens, expected);
  let angle = whole * DEGREE;
  nextToken(tokens, expected);
  let sign = hemisphere(tokens, letters);
  if (sign === 0) {
    const minutes = parseUnsigned(tokens.bytes, tokens.start, tokens.end, 59);
    if (minutes < 0) failExpected(tokens, expected);
    angle += minutes * MINUTE;
    nextToken(tokens, expected);
    sign = hemisphere(tokens, letters);
  }
  if (sign === 0) {
    const seconds = parseFixed(tokens.bytes, tokens.start, tokens.end, 3);
    if (!(seconds >= 0 && seconds < MINUTE)) failExpected(tokens, expected);
    angle += seconds;
    nextToken(tokens, expected);
    sign = hemisphere(tokens, letters);
  }
  if (sign === 0 || angle > degrees * DEGREE) failExpected(tokens, expected);
  return ZERO_ANGLE + sign * angle;
}

/** Centimetres of a token in metres, with or without `m` behind it. */
function scanMetres(tokens: Tokens, min: number, max: number, expected: string): number {
  const { bytes, start, end } = tokens;
  const unit = end - start > 1 && (bytes[end - 1]! | 0x20) === 0x6d ? 1 : 0;
  const value = parseFixed(bytes, start, end - unit, 2);
  return value >= min && value <= max ? value : failExpected(tokens, expected);
}

/** Centimetres as a decimal digit and a power of ten, rounded down. */
function encodePrecision(centimetres: number): number {
  let mantissa = centimetres;
  let exponent = 0;
  for (; mantissa >= 10; exponent++) mantissa = Math.floor(mantissa / 10);
  return (mantissa << 4) | exponent;
}

function printAngle(value: number, letters: string): string {
  const angle = Math.abs(value - ZERO_ANGLE);
  const seconds = `${Math.floor((angle % MINUTE) / 1000)}.${String(angle % 1000).padStart(3, '0')}`;
  const letter = value >= ZERO_ANGLE ? letters[0] : letters[1];
  return `${Math.floor(angle / DEGREE)} ${Math.floor((angle % DEGREE) / MINUTE)} ${seconds} ${letter}`;
}

function printMetres(centimetres: number): string {
  const absolute = Math.abs(centimetres);
  const text = `${Math.floor(absolute / 100)}.${String(absolute % 100).padStart(2, '0')}m`;
  return centimetres < 0 ? `-${text}` : text;
}

function printPrecision(octet: number): string {
  const centimetres = (octet >> 4) * 10 ** (octet & 15);
  return centimetres % 100 === 0 ? `${centimetres / 100}m` : printMetres(centimetres);
}

export const location: Codec = {
  expected: LATITUDE,
  manyTokens: true,
  scan(tokens, _origin, out, at) {
    needToken(tokens, LATITUDE);
    writeU32(out, at + 4, scanAngle(tokens, 'NS', 90, LATITUDE));
    nextToken(tokens, LONGITUDE);
    writeU32(out, at + 8, scanAngle(tokens, 'EW', 180, LONGITUDE));
    nextToken(tokens, ALTITUDE);
    writeU32(out, at + 12, ZERO_ALTITUDE + scanMetres(tokens, -ZERO_ALTITUDE, MAX_ALTITUDE, ALTITUDE));
    out[at] = 0;
    for (let i = 0; i < DEFAULTS.length; i++) out[at + 1 + i] = DEFAULTS[i]!;
    for (let i = 1; i <= DEFAULTS.length && tokens.next(); i++)
      out[at + i] = encodePrecision(scanMetres(tokens, 0, MAX_PRECISION, PRECISION));
    return at + SIZE;
  },
  check(wire, at, end) {
    // Other versions may look like anything (RFC 1876 §2).
    if (at < end && wire[at] !== 0) return end;
    if (end - at !== SIZE) return -1;
    for (let i = 1; i <= 3; i++) if (wire[at + i]! >> 4 > 9 || (wire[at + i]! & 15) > 9) return -1;
    if (Math.abs(readU32(wire, at + 4) - ZERO_ANGLE) > 90 * DEGREE) return -1;
    return Math.abs(readU32(wire, at + 8) - ZERO_ANGLE) > 180 * DEGREE ? -1 : end;
  },
  print(rdata, at) {
    // A zero digit with a power of ten cannot be told from zero in text.
    for (let i = 1; i <= 3; i++) if (rdata[at + i]! > 0 && rdata[at + i]! >> 4 === 0) return undefined;
    if (rdata[at] !== 0) return undefined;
    return [
      printAngle(readU32(rdata, at + 4), 'NS'),
      printAngle(readU32(rdata, at + 8), 'EW'),
      printMetres(readU32(rdata, at + 12) - ZERO_ALTITUDE),
      ...[1, 2, 3].map((i) => printPrecision(rdata[at + i]!)),
    ].join(' ');
  },
};
