/** The address of A6 (RFC 2874 §3.1): a prefix length, what of the address follows the prefix, and the prefix's name. */
import { nameToText } from '../name.js';
import { parseIpv6, printIpv6 } from './addresses.js';
import { type Codec, failExpected, needToken, nextToken } from './codec.js';
import { parseUnsigned } from './integers.js';
import { checkName, name, scanName } from './names.js';

const SUFFIX = 'an IPv6 address whose prefix bits are 0';

/** Octets of the address suffix behind a prefix of `bits`. */
function suffixSize(bits: number): number {
  return 16 - (bits >> 3);
}

export const ipv6Chain: Codec = {
  expected: 'a prefix length from 0 to 128',
  manyTokens: true,
  scan(tokens, origin, out, at) {
    needToken(tokens, ipv6Chain.expected);
    const bits = parseUnsigned(tokens.bytes, tokens.start, tokens.end, 128);
    if (bits < 0) failExpected(tokens, ipv6Chain.expected);
    out[at] = bits;
    let to = at + 1;
    if (bits < 128) {
      nextToken(tokens, SUFFIX);
      const address = new Uint8Array(16);
      if (!parseIpv6(tokens.bytes, tokens.start, tokens.end, address, 0)) failExpected(tokens, SUFFIX);
      for (let bit = 0; bit < bits; bit++)
        if ((address[bit >> 3]! & (0x80 >> (bit & 7))) !== 0) failExpected(tokens, SUFFIX);
      for (let i = 16 - suffixSize(bits); i < 16; i++) out[to++] = address[i]!;
    }
    if (bits === 0) return to;
    nextToken(tokens, name.expected);
    return scanName(tokens, origin, out, to);
  },
  check(wire, at, end) {
    if (at >= end || wire[at]! > 128) return -1;
    const bits = wire[at]!;
    const to = at + 1 + suffixSize(bits);
    // The bits of the prefix in its last, shared octet are zero.
    if (to > end || ((bits & 7) !== 0 && (wire[at + 1]! & (0xff00 >> (bits & 7)) & 0xff) !== 0)) return -1;
    return bits === 0 ? to : checkName(wire, to, end);
  },
  print(rdata, at) {
    const bits = rdata[at]!;
    const size = suffixSize(bits);
    const address = new Uint8Array(16);
    address.set(rdata.subarray(at + 1, at + 1 + size), 16 - size);
    const parts = [String(bits)];
    if (bits < 128) parts.push(printIpv6(address, 0));
    if (bits > 0) parts.push(nameToText(rdata, at + 1 + size));
    return parts.join(' ');
  },
};
