/**
 * Control messages of datagrams: the address that was asked, of which the response's source is made.
 *
 * Hot file: typed arrays and integers, every offset has a name. The layouts are those of 64-bit Linux, little-endian.
 */

/** struct cmsghdr: length (of header and data), level, type. */
const CMSG_LEVEL = 8;
const CMSG_TYPE = 12;
const CMSG_DATA = 16;
/** struct in_pktinfo: interface, our address, the packet's destination. */
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const INET_INFO = 12;
/** struct in6_pktinfo: the packet's destination, interface. */
const IPPROTO_IPV6 = 41;
const IPV6_PKTINFO = 50;
const INET6_INFO = 20;
const INET6_INTERFACE = 16;

/** Octets of the control message about a response's source. */
export const INET_SOURCE_LENGTH = CMSG_DATA + aligned(INET_INFO);
export const INET6_SOURCE_LENGTH = CMSG_DATA + aligned(INET6_INFO);

/**
 * Turns the control message about a datagram's destination into one about the response's source (ip(7)). Returns where it is, or -1
 * when there is none. `start`, `used`: the control messages.
 *
 * ipi_spec_dst is our address already: the packet's destination, or for a broadcast the address of the interface. The routes
 * choose the interface.
 */
export function inetSource(words: Int32Array, start: number, used: number): number {
  const found = findControl(words, start, used, IPPROTO_IP, IP_PKTINFO, INET_INFO);
  if (found >= 0) words[(found + CMSG_DATA) >> 2] = 0;
  return found;
}

/** The same by ipv6(7). The routes choose the interface, except for link-local addresses, which mean nothing without it. */
export function inet6Source(octets: Uint8Array, words: Int32Array, start: number, used: number): number {
  const found = findControl(words, start, used, IPPROTO_IPV6, IPV6_PKTINFO, INET6_INFO);
  if (found < 0) return found;
  const data = found + CMSG_DATA;
  // Nothing can be sent from a multicast address (ff00::/8): the system chooses the source.
  if (octets[data] === 0xff) return -1;
  const linkLocal = octets[data] === 0xfe && (octets[data + 1]! & 0xc0) === 0x80;
  if (!linkLocal) words[(data + INET6_INTERFACE) >> 2] = 0;
  return found;
}

/** Where the control message of this kind is, with `length` octets of data at least, or -1. */
function findControl(
  words: Int32Array,
  start: number,
  used: number,
  level: number,
  type: number,
  length: number,
): number {
  const end = start + used;
  for (let at = start; at + CMSG_DATA + length <= end; ) {
    const own = words[at >> 2]!;
    const found = words[(at + CMSG_LEVEL) >> 2] === level && words[(at + CMSG_TYPE) >> 2] === type;
    if (found && own >= CMSG_DATA + length) return at;
    if (own < CMSG_DATA) return -1;
    at += aligned(own);
  }
  return -1;
}

/** CMSG_ALIGN: control messages and their data begin at multiples of eight octets. */
function aligned(octets: number): number {
  return (octets + 7) & ~7;
}
