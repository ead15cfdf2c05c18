/**
 * One record of a zone file (RFC 1035 §5.1): [owner] [TTL] [class] type RDATA, TTL and class in either order. Hot file: no
 * allocation for ordinary records, which go from the file's octets straight into the store.
 */
import { Class, Type } from '../protocol/iana.js';
import { MAX_LABEL, MAX_NAME } from '../protocol/name.js';
import { readU32 } from '../protocol/octets.js';
import { quoteToken } from '../protocol/rdata/codec.js';
import { parsePeriod } from '../protocol/rdata/integers.js';
import { scanName } from '../protocol/rdata/names.js';
import { scanRdata } from '../protocol/rdata/scan.js';
import { typeFromOctets, typeToText } from '../protocol/rdata/table.js';
import type { Tokens } from '../protocol/tokens.js';
import { BAD_OWNER, type FileContext, NO_OWNER, NO_TTL } from './read-context.js';
import { NO_NODE } from './store.js';

const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;
const AT = 0x40;
const BACKSLASH = 0x5c;
const LETTER_C = 0x43;
const LETTER_H = 0x48;
const LETTER_I = 0x49;
const LETTER_L = 0x4c;
const LETTER_N = 0x4e;
const LETTER_O = 0x4f;
/** ASCII letters without this bit are upper case. */
const CASE_BIT = 0x20;
/** The highest TTL (RFC 2181 §8). */
const MAX_TTL = 0x7fffffff;
/** The store has 16 bits for a column. */
const MAX_COLUMN = 0xffff;
/** Octets of MINIMUM, the last field of SOA RDATA (RFC 1035 §3.3.13). */
const SOA_MINIMUM = 4;

/**
 * Reads an entry and adds it to the store. The tokens stand before its first token: the owner, unless the entry begins with
 * a blank. Throws ZoneSyntaxError.
 */
export function readRecord(file: FileContext): void {
  const tokens = file.tokens;
  if (!tokens.next()) return;
  const line = tokens.line;
  const column = tokens.column;
  if (!tokens.leadingSpace) {
    file.owner = BAD_OWNER;
    file.owner = readOwner(file, tokens);
    if (!tokens.next()) tokens.fail('found the end of the record, expected TTL, class or type');
  } else if (file.owner === NO_OWNER) {
    tokens.fail('found a record without owner, and none before it; expected an owner in column 1');
  }

  let ttl = NO_TTL;
  let isClassSeen = false;
  for (;;) {
    const octet = tokens.bytes[tokens.start]!;
    if (octet >= ZERO && octet <= NINE && ttl === NO_TTL && !tokens.quoted) ttl = readTtl(file, tokens);
    else if (!isClassSeen && isClassIn(tokens)) isClassSeen = true;
    else break;
    if (!tokens.next()) tokens.fail('found the end of the record, expected its type');
  }
  const type = readType(tokens);

  const { read } = file;
  const { store } = read;
  store.reserveRdata();
  const rdata = store.rdata;
  const at = store.rdataUsed;
  // Relative names can make RDATA thirty times as long as its text.
  const limit = read.limits.maxOctets;
  if (at > limit) tokens.fail(`found more than ${limit} octets of RDATA, expected no more in a zone`);
  const length = scanRdata(type, tokens, file.origin, rdata, at);
  if (ttl !== NO_TTL) read.lastTtl = ttl;
  else if (read.defaultTtl !== NO_TTL) ttl = read.defaultTtl;
  else if (read.lastTtl !== NO_TTL) ttl = read.lastTtl;
  else if (type === Type.SOA) ttl = read.defaultTtl = soaMinimum(rdata, at + length);
  else tokens.fail('found a record without TTL, and no $TTL, SOA or TTL before it; expected one of these');
  if (file.owner === BAD_OWNER) return;
  if (file.fixedLine !== 0)
    store.add(file.owner, type, ttl, length, file.number, file.fixedLine, Math.min(file.fixedColumn, MAX_COLUMN));
  else store.add(file.owner, type, ttl, length, file.number, line, Math.min(column, MAX_COLUMN));
}

/**
 * The node of the owner that is the current token. Owners usually have one label below the origin, or share the rest behind
 * their first label with an earlier owner. Their node is then found without writing the whole name.
 */
