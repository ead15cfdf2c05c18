/**
 * RDATA from presentation format. The fields of a type are those of table.ts; for each kind of field there is a writer here. NOT
 * here: types whose RDATA is not a row of fields, such as LOC and APL; they are given in the form of RFC 3597.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { ClientError, fitting, reasonOf } from '../../errors.js';
import { textToType, typeToText } from '../mnemonics.js';
import { textToName } from '../names.js';
import { addressOctets } from './address-octets.js';
import { address, certificateAssociation, delegationSigner } from './by-dns-packet.js';
import * as field from './fields.js';
import { RdataWords, unescaped, type Word, WordError, wordsOf } from './rdata-words.js';
import { parametersFromText } from './service-parameter-text.js';
import { serviceParameters } from './service-parameters.js';
import { certificationAuthority } from './special.js';
import { certificateType, fieldsOf, scheme } from './table.js';

type FieldOctets = (words: RdataWords) => Uint8Array;

/** A whole number below 2^(8 · `octets`). */
function number(words: RdataWords, octets: number, what = 'a number'): Buffer {
  const { text } = words.take(what);
  const max = 2n ** BigInt(octets * 8) - 1n;
  if (!/^[0-9]{1,20}$/.test(text) || BigInt(text) > max) words.fail(`a number from 0 to ${max}`);
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(text));
  return out.subarray(8 - octets);
}

const counted = (words: RdataWords, octets: Uint8Array): Buffer => {
  if (octets.length > 255) words.fail('at most 255 octets');
  return Buffer.concat([Buffer.of(octets.length), octets]);
};

function nameOctets(words: RdataWords): Uint8Array {
  const { text } = words.take('a domain name');
  try {
    return textToName(text);
  } catch (error) {
    return words.fail(`a domain name: ${reasonOf(error)}`);
  }
}

function hexOctets(words: RdataWords, text: string): Buffer {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) words.fail('pairs of hexadecimal digits');
  return Buffer.from(text, 'hex');
}

function base64Octets(words: RdataWords, isOptional: boolean): Buffer {
  const text = words.rest();
  const octets = Buffer.from(text, 'base64');
  if (octets.toString('base64') !== text || (text === '' && !isOptional)) words.fail('octets in base64');
  return octets;
}

function ipv4Octets(words: RdataWords): Buffer {
  const { text } = words.take('an IPv4 address');
  if (!isIPv4(text)) words.fail('an IPv4 address');
  return Buffer.from(text.split('.').map(Number));
}

function ipv6Octets(words: RdataWords): Buffer {
  const { text } = words.take('an IPv6 address');
  if (!isIPv6(text) || text.includes('%')) words.fail('an IPv6 address');
  return addressOctets(text);
}

/** Octets written in hexadecimal with a character between groups, such as an EUI-48. */
const grouped =
  (pattern: RegExp, what: string): FieldOctets =>
  (words) => {
    const { text } = words.take(what);
    if (!pattern.test(text)) words.fail(what);
    return Buffer.from(text.replace(/[-:]/g, ''), 'hex');
  };

function typeOctets(words: RdataWords): Buffer {
  const type = textToType(words.take('a type').text);
  const out = Buffer.alloc(2);
  out.writeUInt16BE(type ?? words.fail('a type, such as A or TYPE123'));
  return out;
}

/** RFC 4034 §3.2: YYYYMMDDHHMMSS, or seconds since 1970. */
function timeOctets(words: RdataWords): Buffer {
  const { text } = words.take('a time');
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text) ?? [];
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.map(Number);
  const seconds = parts.length === 0 ? Number(text) : Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  if (!/^[0-9]+$/.test(text) || (parts.length === 0 && seconds >= 2 ** 32)) words.fail('a time such as 20260101000000');
  const out = Buffer.alloc(4);
  out.writeUInt32BE(seconds % 2 ** 32);
  return out;
}

