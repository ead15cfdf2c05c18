/** Addresses of other networks, up to the end of the RDATA: NSAP (RFC 1706 §5) and ATMA (ATM Forum af-saa-0069). */

import { hexDigit } from '../ip-address.js';
import type { Tokens } from '../tokens.js';
import { type Codec, failExpected } from './codec.js';

const DOT = 0x2e;
const PLUS = 0x2b;
/** Formats of ATMA: an ATM end system address in hexadecimal, or the digits of an E.164 number. */
const AESA = 0;
const E164 = 1;

const NSAP = 'an NSAP address such as 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00';
const ATM =
  'an ATM address: hexadecimal digits, or + and the digits of an E.164 number, with single dots between digits at most';

/** Writes the hexadecimal octets of the token from `from` on; dots between digits are skipped. */
function scanDottedHex(tokens: Tokens, from: number, out: Uint8Array, at: number, expected: string): number {
  let nibbles = 0;
  for (let i = from; i < tokens.end; i++) {
    const octet = tokens.bytes[i]!;
    if (octet === DOT) continue;
    const digit = hexDigit(octet);
    if (digit < 0) failExpected(tokens, expected);
    const to = at + (nibbles >> 1);
    out[to] = (nibbles & 1) === 0 ? digit << 4 : out[to]! | digit;
    nibbles++;
  }
  if (nibbles === 0 || (nibbles & 1) === 1) failExpected(tokens, expected);
  return at + (nibbles >> 1);
}

function hexOf(rdata: Uint8Array, at: number, end: number): string {
  return Buffer.from(rdata.subarray(at, end)).toString('hex');
}

export const nsap: Codec = {
  expected: NSAP,
  manyTokens: false,
  scan(tokens, _origin, out, at) {
    const { bytes, start, end } = tokens;
    if (end - start < 4 || bytes[start] !== 0x30 || (bytes[start + 1]! | 0x20) !== 0x78) failExpected(tokens, NSAP);
    return scanDottedHex(tokens, start + 2, out, at, NSAP);
  },
  check: (_wire, at, end) => (end > at ? end : -1),
  print: (rdata, at, end) => `0x${hexOf(rdata, at, end)}`,
};

/** Whether each dot of an ATM address stands alone between digits, as BIND has it; RFC 1706 lets NSAP have them anywhere. */
function hasStrayDot({ bytes, end }: Tokens, start: number): boolean {
  for (let i = start; i < end; i++)
    if (bytes[i] === DOT && (i === start || i === end - 1 || bytes[i + 1] === DOT)) return true;
  return false;
}

function isDigits(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! < 0x30 || bytes[i]! > 0x39) return false;
  return end > start;
}

export const atmAddress: Codec = {
  expected: ATM,
  manyTokens: false,
  scan(tokens, _origin, out, at) {
    const { bytes, start, end } = tokens;
    const isNumber = bytes[start] === PLUS;
    if (hasStrayDot(tokens, isNumber ? start + 1 : start)) failExpected(tokens, ATM);
    if (!isNumber) {
      out[at] = AESA;
      return scanDottedHex(tokens, start, out, at + 1, ATM);
    }
    out[at] = E164;
    let to = at + 1;
    for (let i = start + 1; i < end; i++) if (bytes[i] !== DOT) out[to++] = bytes[i]!;
    if (!isDigits(out, at + 1, to)) failExpected(tokens, ATM);
    return to;
  },
  check(wire, at, end) {
    if (end - at < 2) return -1;
    return wire[at] === E164 && !isDigits(wire, at + 1, end) ? -1 : end;
  },
  print(rdata, at, end) {
    if (rdata[at] === AESA) return hexOf(rdata, at + 1, end);
    if (rdata[at] === E164) return `+${Buffer.from(rdata.subarray(at + 1, end)).toString('latin1')}`;
    return undefined;
  },
};