function readOwner(file: FileContext, tokens: Tokens): number {
  const { bytes, start, end } = tokens;
  const { store, name } = file.read;
  const length = end - start;
  if (length === 1 && bytes[start] === AT && !tokens.quoted) return file.originNode;
  const stop = Math.min(length, MAX_LABEL);
  let first = 0;
  for (; first < stop; first++) {
    const octet = bytes[start + first]!;
    if (octet === DOT || octet === BACKSLASH) break;
    name[first + 1] = octet;
  }
  const suffixStart = start + first + 1;
  const hasSuffix = first > 0 && suffixStart < end && bytes[start + first] === DOT;
  let parent = NO_NODE;
  if (first > 0 && first === length && first + 1 + file.origin.length <= MAX_NAME) parent = file.originNode;
  else if (hasSuffix && first + 1 + file.suffixLength <= MAX_NAME && isSuffix(file, bytes, suffixStart, end))
    parent = file.suffixNode;
  if (parent !== NO_NODE) {
    name[0] = first;
    return store.child(parent, name, 0);
  }
  const wireLength = scanName(tokens, file.origin, name, 0);
  const node = store.intern(name);
  if (hasSuffix) {
    file.suffixBytes = bytes;
    file.suffixStart = suffixStart;
    file.suffixEnd = end;
    file.suffixNode = store.parent[node]!;
    file.suffixLength = wireLength - first - 1;
  }
  return node;
}

/** Whether bytes[start … end) is the last text that named `file.suffixNode`. */
function isSuffix(file: FileContext, bytes: Uint8Array, start: number, end: number): boolean {
  const { suffixBytes, suffixStart } = file;
  if (end - start !== file.suffixEnd - suffixStart) return false;
  for (let i = end - start - 1; i >= 0; i--) if (bytes[start + i] !== suffixBytes[suffixStart + i]) return false;
  return true;
}

/** The TTL that is the current token, in seconds. */
function readTtl(file: FileContext, tokens: Tokens): number {
  const ttl = parsePeriod(tokens.bytes, tokens.start, tokens.end);
  if (ttl < 0) tokens.fail(`found ${quoteToken(tokens)}, expected a TTL such as 3600 or 1h30m, a class or a type`);
  return usableTtl(file, tokens, ttl);
}

/** A TTL with the highest bit set is 0, with a warning (RFC 2181 §8), as in BIND. */
export function usableTtl(file: FileContext, tokens: Tokens, ttl: number): number {
  if (ttl <= MAX_TTL) return ttl;
  const message = `found a TTL of ${ttl}, expected at most ${MAX_TTL}; it is taken as 0`;
  file.read.diagnostics.warning(file.file, file.fixedLine || tokens.line, file.fixedColumn || tokens.column, message);
  return 0;
}

/** Whether the current token is a class, which has to be IN, also written CLASS1 (RFC 3597 §5). */
function isClassIn(tokens: Tokens): boolean {
  const { bytes, start } = tokens;
  const length = tokens.end - start;
  if (length < 2 || length > 10 || tokens.quoted) return false;
  const first = bytes[start]! & ~CASE_BIT;
  const second = bytes[start + 1]! & ~CASE_BIT;
  if (first === LETTER_I) return length === 2 && second === LETTER_N;
  if (!mayBeClass(length, first, second)) return false;
  const number = classFromText(tokens.text());
  if (number === Class.IN) return true;
  if (number >= 0) tokens.fail(`found class ${quoteToken(tokens)}, expected IN: only that class is served`);
  return false;
}

/** Whether a token may be a class other than IN: CH, CS, HS, CLASS123, NONE. No type begins like the longer ones. */
function mayBeClass(length: number, first: number, second: number): boolean {
  if (length === 2) return first === LETTER_C || first === LETTER_H;
  return (first === LETTER_C && second === LETTER_L) || (first === LETTER_N && second === LETTER_O);
}

const CLASSES = new Map([
  ['CS', 2], // RFC 1035, obsolete
  ['CH', Class.CH],
  ['HS', Class.HS],
  ['NONE', Class.NONE],
]);

function classFromText(text: string): number {
  const upper = text.toUpperCase();
  const generic = /^CLASS([0-9]{1,5})$/.exec(upper);
  return generic === null ? (CLASSES.get(upper) ?? -1) : Number(generic[1]);
}

/** The type that is the current token. */
function readType(tokens: Tokens): number {
  const type = tokens.quoted ? NO_NODE : typeFromOctets(tokens.bytes, tokens.start, tokens.end);
  if (type >= 0) return type;
  const octet = tokens.bytes[tokens.start]!;
  if (octet >= ZERO && octet <= NINE)
    tokens.fail(`found a second TTL ${quoteToken(tokens)}, expected a class or a type`);
  return tokens.fail(
    `found ${quoteToken(tokens)}, expected a TTL, the class IN or a type such as ${typeToText(Type.A)}`,
  );
}

function soaMinimum(rdata: Uint8Array, end: number): number {
  return Math.min(readU32(rdata, end - SOA_MINIMUM), MAX_TTL);
}