function base32Octets(words: RdataWords): Buffer {
  const { text } = words.take('a hash');
  if (!/^[0-9a-v]+$/i.test(text)) words.fail('a hash in base32hex');
  const bits = [...text].map((digit) => Number.parseInt(digit, 32).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((octet) => Number.parseInt(octet, 2)));
}

/** RFC 4034 §4.1.2. */
function bitmapOctets(words: RdataWords): Buffer {
  const windows = new Map<number, Buffer>();
  while (words.left > 0) {
    const type = typeOctets(words).readUInt16BE();
    const window = windows.get(type >> 8) ?? Buffer.alloc(32);
    window[(type & 255) >> 3] = (window[(type & 255) >> 3] ?? 0) | (0x80 >> (type & 7));
    windows.set(type >> 8, window);
  }
  const parts = [...windows]
    .sort(([a], [b]) => a - b)
    .map(([number, window]) => {
      const used = window.findLastIndex((octet) => octet !== 0) + 1;
      return Buffer.concat([Buffer.of(number, used), window.subarray(0, used)]);
    });
  return Buffer.concat(parts);
}

/** RFC 2535 §5.2. */
function nxtBitmapOctets(words: RdataWords): Buffer {
  const bitmap = Buffer.alloc(16);
  while (words.left > 0) {
    const type = typeOctets(words).readUInt16BE();
    if (type > 127) words.fail('a type below 128');
    bitmap[type >> 3] = (bitmap[type >> 3] ?? 0) | (0x80 >> (type & 7));
  }
  return bitmap.subarray(0, bitmap.findLastIndex((octet) => octet !== 0) + 1);
}

const string: FieldOctets = (words) => counted(words, unescaped(words, words.take('a text').text));

function strings(words: RdataWords): Uint8Array {
  const parts = [string(words)];
  while (words.left > 0) parts.push(string(words));
  return Buffer.concat(parts);
}

const hexRest: FieldOctets = (words) => {
  words.take('hexadecimal digits');
  const octets = hexOctets(words, words.last() + words.rest());
  return octets.length === 0 ? words.fail('hexadecimal digits') : octets;
};

/** RFC 8659 §4.1. */
function authorityOctets(words: RdataWords): Buffer {
  const flags = number(words, 1, 'flags');
  const { text: tag } = words.take('a tag such as issue');
  if (!/^[A-Za-z0-9]+$/.test(tag)) words.fail('a tag of letters and digits');
  return Buffer.concat([flags, counted(words, Buffer.from(tag)), unescaped(words, words.take('a value').text)]);
}

const NAMED_CERTIFICATES = new Map(
  ['', 'PKIX', 'SPKI', 'PGP', 'IPKIX', 'ISPKI', 'IPGP', 'ACPKIX', 'IACPKIX'].map(
    (name, value) => [name, value] as const,
  ),
)
  .set('URI', 253)
  .set('OID', 254);

/** A number, or a word that stands for one. */
const named =
  (names: ReadonlyMap<string, number>, octets: number): FieldOctets =>
  (words) => {
    const { text } = words.take('a number or its mnemonic');
    const value = names.get(text.toUpperCase()) ?? Number(/^[0-9]+$/.exec(text)?.[0] ?? -1);
    if (value < 0 || value >= 256 ** octets) words.fail('a number or its mnemonic');
    const out = Buffer.alloc(octets);
    out.writeUIntBE(value, 0, octets);
    return out;
  };

const digest = (words: RdataWords): Buffer =>
  Buffer.concat([number(words, 2), number(words, 1), number(words, 1), hexRest(words)]);

