/**
 * The services of WKS (RFC 1035 §3.4.2): an address, a protocol, and a bitmap of ports. Ports are printed as numbers;
 * the services that zone files used to name (RFC 1010) are read by name too.
 */

import { printIpv4 } from '../ip-address.js';
import type { Tokens } from '../tokens.js';
import { ipv4 } from './addresses.js';
import { type Codec, failExpected, needToken, nextToken } from './codec.js';
import { parseUnsigned } from './integers.js';

const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['tcp', 6],
  ['udp', 17],
]);

const SERVICES: ReadonlyMap<string, number> = new Map([
  ['echo', 7],
  ['discard', 9],
  ['systat', 11],
  ['daytime', 13],
  ['netstat', 15],
  ['ftp-data', 20],
  ['ftp', 21],
  ['ssh', 22],
  ['telnet', 23],
  ['smtp', 25],
  ['time', 37],
  ['nameserver', 42],
  ['whois', 43],
  ['domain', 53],
  ['tftp', 69],
  ['finger', 79],
  ['http', 80],
  ['hostnames', 101],
  ['pop', 109],
  ['pop3', 110],
  ['sunrpc', 111],
  ['nntp', 119],
  ['ntp', 123],
  ['imap', 143],
  ['snmp', 161],
]);

const PROTOCOL = 'a protocol: a number from 0 to 255, TCP or UDP';
const PORT = 'a port from 0 to 65535, or a service such as SMTP';
/** Octets before the bitmap: the address and the protocol. */
const HEADER = 5;
/** Octets of a bitmap of all ports. */
const MAX_BITMAP = 8192;

function scanNumber(tokens: Tokens, max: number, names: ReadonlyMap<string, number>, expected: string): number {
  const number = parseUnsigned(tokens.bytes, tokens.start, tokens.end, max);
  if (number >= 0) return number;
  return names.get(tokens.text().toLowerCase()) ?? failExpected(tokens, expected);
}

export const services: Codec = {
  expected: ipv4.expected,
  manyTokens: true,
  scan(tokens, origin, out, at, start) {
    needToken(tokens, ipv4.expected);
    ipv4.scan(tokens, origin, out, at, start);
    nextToken(tokens, PROTOCOL);
    out[at + 4] = scanNumber(tokens, 255, PROTOCOLS, PROTOCOL);
    const bitmap = at + HEADER;
    let to = bitmap;
    while (tokens.next()) {
      const port = scanNumber(tokens, 65_535, SERVICES, PORT);
      const octet = bitmap + (port >> 3);
      while (to <= octet) out[to++] = 0;
      out[octet]! |= 0x80 >> (port & 7);
    }
    return to;
  },
  check: (_wire, at, end) => (end - at >= HEADER && end - at <= HEADER + MAX_BITMAP ? end : -1),
  print(rdata, at, end) {
    // In text, a bitmap with and without a zero octet at its end would look the same.
    if (end > at + HEADER && rdata[end - 1] === 0) return undefined;
    const parts = [printIpv4(rdata, at), String(rdata[at + 4])];
    for (let port = 0; port < (end - at - HEADER) * 8; port++)
      if ((rdata[at + HEADER + (port >> 3)]! & (0x80 >> (port & 7))) !== 0) parts.push(String(port));
    return parts.join(' ');
  },
};
