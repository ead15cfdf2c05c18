/**
 * Recognises zone files that were saved in an encoding that no server reads, so that one message names it and says how to
 * convert the file. RFC 1035 §5.1 knows ASCII; octets above 127 are taken as they are, in UTF-8 or not.
 */
import { isUtf8 } from 'node:buffer';

/** The encoding of a file whose octets are not lines of ASCII or UTF-8. */
type Encoding = 'gzip' | 'UTF-16LE' | 'UTF-16BE' | 'UTF-8 with a byte order mark' | 'CR line ends' | 'not UTF-8';

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;

/** Octets at the start of a file that are looked at: they show UTF-16 without a byte order mark, and files that are no zone files. */
const SAMPLE = 256;
/** The share of ASCII among characters that is taken for text of a zone file. A guess. */
const ASCII_SHARE = 0.75;

/** Length of the byte order mark of UTF-8 in octets. */
const UTF8_MARK_LENGTH = 3;

function startsWith(bytes: Uint8Array, ...octets: readonly number[]): boolean {
  return octets.every((octet, i) => bytes[i] === octet);
}

/** The encoding of a file that is not lines of ASCII or UTF-8; undefined: it is. */
export function encodingOf(bytes: Uint8Array): Encoding | undefined {
  if (startsWith(bytes, 0x1f, 0x8b)) return 'gzip';
  if (startsWith(bytes, 0xff, 0xfe)) return 'UTF-16LE';
  if (startsWith(bytes, 0xfe, 0xff)) return 'UTF-16BE';
  if (startsWith(bytes, 0xef, 0xbb, 0xbf)) return 'UTF-8 with a byte order mark';
  const order = unmarkedUtf16(bytes);
  if (order !== undefined) return order;
  if (bytes.indexOf(LF) < 0 && bytes.indexOf(CR) >= 0 && bytes.indexOf(CR) < bytes.length - 1) return 'CR line ends';
  return isUtf8(bytes) ? undefined : 'not UTF-8';
}

/** UTF-16 without a byte order mark: of the octets of each character the first or the second is 0, in most characters. */
function unmarkedUtf16(bytes: Uint8Array): Encoding | undefined {
  const length = Math.min(SAMPLE, bytes.length & ~1);
  if (length < 4) return undefined;
  let [first, second] = [0, 0];
  for (let i = 0; i < length; i += 2) {
    if (bytes[i] === 0) first++;
    if (bytes[i + 1] === 0) second++;
  }
  const most = (length / 2) * ASCII_SHARE;
  if (second >= most && first === 0) return 'UTF-16LE';
  return first >= most && second === 0 ? 'UTF-16BE' : undefined;
}

/** A place of a file, line and column from 1. */
interface Place {
  readonly line: number;
  readonly column: number;
}

/** The mistake in the encoding of a file. */
interface EncodingMistake extends Place {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** Whether reading the file makes sense, from octet `skip` on. */
  readonly readable: boolean;
  readonly skip: number;
}

const START: Place = { line: 1, column: 1 };

/** The beginnings of JSON and web pages; no record begins like this. */
const FOREIGN: readonly (readonly [pattern: RegExp, message: string])[] = [
  [/^\s*[[{]\s*["[{]/, 'found JSON, expected a zone file; adotd import makes one of the JSON of Route 53'],
  [/^\s*<(!doctype|html|\?xml)\b/i, 'found a web page, expected a zone file; save the text of the zone, not the page'],
];

/** The mistake of a file's encoding or format, if it has one. */
export function encodingMistake(bytes: Uint8Array): EncodingMistake | undefined {
  const encoding = encodingOf(bytes);
  const refused = (message: string): EncodingMistake => ({
    ...START,
    severity: 'error',
    message,
    readable: false,
    skip: 0,
  });
  const unreadable = (found: string, remedy: string): EncodingMistake =>
    refused(`found ${found}, expected text in UTF-8 or ASCII; convert it: ${remedy}`);
  switch (encoding) {
    case undefined:
      return mistakenFormat(bytes, refused);
    case 'gzip':
      return unreadable('a compressed file (gzip)', 'gunzip -c FILE > NEW');
    case 'UTF-16LE':
    case 'UTF-16BE':
      return unreadable(`text in ${encoding}`, `iconv -f ${encoding} -t UTF-8 FILE > NEW, or save it as UTF-8`);
    case 'CR line ends':
      return unreadable('lines that end in CR alone', "tr '\\r' '\\n' < FILE > NEW");
    case 'UTF-8 with a byte order mark':
      return {
        ...START,
        severity: 'error',
        message: `found UTF-8 with a byte order mark, expected text without one; save it as UTF-8 without BOM`,
        readable: true,
        skip: UTF8_MARK_LENGTH,
      };
    case 'not UTF-8':
      return foreignOctets(bytes);
  }
}

function mistakenFormat<T>(bytes: Uint8Array, refused: (message: string) => T): T | undefined {
  const start = Buffer.from(bytes.subarray(0, SAMPLE)).toString('latin1');
  const message = FOREIGN.find(([pattern]) => pattern.test(start))?.[1];
  return message === undefined ? undefined : refused(message);
}

/** A warning about octets that are not UTF-8, outside comments, where they do no harm. */
function foreignOctets(bytes: Uint8Array): EncodingMistake | undefined {
  const place = firstForeign(bytes);
  if (place === undefined) return undefined;
  const octet = bytes[place.at]!.toString(16).toUpperCase();
  return {
    line: place.line,
    column: place.column,
    severity: 'warning',
    message:
      `found octet 0x${octet}, which is not UTF-8; is the file in Latin-1 (ISO 8859-1)? ` +
      'It is served as it is; to convert the file: iconv -f ISO-8859-1 -t UTF-8 FILE > NEW',
    readable: true,
    skip: 0,
  };
}

/** The first octet outside comments that is not UTF-8. */
function firstForeign(bytes: Uint8Array): (Place & { readonly at: number }) | undefined {
  let line = 1;
  let lineStart = 0;
  let isQuoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at]!;
    if (octet === LF) {
      line++;
      lineStart = at + 1;
      isQuoted = false;
    } else if (octet === QUOTE) isQuoted = !isQuoted;
    else if (octet === BACKSLASH && (bytes[at + 1] ?? LF) < 0x80 && bytes[at + 1] !== LF) at++;
    else if (octet === SEMICOLON && !isQuoted) {
      const end = bytes.indexOf(LF, at);
      if (end < 0) return undefined;
      at = end - 1;
    } else if (octet >= 0x80) {
      const length = utf8Length(bytes, at);
      if (length === 0) return { at, line, column: at - lineStart + 1 };
      at += length - 1;
    }
  }
  return undefined;
}

/** Octets of the UTF-8 character at `at`, by its first octet and those that continue it; 0: there is none. */
function utf8Length(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (let i = 1; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
}
