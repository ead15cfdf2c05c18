/** Kinds of RDATA fields for tests, each with its presentation and wire format. */
import { isIPv6 } from 'node:net';
import { nameFromText, nameToText, readName } from './names.js';

export type Field =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'ipv4'
  | 'ipv6'
  | 'name'
  | 'text'
  | 'texts'
  | 'rest'
  | 'hex'
  | 'base64'
  | 'time'
  | 'type'
  | 'types'
  | 'salt'
  | 'hash'
  | 'svcparams';

const BASE32 = '0123456789ABCDEFGHIJKLMNOPQRSTUV';
const SIZE: Partial<Record<Field, number>> = { u8: 1, u16: 2, u32: 4 };

/** Base32 with the extended hex alphabet (RFC 4648 §7), without padding. */
export function toBase32(octets: Uint8Array): string {
  let bits = '';
  for (const octet of octets) bits += octet.toString(2).padStart(8, '0');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => BASE32.charAt(Number.parseInt(five.padEnd(5, '0'), 2))).join('');
}

/** The octets of text in that alphabet, either letter case. */
function fromBase32(text: string): Uint8Array {
  let bits = '';
  for (const char of text.toUpperCase()) bits += BASE32.indexOf(char).toString(2).padStart(5, '0');
  return Uint8Array.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}

/** Octets of a character-string's text: quotes taken off, escapes resolved. */
function unescapeText(token: string): Uint8Array {
  const text = token.startsWith('"') ? token.slice(1, -1) : token;
  const octets: number[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') octets.push(text.charCodeAt(i));
    else if (/^\d{3}/.test(text.slice(i + 1))) {
      octets.push(Number(text.slice(i + 1, i + 4)));
      i += 3;
    } else octets.push(text.charCodeAt(++i));
  }
  return Uint8Array.from(octets);
}

function quote(octets: Uint8Array): string {
  const chars = Array.from(octets, (octet) => {
    if (octet < 32 || octet > 126) return `\\${String(octet).padStart(3, '0')}`;
    const char = String.fromCharCode(octet);
    return char === '"' || char === '\\' ? `\\${char}` : char;
  });
  return `"${chars.join('')}"`;
}

function integer(value: number, octets: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value >= 256 ** octets) throw new Error(`${value} does not fit`);
  return Uint8Array.from({ length: octets }, (_, i) => Math.floor(value / 256 ** (octets - 1 - i)) % 256);
}

function counted(octets: Uint8Array): Uint8Array {
  if (octets.length > 255) throw new Error('more than 255 octets');
  return Uint8Array.from([octets.length, ...octets]);
}

function ipv6Octets(text: string): Uint8Array {
  if (!isIPv6(text)) throw new Error(`not an IPv6 address: ${text}`);
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const pair = (a: number, b: number): string => (Number(dotted?.[a]) * 256 + Number(dotted?.[b])).toString(16);
  const plain = dotted ? `${dotted[1]}${pair(2, 3)}:${pair(4, 5)}` : text;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const all = tail === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill('0'), ...after];
  return Uint8Array.from(all.flatMap((group) => [...integer(Number.parseInt(group, 16), 2)]));
}

/** RFC 5952: the longest run of two or more zero groups is `::`, lower case. */
function ipv6Text(octets: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((octets[2 * i] ?? 0) * 256 + (octets[2 * i + 1] ?? 0)).toString(16),
  );
  const runs = Array.from(groups.join(':').matchAll(/\b0(?::0\b)+/g), (match) => match[0]);
  const longest = runs.sort((a, b) => b.length - a.length)[0];
  if (longest === undefined) return groups.join(':');
  const at = groups.join(':').search(new RegExp(`\\b${longest}\\b`));
  const text = groups.join(':');
  return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

/** Type bitmap windows (RFC 4034 §4.1.2). */
function bitmap(types: readonly number[]): Uint8Array {
  const out: number[] = [];
  for (const window of [...new Set(types.map((type) => type >> 8))].sort((a, b) => a - b)) {
    const low = types.filter((type) => type >> 8 === window).map((type) => type & 255);
    const octets = new Array<number>((Math.max(...low) >> 3) + 1).fill(0);
    for (const type of low) octets[type >> 3] = (octets[type >> 3] ?? 0) | (128 >> (type & 7));
    out.push(window, octets.length, ...octets);
  }
  return Uint8Array.from(out);
}

/** Types of a bitmap, ascending. Throws when it is malformed. */
function bitmapTypes(octets: Uint8Array): number[] {
  const types: number[] = [];
  let previous = -1;
  for (let at = 0; at < octets.length; ) {
    const window = octets[at] ?? 0;
    const length = octets[at + 1] ?? 0;
    if (window <= previous || length < 1 || length > 32 || at + 2 + length > octets.length)
      throw new Error('bad bitmap');
    previous = window;
    for (let bit = 0; bit < length * 8; bit++) {
      if ((octets[at + 2 + (bit >> 3)] ?? 0) & (128 >> (bit & 7))) types.push(window * 256 + bit);
    }
    at += 2 + length;
  }
  return types;
}

