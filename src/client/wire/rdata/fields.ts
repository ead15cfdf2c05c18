/** The kinds of RDATA fields. Each reads its octets and returns their text. */
import { typeToText } from '../mnemonics.js';
import type { RdataReader } from './reader.js';

export type FieldText = (reader: RdataReader) => string;

export const u8: FieldText = (r) => String(r.u8());
export const u16: FieldText = (r) => String(r.u16());
export const u32: FieldText = (r) => String(r.u32());
export const u64: FieldText = (r) => String(r.take(8).readBigUInt64BE());
export const name: FieldText = (r) => r.name();
export const compressedName: FieldText = (r) => r.name(true);
export const rrtype: FieldText = (r) => typeToText(r.u16());

/** Text between quotes (RFC 1035 §5.1). */
export function quoted(octets: Uint8Array): string {
  let text = '"';
  for (const octet of octets) {
    if (octet === 0x22 || octet === 0x5c) text += `\\${String.fromCharCode(octet)}`;
    else if (octet < 0x20 || octet > 0x7e) text += `\\${String(octet).padStart(3, '0')}`;
    else text += String.fromCharCode(octet);
  }
  return `${text}"`;
}

export const string: FieldText = (r) => quoted(r.string());
export const strings: FieldText = (r) => {
  const texts = [quoted(r.string())];
  while (r.left > 0) texts.push(quoted(r.string()));
  return texts.join(' ');
};
export const optionalString: FieldText = (r) => (r.left > 0 ? quoted(r.string()) : '');
/** The rest, as one text. */
export const text: FieldText = (r) => quoted(r.rest());

export const ipv4Text = (octets: Uint8Array): string => octets.join('.');

/** RFC 5952; mapped and compatible IPv4 addresses in dotted form (§5), as inet_ntop prints them. */
export function ipv6Text(octets: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(i * 2));
  const zeros = groups.findIndex((group) => group !== 0);
  if (zeros === 6 || (zeros === 5 && groups[5] === 0xffff))
    return `${zeros === 6 ? '::' : '::ffff:'}${ipv4Text(octets.subarray(12))}`;
  let [at, length] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > length) [at, length] = [i, run];
    i += run;
  }
  const hexOf = (list: readonly number[]): string => list.map((group) => group.toString(16)).join(':');
  return at < 0 ? hexOf(groups) : `${hexOf(groups.slice(0, at))}::${hexOf(groups.slice(at + length))}`;
}

export const ipv4: FieldText = (r) => ipv4Text(r.take(4));
export const ipv6: FieldText = (r) => ipv6Text(r.take(16));
/** Four groups of four digits (RFC 6742 §2.1). */
export const locator64: FieldText = (r) => (r.take(8).toString('hex').match(/..../g) ?? []).join(':');
/** Octets with hyphens between them (RFC 7043). */
export const eui48: FieldText = (r) => (r.take(6).toString('hex').match(/../g) ?? []).join('-');
export const eui64: FieldText = (r) => (r.take(8).toString('hex').match(/../g) ?? []).join('-');

export const hex: FieldText = (r) => {
  if (r.left === 0) r.fail('ends before hexadecimal data');
  return r.rest().toString('hex').toUpperCase();
};
export const base64: FieldText = (r) => {
  if (r.left === 0) r.fail('ends before base64 data');
  return r.rest().toString('base64');
};
export const optionalBase64: FieldText = (r) => r.rest().toString('base64');
export const dashedBase64: FieldText = (r) => r.rest().toString('base64') || '-';

/** Seconds since 1970 in 32 bits that wrap around: the time nearest to now (RFC 4034 §3.1.5), but not before 1970. */
export const time: FieldText = (r) => {
  const now = Math.floor(Date.now() / 1000);
  const nearest = now + ((r.u32() - now) | 0);
  return new Date((nearest < 0 ? nearest + 2 ** 32 : nearest) * 1000).toISOString().replace(/[-:T]|\..*/g, '');
};

/** The salt of NSEC3, after its length. */
export const salt: FieldText = (r) => r.string().toString('hex').toUpperCase() || '-';

/** Base32hex without padding (RFC 4648 §7), after its length. */
export const hash: FieldText = (r) => {
  const octets = r.string();
  if (octets.length === 0) r.fail('has an empty hash');
  let bits = '';
  for (const octet of octets) bits += octet.toString(2).padStart(8, '0');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => Number.parseInt(five.padEnd(5, '0'), 2).toString(32))
    .join('')
    .toUpperCase();
};

/** Windows of 256 types, in rising order, without trailing zeros (RFC 4034 §4.1.2). */
export const bitmap: FieldText = (r) => {
  const types: string[] = [];
  let before = -1;
  while (r.left > 0) {
    const window = r.u8();
    const octets = r.string();
    if (window <= before) r.fail('has a type bitmap whose windows do not rise');
    if (octets.length === 0 || octets.length > 32 || octets.at(-1) === 0) r.fail('has a malformed type bitmap');
    before = window;
    for (let bit = 0; bit < octets.length * 8; bit++)
      if (((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) types.push(typeToText(window * 256 + bit));
  }
  return types.join(' ');
};

/** One octet a bit for types 0 to 127 (RFC 2535 §5.2). */
export const nxtBitmap: FieldText = (r) => {
  const octets = r.rest();
  if (octets.length === 0 || octets.length > 16) r.fail('has a malformed type bitmap');
  const types: string[] = [];
  for (let bit = 0; bit < octets.length * 8; bit++)
    if (((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) types.push(typeToText(bit));
  return types.join(' ');
};
