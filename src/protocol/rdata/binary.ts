/** Fields that are octets in hexadecimal, base64 or base32hex (RFC 4648). Hot file: no allocation in scanners. */
import { counted } from '../../errors.js';
import { base32hexToText, decodeBase32hex } from '../base32hex.js';
import { hexDigit } from '../ip-address.js';
import type { Tokens } from '../tokens.js';
import { type Codec, failExpected, hasToken, needToken } from './codec.js';

const DASH = 0x2d;
const PAD = 0x3d;

const HEX = 'an even number of hexadecimal digits';
const BASE64 = 'base64';

/** The value of each octet as a digit of base64; -1 for an octet that is none. */
const BASE64_DIGITS = new Int8Array(256).fill(-1);
for (const [value, digit] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  BASE64_DIGITS[digit.charCodeAt(0)] = value;
}

/** Writes the hexadecimal octets of the current token, and with `all` of all tokens behind it, at out[at…]. */
export function scanHex(tokens: Tokens, out: Uint8Array, at: number, all: boolean): number {
  let to = at;
  let high = -1;
  do {
    for (let i = tokens.start; i < tokens.end; i++) {
      const digit = hexDigit(tokens.bytes[i]!);
      if (digit < 0) failExpected(tokens, HEX);
      if (high < 0) {
        high = digit;
      } else {
        out[to++] = (high << 4) | digit;
        high = -1;
      }
    }
  } while (all && tokens.next());
  if (high >= 0) tokens.fail(`found an odd number of hexadecimal digits, expected ${HEX}`);
  return to;
}

/** Writes the base64 octets of the current token, and with `all` of all tokens behind it, at out[at…]. */
export function scanBase64(tokens: Tokens, out: Uint8Array, at: number, all: boolean): number {
  let to = at;
  let bits = 0;
  let digits = 0;
  let pads = 0;
  do {
    for (let i = tokens.start; i < tokens.end; i++) {
      const octet = tokens.bytes[i]!;
      if (octet === PAD) {
        pads++;
        continue;
      }
      const digit = BASE64_DIGITS[octet]!;
      if (digit < 0 || pads > 0) failExpected(tokens, BASE64);
      bits = (bits << 6) | digit;
      if (++digits === 4) {
        out[to++] = bits >>> 16;
        out[to++] = bits >>> 8;
        out[to++] = bits;
        digits = bits = 0;
      }
    }
  } while (all && tokens.next());
  if (digits === 0 && pads === 0) return to;
  if (digits === 2 && pads === 2 && (bits & 0xf) === 0) {
    out[to++] = bits >>> 4;
  } else if (digits === 3 && pads === 1 && (bits & 3) === 0) {
    out[to++] = bits >>> 10;
    out[to++] = bits >>> 2;
  } else {
    tokens.fail(`found base64 that ends in the middle of an octet, expected groups of four characters padded with "="`);
  }
  return to;
}

function printHex(rdata: Uint8Array, at: number, end: number): string {
  return Buffer.from(rdata.subarray(at, end)).toString('hex').toUpperCase();
}

/** base64 of rdata[at … end), unbroken. */
export function printBase64(rdata: Uint8Array, at: number, end: number): string {
  return Buffer.from(rdata.subarray(at, end)).toString('base64');
}

/** Hexadecimal up to the end. `lengths` maps the octet at `lengthAt` of the RDATA to a length. */
function hexRest(minimum: number, lengthAt = 0, lengths?: ReadonlyMap<number, number>): Codec {
  const fits = (wire: Uint8Array, length: number, start: number): boolean =>
    length >= minimum && (lengths?.get(wire[start + lengthAt]!) ?? length) === length;
  return {
    expected: HEX,
    manyTokens: true,
    scan(tokens, _origin, out, at, start) {
      needToken(tokens, HEX);
      const to = scanHex(tokens, out, at, true);
      if (!fits(out, to - at, start)) {
        const length = lengths?.get(out[start + lengthAt]!) ?? `at least ${minimum}`;
        tokens.fail(`found ${counted(to - at, 'octet')} in hexadecimal, expected ${length}`);
      }
      return to;
    },
    check: (wire, at, end, start) => (fits(wire, end - at, start) ? end : -1),
    print: printHex,
  };
}

/** Lengths of digests by digest type (IANA "DNSSEC Delegation Signer (DS) Digest Algorithms"). */
const DS_LENGTHS: ReadonlyMap<number, number> = new Map([
  [1, 20], // SHA-1
  [2, 32], // SHA-256
  [3, 32], // GOST R 34.11-94
  [4, 48], // SHA-384
  [5, 32], // GOST R 34.11-2012
  [6, 32], // SM3
]);

/** Lengths of digests by hash algorithm (RFC 8976 §2.2.3); with another algorithm at least 12 octets (§2.2.4). */
const ZONEMD_LENGTHS: ReadonlyMap<number, number> = new Map([
  [1, 48], // SHA-384
  [2, 64], // SHA-512
]);

export const hex = hexRest(1);
export const dsDigest = hexRest(1, 3, DS_LENGTHS);
export const zonemdDigest = hexRest(12, 5, ZONEMD_LENGTHS);

function base64Rest(minimum: number, none?: string): Codec {
  return {
    expected: BASE64,
    manyTokens: true,
    scan(tokens, _origin, out, at) {
      if (minimum > 0 || none !== undefined) needToken(tokens, BASE64);
      else if (!hasToken(tokens)) return at;
      if (none !== undefined && tokens.quoted) failExpected(tokens, `${BASE64} or "${none}", without quotes`);
      if (none !== undefined && isDash(tokens)) return at;
      const to = scanBase64(tokens, out, at, true);
      if (to - at < minimum) tokens.fail(`found no octets, expected ${BASE64}`);
      return to;
    },
    check: (_wire, at, end) => (end - at >= minimum ? end : -1),
    print: (rdata, at, end) => (at === end && none !== undefined ? none : printBase64(rdata, at, end)),
  };
}

export const base64 = base64Rest(1);
export const optionalBase64 = base64Rest(0);
export const dashedBase64 = base64Rest(0, '-');

function isDash(tokens: Tokens): boolean {
  return tokens.end - tokens.start === 1 && tokens.bytes[tokens.start] === DASH;
}

function checkCounted(wire: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const to = at + 1 + wire[at]!;
  return to <= end ? to : -1;
}

export const salt: Codec = {
  expected: 'a salt in hexadecimal, or "-" for none',
  manyTokens: false,
  scan(tokens, _origin, out, at) {
    const to = isDash(tokens) ? at + 1 : scanHex(tokens, out, at + 1, false);
    const length = to - at - 1;
    if (length === 0 && !isDash(tokens)) failExpected(tokens, salt.expected);
    if (length > 255) tokens.fail(`found a salt of ${length} octets, expected at most 255`);
    out[at] = length;
    return to;
  },
  check: checkCounted,
  print: (rdata, at, end) => (at + 1 === end ? '-' : printHex(rdata, at + 1, end)),
};

export const base32hex: Codec = {
  expected: 'base32hex without padding of 1 to 255 octets',
  manyTokens: false,
  scan(tokens, _origin, out, at) {
    const length = decodeBase32hex(tokens.bytes, tokens.start, tokens.end, out, at + 1);
    if (length < 1 || length > 255) failExpected(tokens, base32hex.expected);
    out[at] = length;
    return at + 1 + length;
  },
  check(wire, at, end) {
    const to = checkCounted(wire, at, end);
    return to > at + 1 ? to : -1;
  },
  print: (rdata, at, end) => base32hexToText(rdata, at + 1, end - at - 1),
};
