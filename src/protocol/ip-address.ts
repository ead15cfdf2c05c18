/**
 * Text of IP addresses: dotted quads, and IPv6 as RFC 4291 §2.2 reads and RFC 5952 writes it. Numbers of a dotted quad
 * have no leading zeros, which some programs take for octal: named-checkzone and nsd-checkzone refuse them too. Hot file:
 * no allocation in the readers.
 */
import { readU16, writeU16 } from './octets.js';

const DOT = 0x2e;
const COLON = 0x3a;

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
