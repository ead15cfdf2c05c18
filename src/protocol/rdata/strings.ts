/** Fields that are text: character-strings (RFC 1035 §3.3), tags and text up to the end. Hot file. */
import type { Tokens } from '../tokens.js';
import { type Codec, failExpected, hasToken, needToken } from './codec.js';
import { escapedOctet, escapeLength } from './names.js';

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
/** Octets of a character-string (RFC 1035 §3.3). */
const MAX_STRING = 255;

/** Writes the octets of the current token at out[at…], escapes resolved, and returns where they end. */
export function scanText(tokens: Tokens, out: Uint8Array, at: number): number {
  const { bytes, end } = tokens;
  let to = at;
  for (let i = tokens.start; i < end; i++) {
    let octet = bytes[i]!;
    if (octet === BACKSLASH) {
      octet = escapedOctet(bytes, i + 1, end);
      if (octet < 0) failExpected(tokens, 'a backslash to be followed by a character or three digits up to 255');
      i += escapeLength(bytes, i + 1);
    }
    out[to++] = octet;
  }
  return to;
}

function scanString(tokens: Tokens, out: Uint8Array, at: number): number {
  const to = scanText(tokens, out, at + 1);
  const length = to - at - 1;
  if (length > MAX_STRING) tokens.fail(`found a string of ${length} octets, expected at most ${MAX_STRING}`);
  out[at] = length;
  return to;
}

function checkString(wire: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const to = at + 1 + wire[at]!;
  return to <= end ? to : -1;
}

/** rdata[at … end) in quotes, escaped for a zone file. */
export function quoteText(rdata: Uint8Array, at: number, end: number): string {
  let text = '"';
  for (let i = at; i < end; i++) {
    const octet = rdata[i]!;
    if (octet === QUOTE || octet === BACKSLASH) text += `\\${String.fromCharCode(octet)}`;
    else if (octet < 0x20 || octet > 0x7e) text += `\\${String(octet).padStart(3, '0')}`;
    else text += String.fromCharCode(octet);
  }
  return `${text}"`;
}

const EXPECTED = 'a character-string, in quotes when it has blanks';

export const string: Codec = {
  expected: EXPECTED,
  manyTokens: false,
  joins: true,
  scan: (tokens, _origin, out, at) => scanString(tokens, out, at),
  check: checkString,
  print: (rdata, at, end) => quoteText(rdata, at + 1, end),
};

export const optionalString: Codec = {
  expected: EXPECTED,
  manyTokens: true,
  joins: true,
  scan: (tokens, _origin, out, at) => (hasToken(tokens) ? scanString(tokens, out, at) : at),
  check: (wire, at, end) => (at === end ? at : checkString(wire, at, end)),
  print: (rdata, at, end) => (at === end ? '' : quoteText(rdata, at + 1, end)),
};

export const strings: Codec = {
  expected: EXPECTED,
  manyTokens: true,
  joins: true,
  scan(tokens, _origin, out, at) {
    needToken(tokens, EXPECTED);
    let to = at;
    do to = scanString(tokens, out, to);
    while (tokens.next());
    return to;
  },
  check(wire, at, end) {
    let to = checkString(wire, at, end);
    while (to >= 0 && to < end) to = checkString(wire, to, end);
    return to;
  },
  print(rdata, at, end) {
    const parts: string[] = [];
    for (let i = at; i < end; i += rdata[i]! + 1) parts.push(quoteText(rdata, i + 1, i + 1 + rdata[i]!));
    return parts.join(' ');
  },
};

function isTag(wire: Uint8Array, at: number, end: number): boolean {
  for (let i = at; i < end; i++) {
    const octet = wire[i]!;
    const letter = octet | 0x20;
    if ((octet < 0x30 || octet > 0x39) && (letter < 0x61 || letter > 0x7a)) return false;
  }
  return end > at && end - at <= MAX_STRING;
}

export const tag: Codec = {
  expected: 'a tag of letters and digits such as issue',
  manyTokens: false,
  scan(tokens, _origin, out, at) {
    if (!isTag(tokens.bytes, tokens.start, tokens.end)) failExpected(tokens, tag.expected);
    return scanString(tokens, out, at);
  },
  check(wire, at, end) {
    const to = checkString(wire, at, end);
    return to >= 0 && isTag(wire, at + 1, to) ? to : -1;
  },
  print: (rdata, at, end) => Buffer.from(rdata.subarray(at + 1, end)).toString('latin1'),
};

export const text: Codec = {
  expected: 'a text in quotes',
  manyTokens: false,
  scan: (tokens, _origin, out, at) => scanText(tokens, out, at),
  check: (_wire, _at, end) => end,
  print: quoteText,
};
