/**
 * The service parameters of SVCB and HTTPS (RFC 9460 §2): a list of keys with values, each key once, in rising order.
 * Key 65535, reserved as invalid (§14.3.2), is accepted like any other, as BIND, NSD and ldns do.
 * Parameters of an alias (priority 0) are read too: clients ignore them (§2.4.2).
 */

import { indexOfOctet, readU16, writeU16 } from '../octets.js';
import type { Tokens } from '../tokens.js';
import { type Codec, failExpected, hasToken } from './codec.js';
import { parseUnsigned } from './integers.js';
import { quoteText, scanText } from './strings.js';
import { fixedList, SVC_VALUES, type SvcValue } from './svc-values.js';

const EQUALS = 0x3d;

const MANDATORY = 0;
const ALPN = 1;
const NO_DEFAULT_ALPN = 2;
const MAX_KEY = 65_535;

/** Octets before a value: its key and length. */
const HEADER = 4;

const mandatory: SvcValue = fixedList(
  MANDATORY,
  'mandatory',
  'a list of different keys such as alpn,port',
  2,
  (bytes, start, end, out, at) => {
    const key = keyOf(bytes, start, end);
    writeU16(out, at, key);
    return key > MANDATORY;
  },
  (wire, at) => keyToText(readU16(wire, at)),
  true,
);

const values: ReadonlyMap<number, SvcValue> = new Map([mandatory, ...SVC_VALUES].map((value) => [value.key, value]));
const keys: ReadonlyMap<string, number> = new Map(Array.from(values.values(), (value) => [value.name, value.key]));

/** The number of the key bytes[start … end), by name or as `key123`; -1 when it is neither. */
function keyOf(bytes: Uint8Array, start: number, end: number): number {
  const text = Buffer.from(bytes.subarray(start, end)).toString('latin1');
  const known = keys.get(text);
  if (known !== undefined || !/^key(0|[1-9][0-9]{0,4})$/.test(text)) return known ?? -1;
  return parseUnsigned(bytes, start + 3, end, MAX_KEY);
}

function keyToText(key: number): string {
  return values.get(key)?.name ?? `key${key}`;
}

/** Mandatory keys are sorted as all keys are (RFC 9460 §8). */
function sorted(wire: Uint8Array): Uint8Array {
  const pairs = Array.from({ length: wire.length / 2 }, (_, i) => readU16(wire, i * 2)).sort((a, b) => a - b);
  return Uint8Array.from(pairs.flatMap((key) => [key >> 8, key & 0xff]));
}

/**
 * The value behind the equals sign of the current token, escapes of character-strings resolved. A quoted value is a token of its
 * own; afterwards the current token is the parameter as a whole, for messages.
 */
function scanValue(tokens: Tokens, equals: number): Uint8Array {
  const { start, end } = tokens;
  const isQuoted = tokens.adjoinsString;
  if (isQuoted && equals !== end - 1) failExpected(tokens, 'a quote nowhere but behind the equals sign');
  if (equals >= end) return new Uint8Array(0);
  if (isQuoted) tokens.next();
  else tokens.start = equals + 1;
  const adjoins = tokens.adjoinsMore;
  const scratch = new Uint8Array(tokens.end - tokens.start);
  const value = scratch.subarray(0, scanText(tokens, scratch, 0));
  tokens.start = start;
  if (isQuoted) tokens.end++;
  tokens.quoted = false;
  if (adjoins) failExpected(tokens, 'a blank behind the closing quote');
  return value;
}

function scanParameter(tokens: Tokens): { key: number; value: Uint8Array } {
  const { bytes, start, end } = tokens;
  const found = indexOfOctet(bytes, EQUALS, start, end);
  const equals = found < 0 ? end : found;
  const key = keyOf(bytes, start, equals);
  if (key < 0) failExpected(tokens, `a service parameter key: ${Array.from(keys.keys()).join(', ')} or key65280`);
  const octets = scanValue(tokens, equals);
  const format = values.get(key);
  // A known key written as key123 has its value in wire format (RFC 9460 §2.1).
  if (format === undefined || bytes[start] === 0x6b) return { key, value: octets };
  const value = format.parse(octets);
  if (value === undefined) failExpected(tokens, `${format.name} with ${format.expected}`);
  return { key, value: key === MANDATORY ? sorted(value) : value };
}

/** Why wire[at … end) are malformed service parameters; undefined when they are well formed. */
function reasonAgainst(wire: Uint8Array, at: number, end: number): string | undefined {
  const present = new Set<number>();
  let before = -1;
  let required: number[] = [];
  for (let i = at; i < end; ) {
    if (i + HEADER > end) return 'the service parameters end within a key';
    const key = readU16(wire, i);
    const value = i + HEADER;
    const next = value + readU16(wire, i + 2);
    const name = keyToText(key);
    if (key === before) return `${name} is given twice`;
    if (key < before) return `${name} is not in rising order of keys`;
    if (next > end) return `the value of ${name} is longer than the RDATA`;
    if (values.get(key)?.check(wire, value, next) === false) return `the value of ${name} is malformed`;
    if (key === MANDATORY)
      required = Array.from({ length: (next - value) / 2 }, (_, k) => readU16(wire, value + k * 2));
    present.add(key);
    before = key;
    i = next;
  }
  if (required.includes(MANDATORY)) return 'mandatory names itself';
  if (required.some((key, i) => i > 0 && key < required[i - 1]!)) return 'mandatory is not in rising order of keys';
  const missing = required.find((key) => !present.has(key));
  if (missing !== undefined) return `${keyToText(missing)} is mandatory, but missing`;
  if (present.has(NO_DEFAULT_ALPN) && !present.has(ALPN)) return 'no-default-alpn is there without alpn';
  return undefined;
}

export const svcParams: Codec = {
  expected: 'service parameters such as alpn="h2,h3"',
  manyTokens: true,
  joins: true,
  scan(tokens, _origin, out, at, start) {
    const parameters: { key: number; value: Uint8Array }[] = [];
    for (; hasToken(tokens); tokens.next()) parameters.push(scanParameter(tokens));
    parameters.sort((a, b) => a.key - b.key);
    let to = at;
    for (const { key, value } of parameters) {
      if (to - start + HEADER + value.length > 65_535)
        tokens.fail('found service parameters that make more than 65535 octets of RDATA');
      writeU16(out, to, key);
      writeU16(out, to + 2, value.length);
      out.set(value, to + HEADER);
      to += HEADER + value.length;
    }
    const reason = reasonAgainst(out, at, to);
    if (reason !== undefined) tokens.fail(`found malformed service parameters: ${reason}`);
    return to;
  },
  check: (wire, at, end) => (reasonAgainst(wire, at, end) === undefined ? end : -1),
  print(rdata, at, end) {
    const texts: string[] = [];
    for (let i = at; i < end; ) {
      const key = readU16(rdata, i);
      const value = i + HEADER;
      const next = value + readU16(rdata, i + 2);
      const printed = (values.get(key)?.print ?? quoteText)(rdata, value, next);
      texts.push(next === value ? keyToText(key) : `${keyToText(key)}=${printed}`);
      i = next;
    }
    return texts.join(' ');
  },
};
