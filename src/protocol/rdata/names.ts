/** Fields that are domain names. Hot file: no allocation in scanners. */
import { MAX_LABEL, MAX_NAME, nameToText } from '../name.js';
import type { Tokens } from '../tokens.js';
import { type Codec, quoteToken } from './codec.js';

const DOT = 0x2e;
const AT = 0x40;
const BACKSLASH = 0x5c;

function failName(tokens: Tokens, reason: string): never {
  return tokens.fail(`found ${quoteToken(tokens)}, expected a domain name: ${reason}`);
}

/** The octet of the escape behind the backslash at bytes[i - 1], `\DDD` or `\X` (RFC 1035 §5.1); -1: malformed. */
export function escapedOctet(bytes: Uint8Array, i: number, end: number): number {
  if (i >= end) return -1;
  const first = bytes[i]! - 0x30;
  if (first < 0 || first > 9) return bytes[i]!;
  if (i + 3 > end) return -1;
  const second = bytes[i + 1]! - 0x30;
  const third = bytes[i + 2]! - 0x30;
  if (second < 0 || second > 9 || third < 0 || third > 9) return -1;
  const value = first * 100 + second * 10 + third;
  return value > 255 ? -1 : value;
}

/** Octets of that escape behind its backslash: 3 or 1. */
export function escapeLength(bytes: Uint8Array, i: number): number {
  return bytes[i]! >= 0x30 && bytes[i]! <= 0x39 ? 3 : 1;
}

/**
 * Writes the name of the current token at out[at…] in wire format and returns where it ends. `@` is the origin; a name
 * without a final dot is relative to it. Fails through the tokens.
 */
export function scanName(tokens: Tokens, origin: Uint8Array, out: Uint8Array, at: number): number {
  const { bytes, start, end } = tokens;
  if (end - start <= 1) {
    if (end === start) failName(tokens, 'it is empty');
    if (bytes[start] === DOT) {
      out[at] = 0;
      return at + 1;
    }
    if (bytes[start] === AT) return copyOctets(origin, out, at);
  }
  let label = at;
  let to = at + 1;
  for (let i = start; i < end; i++) {
    let octet = bytes[i]!;
    if (octet === DOT) {
      const length = to - label - 1;
      if (length === 0) failName(tokens, 'it has an empty label');
      if (length > MAX_LABEL) failName(tokens, `it has a label of ${length} octets, more than ${MAX_LABEL}`);
      out[label] = length;
      label = to++;
      continue;
    }
    if (octet === BACKSLASH) {
      octet = escapedOctet(bytes, i + 1, end);
      if (octet < 0) failName(tokens, 'a backslash is to be followed by a character or three digits up to 255');
      i += escapeLength(bytes, i + 1);
    }
    out[to++] = octet;
  }
  const length = to - label - 1;
  if (length > MAX_LABEL) failName(tokens, `it has a label of ${length} octets, more than ${MAX_LABEL}`);
  if (length === 0) {
    out[label] = 0;
    if (to - at > MAX_NAME) failName(tokens, `it has ${to - at} octets, more than ${MAX_NAME}`);
    return to;
  }
  out[label] = length;
  const whole = to - at + origin.length;
  if (whole > MAX_NAME) failName(tokens, `with its origin it has ${whole} octets, more than ${MAX_NAME}`);
  return copyOctets(origin, out, to);
}

function copyOctets(from: Uint8Array, out: Uint8Array, at: number): number {
  for (let i = 0; i < from.length; i++) out[at + i] = from[i]!;
  return at + from.length;
}

/** Where the uncompressed name at wire[at…] ends, or -1 when it is malformed or runs past `end`. */
export function checkName(wire: Uint8Array, at: number, end: number): number {
  let to = at;
  while (to < end) {
    const length = wire[to]!;
    if (length > MAX_LABEL) return -1;
    to += length + 1;
    if (to - at > MAX_NAME) return -1;
    if (length === 0) return to;
  }
  return -1;
}

/** The codec of all kinds of names: they differ only in messages and in canonical form (wire.ts). */
export const name: Codec = {
  expected: 'a domain name',
  manyTokens: false,
  scan: scanName,
  check: checkName,
  print: (rdata, at) => nameToText(rdata, at),
};
