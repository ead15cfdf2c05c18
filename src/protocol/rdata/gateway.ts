/** Gateways and relays, whose form depends on a type octet: IPSECKEY (RFC 4025 §2.5) and AMTRELAY (RFC 8777 §4.2). */

import { printIpv4, printIpv6 } from '../ip-address.js';
import { nameToText } from '../name.js';
import type { Tokens } from '../tokens.js';
import { ipv4, ipv6 } from './addresses.js';
import { type Codec, failExpected, needToken, nextToken } from './codec.js';
import { parseUnsigned } from './integers.js';
import { checkName, name, scanName } from './names.js';

/** Gateway types; both registries begin alike. */
const NONE = 0;
const IPV4 = 1;
const IPV6 = 2;
const NAME = 3;

const NO_GATEWAY = '"." (no gateway)';
const RELAY_TYPE = 'a relay type from 0 to 3: none, IPv4, IPv6, name';
/** AMTRELAY's discovery bit stands in the same octet as the relay type. */
const DISCOVERY = 0x80;

function scanGateway(tokens: Tokens, origin: Uint8Array, out: Uint8Array, at: number, type: number): number {
  switch (type) {
    case NONE:
      if (tokens.end - tokens.start !== 1 || tokens.bytes[tokens.start] !== 0x2e) failExpected(tokens, NO_GATEWAY);
      return at;
    case IPV4:
      return ipv4.scan(tokens, origin, out, at, at);
    case IPV6:
      return ipv6.scan(tokens, origin, out, at, at);
    case NAME:
      return scanName(tokens, origin, out, at);
    default:
      return tokens.fail(`found gateway type ${type}, expected 0 to 3: none, IPv4, IPv6, name`);
  }
}

function checkGateway(wire: Uint8Array, at: number, end: number, type: number): number {
  if (type === NAME) return checkName(wire, at, end);
  const to = at + (type === IPV4 ? 4 : type === IPV6 ? 16 : 0);
  return type > NAME || to > end ? -1 : to;
}

function printGateway(rdata: Uint8Array, at: number, type: number): string {
  if (type === NAME) return nameToText(rdata, at);
  return type === IPV4 ? printIpv4(rdata, at) : type === IPV6 ? printIpv6(rdata, at) : '.';
}

/** The gateway of IPSECKEY: its type is the second octet of the RDATA. */
export const ipsecGateway: Codec = {
  expected: `an address, ${name.expected} or ${NO_GATEWAY}`,
  manyTokens: false,
  scan: (tokens, origin, out, at, start) => scanGateway(tokens, origin, out, at, out[start + 1]!),
  check: (wire, at, end, start) => checkGateway(wire, at, end, wire[start + 1]!),
  print: (rdata, at, _end, start) => printGateway(rdata, at, rdata[start + 1]!),
};

/** Discovery bit, type and relay of AMTRELAY. */
export const amtRelay: Codec = {
  expected: 'the discovery bit, 0 or 1',
  manyTokens: true,
  scan(tokens, origin, out, at) {
    needToken(tokens, amtRelay.expected);
    const discovery = parseUnsigned(tokens.bytes, tokens.start, tokens.end, 1);
    if (discovery < 0) failExpected(tokens, amtRelay.expected);
    nextToken(tokens, RELAY_TYPE);
    const type = parseUnsigned(tokens.bytes, tokens.start, tokens.end, NAME);
    if (type < 0) failExpected(tokens, RELAY_TYPE);
    out[at] = (discovery === 1 ? DISCOVERY : 0) | type;
    nextToken(tokens, ipsecGateway.expected);
    return scanGateway(tokens, origin, out, at + 1, type);
  },
  check: (wire, at, end) => (at < end ? checkGateway(wire, at + 1, end, wire[at]! & ~DISCOVERY) : -1),
  print(rdata, at) {
    const type = rdata[at]! & ~DISCOVERY;
    return `${rdata[at]! >> 7} ${type} ${printGateway(rdata, at + 1, type)}`;
  },
};
