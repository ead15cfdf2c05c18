/** Addresses of clients as octets. Called for every UDP query: no allocation, no exception. */
import { isIP } from 'node:net';

const ZERO = 0x30;
const DOT = 0x2e;
const COLON = 0x3a;
const PERCENT = 0x25;

/**
 * Writes an address as node:net and node:dgram give it (`192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`) to `out`, in network
 * order, and returns its length: 4 or 16 octets, or 0 when the text is no address. An IPv4-mapped IPv6 address is the
 * IPv4 address in it.
 */
export function addressOctets(text: string, out: Uint8Array): number {
  const colon = text.indexOf(':');
  if (colon < 0) return ipv4(text, 0, text.length, out, 0) ? 4 : 0;
  const percent = text.indexOf('%');
  const end = percent < 0 ? text.length : percent;
  return ipv6(text, end, out);
}

function ipv4(text: string, from: number, end: number, out: Uint8Array, at: number): boolean {
  let octet = -1;
  let count = 0;
  for (let i = from; i <= end; i++) {
    const code = i === end ? DOT : text.charCodeAt(i);
    if (code === DOT) {
      if (octet < 0 || count === 4) return false;
      out[at + count++] = octet;
      octet = -1;
    } else {
      const digit = code - ZERO;
      if (digit < 0 || digit > 9) return false;
      octet = (octet < 0 ? 0 : octet * 10) + digit;
      if (octet > 255) return false;
    }
  }
  return count === 4;
}

function ipv6(text: string, end: number, out: Uint8Array): number {
  let at = 0;
  /** Where `::` stood, or -1. */
  let gap = -1;
  for (let i = 0; i < end; ) {
    if (text.charCodeAt(i) === COLON) {
      if (text.charCodeAt(i + 1) !== COLON || gap >= 0) return 0;
      gap = at;
      i += 2;
      continue;
    }
    let word = 0;
    let j = i;
    for (; j < end && text.charCodeAt(j) !== COLON && text.charCodeAt(j) !== DOT; j++) {
      const digit = hexDigit(text.charCodeAt(j));
      if (digit < 0) return 0;
      word = word * 16 + digit;
      if (word > 0xffff) return 0;
    }
    if (j < end && text.charCodeAt(j) === DOT) {
      if (at > 12 || !ipv4(text, i, end, out, at)) return 0;
      at += 4;
      break;
    }
    if (at > 14) return 0;
    out[at++] = word >>> 8;
    out[at++] = word & 0xff;
    i = j;
    if (i < end && text.charCodeAt(i + 1) !== COLON) {
      i++;
      if (i === end || text.charCodeAt(i) === PERCENT) return 0;
    }
  }
  if (gap < 0) return at === 16 ? mapped(out) : 0;
  if (at === 16) return 0;
  const shift = 16 - at;
  for (let i = 15; i >= gap; i--) out[i] = i - shift >= gap ? out[i - shift]! : 0;
  return mapped(out);
}

/** Reduces ::ffff:0:0/96 to the IPv4 address; returns the length of what `out` then holds. */
function mapped(out: Uint8Array): number {
  for (let i = 0; i < 10; i++) if (out[i] !== 0) return 16;
  if (out[10] !== 0xff || out[11] !== 0xff) return 16;
  out.copyWithin(0, 12, 16);
  return 4;
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= 0x39) return code - ZERO;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** `192.0.2.1:53` or `[2001:db8::1]:53`. */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The address and the port of what endpointText makes; undefined when it is nothing of the kind. Port 0 is one. */
export function endpointFromText(text: string): { address: string; port: number } | undefined {
  const match = /^(?:\[([\w:.%]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  const [, ipv6, ipv4, digits] = match ?? [];
  const address = ipv6 ?? ipv4 ?? '';
  const port = Number(digits);
  return isIP(address) === (ipv6 === undefined ? 4 : 6) && port <= 65_535 ? { address, port } : undefined;
}
