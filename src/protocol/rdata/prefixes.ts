/** The address prefixes of APL (RFC 3123): `1:192.168.38.0/28 !2:2001:db8::/32`. */

import { parseIpv4, parseIpv6, printIpv4, printIpv6 } from '../ip-address.js';
import { indexOfOctet, readU16, writeU16 } from '../octets.js';
import type { Tokens } from '../tokens.js';
import { type Codec, failExpected, hasToken } from './codec.js';
import { parseUnsigned } from './integers.js';

const EXPECTED = 'an address prefix such as 1:192.0.2.0/24 or !2:2001:db8::/32';
const EXCLAMATION_MARK = 0x21;
const SLASH = 0x2f;
const COLON = 0x3a;
/** Octets before the address: family, prefix length, and the octet of negation and address length. */
const HEADER = 4;
const NEGATED = 0x80;
/** Octets of an address by address family number (IANA "Address Family Numbers"). */
const SIZES: ReadonlyMap<number, number> = new Map([
  [1, 4], // IPv4
  [2, 16], // IPv6
]);

function scanPrefix(tokens: Tokens, out: Uint8Array, at: number): number {
  const { bytes, end } = tokens;
  const negated = bytes[tokens.start] === EXCLAMATION_MARK;
  const start = negated ? tokens.start + 1 : tokens.start;
  const colon = indexOfOctet(bytes, COLON, start, end);
  const slash = indexOfOctet(bytes, SLASH, start, end);
  if (colon < 0 || slash < colon) failExpected(tokens, EXPECTED);
  const family = parseUnsigned(bytes, start, colon, 65_535);
  const size = SIZES.get(family) ?? failExpected(tokens, `${EXPECTED} (families 1 and 2 only)`);
  const parse = size === 4 ? parseIpv4 : parseIpv6;
  const prefix = parseUnsigned(bytes, slash + 1, end, size * 8);
  const address = at + HEADER;
  if (prefix < 0 || !parse(bytes, colon + 1, slash, out, address)) failExpected(tokens, EXPECTED);
  let length = size;
  while (length > 0 && out[address + length - 1] === 0) length--;
  writeU16(out, at, family);
  out[at + 2] = prefix;
  out[at + 3] = (negated ? NEGATED : 0) | length;
  return address + length;
}

export const addressPrefixes: Codec = {
  expected: EXPECTED,
  manyTokens: true,
  scan(tokens, _origin, out, at) {
    let to = at;
    for (; hasToken(tokens); tokens.next()) to = scanPrefix(tokens, out, to);
    return to;
  },
  check(wire, at, end) {
    let to = at;
    while (to < end) {
      if (to + HEADER > end) return -1;
      const size = SIZES.get(readU16(wire, to));
      const length = wire[to + 3]! & ~NEGATED;
      if (size !== undefined && (length > size || wire[to + 2]! > size * 8)) return -1;
      to += HEADER + length;
      // Trailing zero octets are left out (RFC 3123 §4.1).
      if (to > end || (length > 0 && wire[to - 1] === 0)) return -1;
    }
    return to;
  },
  print(rdata, at, end) {
    const parts: string[] = [];
    for (let i = at; i < end; ) {
      const family = readU16(rdata, i);
      const size = SIZES.get(family);
      if (size === undefined) return undefined;
      const length = rdata[i + 3]! & ~NEGATED;
      const address = new Uint8Array(size);
      address.set(rdata.subarray(i + HEADER, i + HEADER + length));
      const text = size === 4 ? printIpv4(address, 0) : printIpv6(address, 0);
      parts.push(`${(rdata[i + 3]! & NEGATED) !== 0 ? '!' : ''}${family}:${text}/${rdata[i + 2]}`);
      i += HEADER + length;
    }
    return parts.join(' ');
  },
};
