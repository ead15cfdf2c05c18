/** The address of A6 (RFC 2874 §3.1): a prefix length, the part of the address behind the prefix, and the prefix's name. */

import { parseIpv6, printIpv6 } from '../ip-address.js';
import { nameToText } from '../name.js';
import { type Codec, failExpected, hasToken, needToken, nextToken } from './codec.js';
import { parseUnsigned } from './integers.js';
import { checkName, name, scanName } from './names.js';

const SUFFIX = 'an IPv6 address whose prefix bits are 0';

/** Octets of the address suffix behind a prefix of `bits`. */
function suffixSize(bits: number): number {
  return 16 - (bits >> 3);
}

/** The prefix length and the suffix; no suffix when the prefix is the whole address. */
export const addressSuffix: Codec = {
  expected: 'a prefix length from 0 to 128',
  manyTokens: true,
  scan(tokens, _origin, out, at) {
    needToken(tokens, addressSuffix.expected);
    const bits = parseUnsigned(tokens.bytes, tokens.start, tokens.end, 128);
    if (bits < 0) failExpected(tokens, addressSuffix.expected);
    out[at] = bits;
    let to = at + 1;
    if (bits === 128) return to;
    nextToken(tokens, SUFFIX);
    const address = new Uint8Array(16);
    if (!parseIpv6(tokens.bytes, tokens.start, tokens.end, address, 0)) failExpected(tokens, SUFFIX);
    for (let bit = 0; bit < bits; bit++)
      if ((address[bit >> 3]! & (0x80 >> (bit & 7))) !== 0) failExpected(tokens, SUFFIX);
    for (let i = 16 - suffixSize(bits); i < 16; i++) out[to++] = address[i]!;
    return to;
  },
  check(wire, at, end) {
    if (at >= end || wire[at]! > 128) return -1;
    const bits = wire[at]!;
    const to = at + 1 + suffixSize(bits);
    // The bits of the prefix in its last, shared octet are zero.
    const shared = (0xff00 >> (bits & 7)) & 0xff;
    return to > end || ((bits & 7) !== 0 && (wire[at + 1]! & shared) !== 0) ? -1 : to;
  },
  print(rdata, at) {
    const bits = rdata[at]!;
    if (bits === 128) return String(bits);
    const size = suffixSize(bits);
    const address = new Uint8Array(16);
    address.set(rdata.subarray(at + 1, at + 1 + size), 16 - size);
    return `${bits} ${printIpv6(address, 0)}`;
  },
};

/** The name of the prefix; absent when the prefix length, the first octet of the RDATA, is 0. */
export const prefixName: Codec = {
  expected: name.expected,
  manyTokens: true,
  scan(tokens, origin, out, at, start) {
    if (out[start] === 0) return hasToken(tokens) ? failExpected(tokens, 'no prefix name, as its length is 0') : at;
    needToken(tokens, name.expected);
    return scanName(tokens, origin, out, at);
  },
  check: (wire, at, end, start) => (wire[start] === 0 ? at : checkName(wire, at, end)),
  print: (rdata, at, _end, start) => (rdata[start] === 0 ? '' : nameToText(rdata, at)),
};
