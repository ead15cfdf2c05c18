/** Address prefixes in presentation format: `192.0.2.0/24`, `2001:db8::/32` (RFC 4632 §3.1, RFC 4291 §2.3). */
import { AdotdError, ErrorCode } from '../errors.js';
import { parseIpv4, parseIpv6, printIpv4, printIpv6 } from './ip-address.js';

/** A run of addresses of one family that begin with the same bits. */
export interface Prefix {
  /** The lowest address: 4 or 16 octets; the bits behind the prefix are 0. */
  readonly octets: Uint8Array;
  /** Bits: 0 to 32 or 0 to 128. */
  readonly length: number;
}

/** Length of ::ffff:0:0/96, the IPv4-mapped IPv6 addresses (RFC 4291 §2.5.5.2). */
const MAPPED_BITS = 96;

/**
 * Reads a prefix; an address without a length is a prefix of one address. Throws ADOTD_PRESENTATION. Bits behind the prefix
 * are an error, since `192.0.2.1/24` may be meant as an address or as a network; IPv4-mapped prefixes are one too, since
 * addresses of clients never have that form.
 */
export function prefixFromText(text: string): Prefix {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const characters = Buffer.from(address, 'latin1');
  const octets = new Uint8Array(address.includes(':') ? 16 : 4);
  const parse = octets.length === 16 ? parseIpv6 : parseIpv4;
  const bits = octets.length * 8;
  if (!parse(characters, 0, characters.length, octets, 0)) fail('expected an address, or address/length');
  const digits = slash < 0 ? String(bits) : text.slice(slash + 1);
  const length = Number(digits);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits) || length > bits) fail(`expected a length from 0 to ${bits} after the /`);
  const lowest = maskedCopy(octets, length);
  if (lowest.some((octet, i) => octet !== octets[i])) {
    fail(`it has bits behind the prefix; expected ${addressText(lowest)}/${length}, or an address alone`);
  }
  if (length >= MAPPED_BITS && isMapped(octets)) {
    fail(`expected it as IPv4: ${printIpv4(octets, 12)}/${length - MAPPED_BITS}`);
  }
  return { octets, length };
}

/** `192.0.2.0/24`, `2001:db8::/32`. */
export function prefixToText({ octets, length }: Prefix): string {
  return `${addressText(octets)}/${length}`;
}

function addressText(octets: Uint8Array): string {
  return octets.length === 16 ? printIpv6(octets, 0) : printIpv4(octets, 0);
}

function maskedCopy(octets: Uint8Array, length: number): Uint8Array {
  return octets.map((octet, i) => octet & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))));
}

function isMapped(octets: Uint8Array): boolean {
  return (
    octets.length === 16 && octets.subarray(0, 10).every((o) => o === 0) && octets[10] === 255 && octets[11] === 255
  );
}

function fail(reason: string): never {
  throw new AdotdError(ErrorCode.PRESENTATION, reason);
}
