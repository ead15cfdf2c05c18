/** Fields that are sets of types: the windows of NSEC (RFC 4034 §4.1.2) and the one bitmap of NXT (RFC 2535 §5.2). */
import type { Tokens } from '../tokens.js';
import { type Codec, failExpected, hasToken } from './codec.js';
import { rrtype } from './integers.js';
import { typeFromOctets, typeToText } from './table.js';

/** Octets of a window: 256 types. */
const WINDOW = 32;
/** NXT's bitmap ends here (RFC 2535 §5.2: types of 128 and above are not in it). */
const NXT_TYPES = 128;

/** The set of the record being scanned: one bit for every type, and for each window the number of octets in use. */
const bits = new Uint8Array(256 * WINDOW);
const used = new Uint8Array(256);

function gather(tokens: Tokens, limit: number): void {
  used.fill(0);
  for (; hasToken(tokens); tokens.next()) {
    const type = typeFromOctets(tokens.bytes, tokens.start, tokens.end);
    if (type < 0 || type >= limit) failExpected(tokens, rrtype.expected);
    include(type);
  }
}

function include(type: number): void {
  const window = type >> 8;
  if (used[window] === 0) bits.fill(0, window * WINDOW, (window + 1) * WINDOW);
  const octet = (type & 0xff) >> 3;
  bits[window * WINDOW + octet]! |= 0x80 >> (type & 7);
  if (octet >= used[window]!) used[window] = octet + 1;
}

/** Writes the windows of the set at out[at…] and returns where they end. */
function writeWindows(out: Uint8Array, at: number): number {
  let to = at;
  for (let window = 0; window < 256; window++) {
    if (used[window] === 0) continue;
    out[to] = window;
    out[to + 1] = used[window]!;
    to = append(window, out, to + 2);
  }
  return to;
}

/** Octets of the longest type bitmap. */
export const MAX_TYPE_BITMAP = 256 * (2 + WINDOW);

/** Writes the type bitmap of types[0 … count), in any order, at out[0…]; returns its length in octets. */
export function writeTypeBitmap(types: Uint16Array, count: number, out: Uint8Array): number {
  used.fill(0);
  for (let i = 0; i < count; i++) include(types[i]!);
  return writeWindows(out, 0);
}

/** The types of the well-formed bitmap at rdata[at … end), in rising order, as mnemonics. */
export function typesOfBitmap(rdata: Uint8Array, at: number, end: number): string[] {
  const texts: string[] = [];
  for (let i = at; i < end; i += 2 + rdata[i + 1]!)
    texts.push(...mnemonics(rdata, i + 2, i + 2 + rdata[i + 1]!, rdata[i]!));
  return texts;
}

function append(window: number, out: Uint8Array, at: number): number {
  const length = used[window]!;
  for (let i = 0; i < length; i++) out[at + i] = bits[window * WINDOW + i]!;
  return at + length;
}

function mnemonics(rdata: Uint8Array, at: number, end: number, window: number): string[] {
  const texts: string[] = [];
  for (let i = at; i < end; i++)
    for (let bit = 0; bit < 8; bit++)
      if ((rdata[i]! & (0x80 >> bit)) !== 0) texts.push(typeToText(window * 256 + (i - at) * 8 + bit));
  return texts;
}

export const typeBitmap: Codec = {
  expected: rrtype.expected,
  manyTokens: true,
  scan(tokens, _origin, out, at) {
    gather(tokens, 65_536);
    return writeWindows(out, at);
  },
  check(wire, at, end) {
    let before = -1;
    let to = at;
    while (to < end) {
      if (to + 2 > end) return -1;
      const window = wire[to]!;
      const length = wire[to + 1]!;
      to += 2 + length;
      // Windows are in rising order, not empty, and do not end in a zero octet.
      if (window <= before || length === 0 || length > WINDOW || to > end || wire[to - 1] === 0) return -1;
      before = window;
    }
    return to;
  },
  print: (rdata, at, end) => typesOfBitmap(rdata, at, end).join(' '),
};

export const nxtBitmap: Codec = {
  expected: rrtype.expected,
  manyTokens: true,
  scan(tokens, _origin, out, at) {
    gather(tokens, NXT_TYPES);
    return append(0, out, at);
  },
  check: (wire, at, end) => (end - at > NXT_TYPES / 8 || (end > at && wire[end - 1] === 0) ? -1 : end),
  print: (rdata, at, end) => mnemonics(rdata, at, end, 0).join(' '),
};