function seconds(text: string): number {
  const t = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text);
  if (!t) return Number(text);
  const [year, month, day, hour, minute, second] = t.slice(1).map(Number);
  const ms = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
  return (ms / 1000) % 2 ** 32;
}

function timeText(value: number): string {
  return new Date(value * 1000).toISOString().replace(/[-:T]|\.\d+Z/g, '');
}

/** Takes the tokens of one field off `left` and returns its wire format. */
export function parseField(field: Field, left: string[], typeNumber: (text: string) => number): Uint8Array {
  const all = (): string[] => left.splice(0);
  const one = (): string => {
    const token = left.shift();
    if (token === undefined) throw new Error(`missing field ${field}`);
    return token;
  };
  switch (field) {
    case 'u8':
    case 'u16':
    case 'u32':
      return integer(Number(one()), SIZE[field] ?? 0);
    case 'time':
      return integer(seconds(one()), 4);
    case 'type':
      return integer(typeNumber(one()), 2);
    case 'ipv4':
      return Uint8Array.from(
        one()
          .split('.')
          .flatMap((part) => [...integer(Number(part), 1)]),
      );
    case 'ipv6':
      return ipv6Octets(one());
    case 'name':
      return nameFromText(one());
    case 'text':
      return counted(unescapeText(one()));
    case 'texts':
      return Uint8Array.from(all().flatMap((token) => [...counted(unescapeText(token))]));
    case 'rest':
      return unescapeText(one());
    case 'hex':
      return Uint8Array.from(Buffer.from(all().join(''), 'hex'));
    case 'base64':
      return Uint8Array.from(Buffer.from(all().join(''), 'base64'));
    case 'types':
      return bitmap(all().map(typeNumber));
    case 'salt': {
      const text = one();
      return counted(Uint8Array.from(Buffer.from(text === '-' ? '' : text, 'hex')));
    }
    case 'hash':
      return counted(fromBase32(one()));
    case 'svcparams':
      if (left.length > 0) throw new Error('write SVCB parameters as \\#');
      return new Uint8Array(0);
  }
}

/** Prints the field at `at`. If the RDATA is too short, `end` lies after it; the caller checks that. */
export function printField(
  field: Field,
  rdata: Uint8Array,
  at: number,
  typeName: (type: number) => string,
): { text: string; end: number } {
  const number = (octets: number): number =>
    Array.from({ length: octets }, (_, i) => rdata[at + i] ?? 0).reduce((sum, octet) => sum * 256 + octet, 0);
  const length = rdata[at] ?? 0;
  const counter = rdata.subarray(at + 1, at + 1 + length);
  const rest = rdata.subarray(at);
  const end = rdata.length;
  switch (field) {
    case 'u8':
    case 'u16':
    case 'u32': {
      const size = SIZE[field] ?? 0;
      return { text: String(number(size)), end: at + size };
    }
    case 'time':
      return { text: timeText(number(4)), end: at + 4 };
    case 'type':
      return { text: typeName(number(2)), end: at + 2 };
    case 'ipv4':
      return { text: rdata.subarray(at, at + 4).join('.'), end: at + 4 };
    case 'ipv6':
      return { text: ipv6Text(rdata.subarray(at, at + 16)), end: at + 16 };
    case 'name': {
      const name = readName(rdata, at);
      return { text: nameToText(name.wire), end: name.end };
    }
    case 'text':
      return { text: quote(counter), end: at + 1 + length };
    case 'texts': {
      const words: string[] = [];
      let from = at;
      for (; from < end; from += 1 + (rdata[from] ?? 0))
        words.push(quote(rdata.subarray(from + 1, from + 1 + (rdata[from] ?? 0))));
      return { text: words.join(' '), end: from };
    }
    case 'rest':
      return { text: quote(rest), end };
    case 'hex':
      return { text: Buffer.from(rest).toString('hex').toUpperCase(), end };
    case 'svcparams':
      return { text: rest.length > 0 ? `params:${Buffer.from(rest).toString('hex')}` : '', end };
    case 'base64':
      return { text: Buffer.from(rest).toString('base64'), end };
    case 'types':
      return { text: bitmapTypes(rest).map(typeName).join(' '), end };
    case 'salt':
      return { text: length === 0 ? '-' : Buffer.from(counter).toString('hex').toUpperCase(), end: at + 1 + length };
    case 'hash':
      return { text: toBase32(counter), end: at + 1 + length };
  }
}
