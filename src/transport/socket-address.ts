/** Socket addresses as the system lays them out: struct sockaddr_in and sockaddr_in6 of Linux (ip(7), ipv6(7)). */
import { SocketAddress } from 'node:net';
import { addressOctets } from './address.js';
import { interfaces } from './interfaces.js';
import type { Endpoint } from './transport.js';

/** Address families (AF_…). */
export const Family = { UNIX: 1, INET: 2, INET6: 10 } as const;

/** Octets of the longest address, struct sockaddr_storage. */
export const LONGEST_SOCKET_ADDRESS = 128;

const INET_LENGTH = 16;
const INET6_LENGTH = 28;
/** The family is in the machine's byte order, the port in the network's. */
const PORT = 2;
const INET_ADDRESS = 4;
const INET6_ADDRESS = 8;
const INET6_SCOPE = 24;

/**
 * The endpoint as a socket address; undefined when its address is invalid, or names a network interface (`fe80::1%eth0`) that does
 * not exist. An IPv4-mapped address becomes the IPv4 address in it.
 */
export function encodeSocketAddress({ address, port }: Endpoint): Buffer | undefined {
  const octets = new Uint8Array(16);
  const length = addressOctets(address, octets);
  const scope = scopeOf(address);
  if (length === 0 || scope === undefined) return undefined;
  const encoded = Buffer.alloc(length === 4 ? INET_LENGTH : INET6_LENGTH);
  encoded.writeUInt16LE(length === 4 ? Family.INET : Family.INET6);
  encoded.writeUInt16BE(port, PORT);
  encoded.set(octets.subarray(0, length), length === 4 ? INET_ADDRESS : INET6_ADDRESS);
  if (length === 16) encoded.writeUInt32LE(scope, INET6_SCOPE);
  return encoded;
}

/** The endpoint in a socket address; undefined when it is of another family. */
export function decodeSocketAddress(encoded: Buffer): Endpoint | undefined {
  const family = encoded.readUInt16LE();
  const port = encoded.readUInt16BE(PORT);
  if (family === Family.INET) return { address: encoded.subarray(INET_ADDRESS, INET_ADDRESS + 4).join('.'), port };
  if (family !== Family.INET6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => encoded.readUInt16BE(INET6_ADDRESS + 2 * i).toString(16));
  // RFC 5952: node writes the shortest form.
  const { address } = new SocketAddress({ address: groups.join(':'), family: 'ipv6' });
  const scope = encoded.readUInt32LE(INET6_SCOPE);
  return { address: scope === 0 ? address : `${address}%${scope}`, port };
}

/** The zone of an IPv6 address (RFC 4007 §11) as the number of its network interface; 0 without a zone. */
function scopeOf(address: string): number | undefined {
  const percent = address.indexOf('%');
  if (percent < 0) return 0;
  const zone = address.slice(percent + 1);
  if (/^[0-9]+$/.test(zone)) return Number(zone);
  // The interface's link-local address tells its number.
  const all = interfaces();
  if (typeof all === 'string') return undefined;
  return all[zone]?.find(({ family, scopeid }) => family === 'IPv6' && scopeid)?.scopeid;
}
