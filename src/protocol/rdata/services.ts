/**
 * The services of WKS (RFC 1035 §3.4.2): an address, a protocol, and a bitmap of ports. Ports are printed as numbers;
 * the services that zone files used to name (RFC 1010) are read by name too.
 */

import { printIpv4 } from '../ip-address.js';
import type { Tokens } from '../tokens.js';
import { ipv4 } from './addresses.js';
import { type Codec, failExpected, needToken, nextToken } from './codec.js';
import { parseUnsigned } from './integers.js';

/** Protocols that RFC 1010 names. */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['ggp', 3],
  ['tcp', 6],
  ['egp', 8],
  ['pup', 12],
  ['udp', 17],
  ['hmp', 20],
  ['xns-idp', 22],
  ['rdp', 27],
  ['iso-tp4', 29],
]);

/** Services below port 256, by IANA's names and by those of RFC 1010 and of `/etc/services`, where BIND and NSD look. */
const SERVICES: ReadonlyMap<string, number> = new Map([
  ['tcpmux', 1],
  ['rje', 5],
  ['echo', 7],
  ['discard', 9],
  ['users', 11],
  ['systat', 11],
  ['daytime', 13],
  ['netstat', 15],
  ['qotd', 17],
  ['quote', 17],
  ['msp', 18],
  ['chargen', 19],
  ['ftp-data', 20],
  ['ftp', 21],
  ['ssh', 22],
  ['telnet', 23],
  ['smtp', 25],
  ['nsw-fe', 27],
  ['msg-icp', 29],
  ['msg-auth', 31],
  ['dsp', 33],
  ['time', 37],
  ['rlp', 39],
  ['graphics', 41],
  ['nameserver', 42],
  ['name', 42],
  ['nicname', 43],
  ['whois', 43],
  ['mpm-flags', 44],
  ['mpm', 45],
  ['mpm-snd', 46],
  ['ni-ftp', 47],
  ['login', 49],
  ['tacacs', 49],
  ['la-maint', 51],
  ['domain', 53],
  ['isi-gl', 55],
  ['sql*net', 66],
  ['bootps', 67],
  ['bootpc', 68],
  ['tftp', 69],
  ['gopher', 70],
  ['netrjs-1', 71],
  ['netrjs-2', 72],
  ['netrjs-3', 73],
  ['netrjs-4', 74],
  ['finger', 79],
  ['http', 80],
  ['www', 80],
  ['kerberos', 88],
  ['supdup', 95],
  ['hostname', 101],
  ['hostnames', 101],
  ['iso-tsap', 102],
  ['x400', 103],
  ['x400-snd', 104],
  ['acr-nema', 104],
  ['csnet-ns', 105],
  ['rtelnet', 107],
  ['pop', 109],
  ['pop2', 109],
  ['pop3', 110],
  ['sunrpc', 111],
  ['auth', 113],
  ['sftp', 115],
  ['uucp-path', 117],
  ['nntp', 119],
  ['ntp', 123],
  ['pwdgen', 129],
  ['epmap', 135],
  ['netbios-ns', 137],
  ['netbios-dgm', 138],
  ['netbios-ssn', 139],
  ['imap', 143],
  ['imap2', 143],
  ['snmp', 161],
  ['snmp-trap', 162],
  ['snmptrap', 162],
  ['cmip-man', 163],
  ['cmip-agent', 164],
  ['mailq', 174],
  ['xdmcp', 177],
  ['bgp', 179],
  ['smux', 199],
  ['qmtp', 209],
  ['z3950', 210],
  ['ipx', 213],
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
