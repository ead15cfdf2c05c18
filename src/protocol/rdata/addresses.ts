/** Fields that are addresses: IPv4, IPv6, EUI-48, EUI-64, and 64-bit identifiers. Hot file: no allocation in scanners. */
import { type Codec, failExpected, readU16, writeU16 } from './codec.js';

const DOT = 0x2e;
const COLON = 0x3a;
const DASH = 0x2d;

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const letter = octet | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Writes the dotted quad bytes[start … end) at out[at…]; false when it is none. Leading zeros are refused. */
export function parseIpv4(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): boolean {
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = start; i <= end; i++) {
    const octet = i === end ? DOT : bytes[i]!;
    if (octet === DOT) {
      if (digits === 0 || part === 4) return false;
      out[at + part++] = value;
      value = digits = 0;
    } else {
      const digit = octet - 0x30;
      if (digit < 0 || digit > 9 || (digits > 0 && value === 0)) return false;
      value = value * 10 + digit;
      digits++;
      if (value > 255) return false;
    }
  }
  return part === 4;
}

/** Writes the IPv6 address bytes[start … end) (RFC 4291 §2.2) at out[at…]; false when it is none. */
export function parseIpv6(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): boolean {
  let i = start;
  let group = 0;
  let gap = -1;
  if (end - start < 2) return false;
  if (bytes[i] === COLON) {
    if (bytes[i + 1] !== COLON) return false;
    gap = 0;
    i += 2;
  }
  while (i < end) {
    if (group === 8) return false;
    const from = i;
    let value = 0;
    for (let digit = hexDigit(bytes[i]!); digit >= 0; digit = i < end ? hexDigit(bytes[i]!) : -1) {
      if (i - from === 4) return false;
      value = value * 16 + digit;
      i++;
    }
    if (i < end && bytes[i] === DOT) {
      if (group > 6 || !parseIpv4(bytes, from, end, out, at + group * 2)) return false;
      group += 2;
      break;
    }
    if (i === from) return false;
    writeU16(out, at + group * 2, value);
    group++;
    if (i === end) break;
    if (bytes[i++] !== COLON || i === end) return false;
    if (bytes[i] === COLON) {
      if (gap >= 0) return false;
      gap = group;
      i++;
    }
  }
  if (gap < 0) return group === 8;
  if (group === 8) return false;
  const moved = (group - gap) * 2;
  for (let k = 1; k <= moved; k++) out[at + 16 - k] = out[at + group * 2 - k]!;
  for (let k = gap * 2; k < 16 - moved; k++) out[at + k] = 0;
  return true;
}

/** The IPv4 address at rdata[at…]. */
export function printIpv4(rdata: Uint8Array, at: number): string {
  return `${rdata[at]}.${rdata[at + 1]}.${rdata[at + 2]}.${rdata[at + 3]}`;
}

/** The IPv6 address at rdata[at…] as RFC 5952 wants it; IPv4-mapped and IPv4-compatible ones end in a dotted quad. */
export function printIpv6(rdata: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => readU16(rdata, at + i * 2));
  let gap = 0;
  let longest = 1;
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > longest) {
      gap = i;
      longest = length;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (longest === 1) return hex.join(':');
  if (gap === 0 && (longest === 6 || (longest === 5 && groups[5] === 0xffff)))
    return `::${longest === 5 ? 'ffff:' : ''}${printIpv4(rdata, at + 12)}`;
  return `${hex.slice(0, gap).join(':')}::${hex.slice(gap + longest).join(':')}`;
}

/** A codec of `size` octets read and printed by two functions. */
function address(
  size: number,
  expected: string,
  parse: (bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number) => boolean,
  print: (rdata: Uint8Array, at: number) => string,
): Codec {
  return {
    expected,
    manyTokens: false,
    scan(tokens, _origin, out, at) {
      if (!parse(tokens.bytes, tokens.start, tokens.end, out, at)) failExpected(tokens, expected);
      return at + size;
    },
    check: (_wire, at, end) => (at + size <= end ? at + size : -1),
    print,
  };
}

/** Groups of at least `least` and at most `width` hexadecimal digits, `size` octets in all; printed with all digits. */
function hexGroups(size: number, least: number, width: number, separator: number, expected: string): Codec {
  const step = width / 2;
  return address(
    size,
    expected,
    (bytes, start, end, out, at) => {
      let to = at;
      let value = 0;
      let digits = 0;
      for (let i = start; i <= end; i++) {
        const octet = i === end ? separator : bytes[i]!;
        if (octet === separator) {
          if (digits < least || to - at >= size) return false;
          if (step === 2) out[to] = value >> 8;
          out[to + step - 1] = value;
          to += step;
          value = digits = 0;
        } else {
          const digit = hexDigit(octet);
          if (digit < 0 || digits === width) return false;
          value = value * 16 + digit;
          digits++;
        }
      }
      return to - at === size;
    },
    (rdata, at) => {
      const digits = Buffer.from(rdata.subarray(at, at + size)).toString('hex');
      const groups: string[] = [];
      for (let i = 0; i < digits.length; i += width) groups.push(digits.slice(i, i + width));
      return groups.join(String.fromCharCode(separator));
    },
  );
}

export const ipv4 = address(4, 'an IPv4 address such as 192.0.2.1', parseIpv4, printIpv4);
export const ipv6 = address(16, 'an IPv6 address such as 2001:db8::1', parseIpv6, printIpv6);
export const eui48 = hexGroups(6, 2, 2, DASH, 'an EUI-48 address such as 00-00-5e-00-53-2a');
export const eui64 = hexGroups(8, 2, 2, DASH, 'an EUI-64 address such as 00-00-5e-ef-10-00-00-2a');
export const locator64 = hexGroups(8, 1, 4, COLON, 'four groups of hexadecimal digits such as 0014:4fff:ff20:ee64');