const WRITERS: ReadonlyMap<field.FieldText, FieldOctets> = new Map<field.FieldText, FieldOctets>([
  [field.u8, (words) => number(words, 1)],
  [field.u16, (words) => number(words, 2)],
  [field.u32, (words) => number(words, 4)],
  [field.u64, (words) => number(words, 8)],
  [field.name, nameOctets],
  [field.compressedName, nameOctets],
  [field.rrtype, typeOctets],
  [field.string, string],
  [field.strings, strings],
  [field.optionalString, (words) => (words.left > 0 ? string(words) : Buffer.alloc(0))],
  [field.text, (words) => unescaped(words, words.take('a text').text)],
  [field.ipv4, ipv4Octets],
  [field.ipv6, ipv6Octets],
  [field.locator64, grouped(/^[0-9a-f]{4}(?::[0-9a-f]{4}){3}$/i, 'four groups of four hexadecimal digits')],
  [field.eui48, grouped(/^[0-9a-f]{2}(?:-[0-9a-f]{2}){5}$/i, 'six octets, such as 00-00-5e-00-53-2a')],
  [field.eui64, grouped(/^[0-9a-f]{2}(?:-[0-9a-f]{2}){7}$/i, 'eight octets, such as 00-00-5e-ef-10-00-00-2a')],
  [field.hex, hexRest],
  [field.base64, (words) => base64Octets(words, false)],
  [field.optionalBase64, (words) => base64Octets(words, true)],
  [field.dashedBase64, (words) => (words.isNextDash() ? Buffer.alloc(0) : base64Octets(words, false))],
  [field.time, timeOctets],
  [
    field.salt,
    (words) => counted(words, words.isNextDash() ? Buffer.alloc(0) : hexOctets(words, words.take('a salt').text)),
  ],
  [field.hash, (words) => counted(words, base32Octets(words))],
  [field.bitmap, bitmapOctets],
  [field.nxtBitmap, nxtBitmapOctets],
  [address, ipv4Octets],
  [delegationSigner, digest],
  [
    certificateAssociation,
    (words) => Buffer.concat([number(words, 1), number(words, 1), number(words, 1), hexRest(words)]),
  ],
  [serviceParameters, parametersFromText],
  [certificationAuthority, authorityOctets],
  [certificateType, named(NAMED_CERTIFICATES, 2)],
  [scheme, named(new Map([['NOTIFY', 1]]), 1)],
]);

/**
 * The RDATA of a type, uncompressed; `words` are its text, which ends at `end`. Any type may be given in the form of RFC 3597,
 * `\# length hexadecimal`. Throws WordError.
 */
export function rdataFromWords(type: number, all: readonly Word[], end: number): Uint8Array {
  const words = new RdataWords(all, end);
  const generic = all[0]?.text === '\\#' && !all[0].isQuoted;
  const octets = generic ? genericOctets(words) : fieldOctets(type, words, end);
  if (words.left > 0) {
    const { at, text } = words.take('nothing more');
    throw new WordError(at, `found ${text} behind the last field of ${typeToText(type)}`);
  }
  return octets;
}

function fieldOctets(type: number, words: RdataWords, end: number): Uint8Array {
  const writers = fieldsOf(type)?.map((read) => WRITERS.get(read));
  const known = writers?.filter((writer) => writer !== undefined);
  if (known === undefined || known.length !== writers?.length)
    throw new WordError(end, `the data of ${typeToText(type)} has to be written as \\# LENGTH HEXADECIMAL (RFC 3597)`);
  return Uint8Array.from(Buffer.concat(known.map((write) => write(words))));
}

function genericOctets(words: RdataWords): Uint8Array {
  words.take('\\#');
  const length = number(words, 2, 'a length').readUInt16BE();
  const octets = hexOctets(words, words.rest());
  if (octets.length !== length) words.fail(`${length} octets in hexadecimal, as the length says`);
  return Uint8Array.from(octets);
}

/** The same from text. Throws CLIENT_INPUT. */
export function rdataFromText(type: number, text: string): Uint8Array {
  try {
    return rdataFromWords(fitting(type, 16, 'type'), wordsOf(text), text.length);
  } catch (error) {
    if (!(error instanceof WordError)) throw error;
    throw new ClientError(error.code, `${typeToText(type)} ${text}: ${error.message}`);
  }
}
