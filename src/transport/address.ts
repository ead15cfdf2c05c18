/** Addresses of clients as octets. Called for every UDP query: no allocation, no exception. */
import { isIP } from 'node:net';
import { parseIpv4, parseIpv6 } from '../protocol/ip-address.js';

const COLON = 0x3a;
const PERCENT = 0x25;
/** Characters of the longest address: six groups of four digits and a dotted quad. */
const LONGEST = 45;
const characters = new Uint8Array(LONGEST);

/**
 * Writes an address as node:net and node:dgram give it (`192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`) to `out`, in network
 * order, and returns its length: 4 or 16 octets, or 0 when the text is no address. An IPv4-mapped IPv6 address is the
 * IPv4 address in it.
 */
export function addressOctets(text: string, out: Uint8Array): number {
  let end = 0;
  let isIpv6 = false;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === PERCENT) break;
    if (end === LONGEST || code > 0x7f) return 0;
    if (code === COLON) isIpv6 = true;
    characters[end] = code;
  }
  if (isIpv6) return parseIpv6(characters, 0, end, out, 0) ? mapped(out) : 0;
  return end === text.length && parseIpv4(characters, 0, end, out, 0) ? 4 : 0;
}

/** Reduces ::ffff:0:0/96 to the IPv4 address; returns the length of the address in `out`. */
function mapped(out: Uint8Array): number {
  for (let i = 0; i < 10; i++) if (out[i] !== 0) return 16;
  if (out[10] !== 0xff || out[11] !== 0xff) return 16;
  out.copyWithin(0, 12, 16);
  return 4;
}

/** `192.0.2.1:53` or `[2001:db8::1]:53`. */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The address and the port in a text of endpointText; undefined for any other text. Port 0 is one. */
export function endpointFromText(text: string): { address: string; port: number } | undefined {
  const match = /^(?:\[([\w:.%]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  const [, ipv6, ipv4, digits] = match ?? [];
  const address = ipv6 ?? ipv4 ?? '';
  const port = Number(digits);
  return isIP(address) === (ipv6 === undefined ? 4 : 6) && port <= 65_535 ? { address, port } : undefined;
}
