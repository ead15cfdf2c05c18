/**
 * Sockets that the control thread makes and binds through the C library, since node cannot: several on one address (SO_REUSEPORT),
 * for threads to serve, and with the options that UDP responses need. On Linux with koffi only; elsewhere all of this fails with
 * ADOTD_LISTEN.
 */
import { AdotdError, ErrorCode } from '../errors.js';
import { allowFastOpen } from './fast-open.js';
import { type Libc, libc } from './libc.js';
import { listenError } from './listen-error.js';
import { decodeSocketAddress, encodeSocketAddress, Family, LONGEST_SOCKET_ADDRESS } from './socket-address.js';
import type { Endpoint } from './transport.js';

/** A bound socket. Its receiver closes it. */
export interface BoundSocket {
  readonly protocol: 'udp' | 'tcp';
  readonly fd: number;
  /** With the actual port. */
  readonly endpoint: Endpoint;
  /** Other processes have it too. */
  readonly shared?: boolean;
}

export interface UdpSocketOptions {
  /** Other sockets of this process may have the same address; the system spreads clients over them. */
  readonly reusePort: boolean;
  /** Octets of queries that may wait, and of answers; the system adds its own overhead. */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
}

export interface TcpSocketOptions {
  readonly reusePort: boolean;
  /** Connections that may wait with TCP Fast Open; 0: it is off. */
  readonly fastOpen: number;
}

/** Connections that may wait to be accepted. A guess; the system caps it (net.core.somaxconn). */
export const BACKLOG = 1024;

/** Numbers of Linux, the same on x64 and arm64 (asm-generic/socket.h, linux/in.h, linux/in6.h, fcntl.h). */
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_TYPE = 3;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_REUSEPORT = 15;
const SO_RCVTIMEO = 20;
const SO_ACCEPTCONN = 30;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_IPV6 = 41;
const IP_PKTINFO = 8;
const IP_MTU_DISCOVER = 10;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const IPV6_DONTFRAG = 62;
/** IP_PMTUDISC_OMIT and IPV6_PMTUDISC_OMIT. */
const PMTUDISC_OMIT = 5;
const TCP_NODELAY = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;

/** A UDP socket on an address. It blocks, unless a call has MSG_DONTWAIT. Throws ADOTD_LISTEN. */
export function openUdpSocket(endpoint: Endpoint, options: UdpSocketOptions): BoundSocket {
  return open('udp', endpoint, (system, fd) => {
    if (options.reusePort) demand(system, setOption(system, fd, SOL_SOCKET, SO_REUSEPORT, 1));
    setUdpOptions(system, fd, endpoint, options);
  });
}

/** A TCP socket on an address, for node to listen on. `protocol` is for errors only. Throws ADOTD_LISTEN. */
export function openTcpSocket(endpoint: Endpoint, options: TcpSocketOptions, protocol: 'tcp' | 'tls'): BoundSocket {
  return open(protocol, endpoint, (system, fd) => {
    // As node does: an address with connections in TIME_WAIT can be bound again.
    demand(system, setOption(system, fd, SOL_SOCKET, SO_REUSEADDR, 1));
    if (options.reusePort) demand(system, setOption(system, fd, SOL_SOCKET, SO_REUSEPORT, 1));
    if (options.fastOpen > 0) allowFastOpen(fd, options.fastOpen);
  });
}

/** Lets connections come to a TCP socket; they wait until they are accepted. `protocol` is for errors only. Throws ADOTD_LISTEN. */
export function startListening({ fd, endpoint }: BoundSocket, protocol: 'tcp' | 'tls'): void {
  const system = loaded(protocol, endpoint);
  if (system.listen(fd, BACKLOG) !== 0) throw listenError(protocol, endpoint, systemError(system));
}

/**
 * Keeps accept4 on a listening socket from blocking. Connections that are accepted do not wait to fill segments: they inherit that. Throws
 * ADOTD_LISTEN.
 */
export function prepareTcpSocket(fd: number, endpoint: Endpoint, protocol: 'tcp' | 'tls'): void {
  const system = loaded(protocol, endpoint);
  try {
    const flags = system.fcntl(fd, F_GETFL, 0);
    demand(system, flags >= 0 && system.fcntl(fd, F_SETFL, flags | O_NONBLOCK) >= 0);
    demand(system, setOption(system, fd, IPPROTO_TCP, TCP_NODELAY, 1));
  } catch (error) {
    throw listenError(protocol, endpoint, error);
  }
}

/** Gives a UDP socket that was handed over the options of our own, SO_REUSEPORT apart. Throws ADOTD_LISTEN. */
export function prepareUdpSocket(fd: number, endpoint: Endpoint, options: UdpSocketOptions): void {
  const system = loaded('udp', endpoint);
  try {
    const flags = system.fcntl(fd, F_GETFL, 0);
    demand(system, flags >= 0 && system.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) >= 0);
    setUdpOptions(system, fd, endpoint, options);
  } catch (error) {
    throw listenError('udp', endpoint, error);
  }
}

/**
 * RFC 9715: responses are not fragmented on their way where that can be avoided, and a spoofed ICMP message cannot make
 * them smaller. With OMIT, packets have the interface's MTU, whatever ICMP says about paths, and no DF in IPv4. Section 3.1 wants DF
 * only where it is safe: DO and PROBE would lose responses on a path of a smaller MTU, and DO and WANT believe ICMP. Routers do not
 * fragment IPv6, and DONTFRAG keeps this host from doing it.
 *
 * Measured (Linux 6.18), MTU 1280, responses of 1400 octets: IPv6 with both options fails with EMSGSIZE, OMIT alone sends two
 * fragments; IPv4 sends two fragments, without DF. No response is that long with the default of `udp.payload`, 1232.
 */
function setUdpOptions(system: Libc, fd: number, endpoint: Endpoint, options: UdpSocketOptions): void {
  const wildcard = endpoint.address === '0.0.0.0' || endpoint.address === '::';
  const set = (level: number, option: number, value: number): void =>
    demand(system, setOption(system, fd, level, option, value));
  const ipv6 = getOption(system, fd, SOL_SOCKET, SO_DOMAIN) === Family.INET6;
  if (ipv6) {
    set(IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_OMIT);
    set(IPPROTO_IPV6, IPV6_DONTFRAG, 1);
    // Tells the address that was asked, so that the answer can leave from it.
    if (wildcard) set(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
  // An IPv6 socket that was handed over may take IPv4 too: then this applies.
  set(IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_OMIT);
  if (!ipv6 && wildcard) set(IPPROTO_IP, IP_PKTINFO, 1);
  setBuffer(system, fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBuffer);
  setBuffer(system, fd, SO_SNDBUFFORCE, SO_SNDBUF, options.sendBuffer);
}

/** `force` goes beyond the system's limits but needs CAP_NET_ADMIN; `option` stays within the limits. */
function setBuffer(system: Libc, fd: number, force: number, option: number, octets: number): void {
  if (!setOption(system, fd, SOL_SOCKET, force, octets)) {
    demand(system, setOption(system, fd, SOL_SOCKET, option, octets));
  }
}

/** A line for the log when a socket's buffers are smaller than requested; undefined when they are not. */
export function bufferShortfall(fd: number, options: UdpSocketOptions): string | undefined {
  const system = libc();
  if (typeof system === 'string') return undefined;
  const short = (option: number, key: string, asked: number, limit: string): string | undefined => {
    // The system doubles the value for its overhead.
    const octets = (getOption(system, fd, SOL_SOCKET, option) ?? 0) / 2;
    if (octets >= asked) return undefined;
    return `udp.${key} is ${octets} octets, not ${asked}: set ${limit} to ${asked}, or lower the key`;
  };
  const lines = [
    short(SO_RCVBUF, 'receive_buffer', options.receiveBuffer, 'net.core.rmem_max'),
    short(SO_SNDBUF, 'send_buffer', options.sendBuffer, 'net.core.wmem_max'),
  ];
  return lines.filter((line) => line !== undefined).join('; ') || undefined;
}

/** Describes a descriptor that was handed over: bound for UDP, or listening for TCP; or why it cannot be served. */
export function describeSocket(fd: number): { protocol: 'udp' | 'tcp'; endpoint: Endpoint } | string {
  const system = libc();
  if (typeof system === 'string') return `it cannot be looked at: ${system}`;
  const type = getOption(system, fd, SOL_SOCKET, SO_TYPE);
  if (type === undefined) return system.errno() === 'ENOTSOCK' ? 'it is no socket' : 'it is not open';
  const family = getOption(system, fd, SOL_SOCKET, SO_DOMAIN);
  if (family === Family.UNIX) return 'it is a Unix socket';
  if (family !== Family.INET && family !== Family.INET6) return `its address family is ${family}, not IPv4 or IPv6`;
  const transport = getOption(system, fd, SOL_SOCKET, SO_PROTOCOL);
  const udp = type === SOCK_DGRAM && transport === IPPROTO_UDP;
  if (!udp && !(type === SOCK_STREAM && transport === IPPROTO_TCP)) {
    return `its protocol is ${transport} (type ${type}), not UDP or TCP`;
  }
  const endpoint = endpointOf(system, fd);
  if (endpoint === undefined || endpoint.port === 0) return 'it is bound to no port';
  if (!udp && getOption(system, fd, SOL_SOCKET, SO_ACCEPTCONN) !== 1) return 'it is a TCP socket that does not listen';
  return { protocol: udp ? 'udp' : 'tcp', endpoint };
}

/** Another descriptor of the same socket, which child processes do not inherit. Throws ADOTD_LISTEN. */
export function duplicateSocket(fd: number): number {
  const system = libc();
  const copy = typeof system === 'string' ? -1 : system.fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy >= 0) return copy;
  const reason = typeof system === 'string' ? system : systemError(system).message;
  throw new AdotdError(ErrorCode.LISTEN, `cannot duplicate the socket of descriptor ${fd}: ${reason}`);
}

/** Keeps child processes from inheriting the descriptor. Node does so when it starts, but does not promise it. */
export function keepFromChildren(fd: number): void {
  const system = libc();
  if (typeof system !== 'string') system.fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/**
 * Keeps a UDP socket from receiving more; queued datagrams can still be read and answered. It is connected to itself, so datagrams of
 * others go to other sockets of its address, or are refused (ICMP) as after close(2); unlike close(2), nothing that is queued is
 * lost. Returns whether it worked.
 *
 * Not for sockets that other processes have too: theirs would stop receiving as well.
 */
export function deafenSocket(fd: number): boolean {
  const system = libc();
  if (typeof system === 'string') return false;
  const endpoint = endpointOf(system, fd);
  const address = endpoint && encodeSocketAddress(endpoint);
  return address !== undefined && system.connect(fd, address, address.length) === 0;
}

/** Makes receiving give up after `milliseconds` (below 1000) without a datagram, where it waits for one. Returns whether it does. */
export function limitReceiving(fd: number, milliseconds: number): boolean {
  const system = libc();
  if (typeof system === 'string') return false;
  // struct timeval: seconds, microseconds.
  const time = Buffer.alloc(16);
  time.writeInt32LE(milliseconds * 1000, 8);
  return system.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, time, time.length) === 0;
}

export function closeSocket(fd: number): void {
  const system = libc();
  if (typeof system !== 'string') system.close(fd);
}

function open(
  protocol: 'udp' | 'tcp' | 'tls',
  endpoint: Endpoint,
  prepare: (system: Libc, fd: number) => void,
): BoundSocket {
  const system = loaded(protocol, endpoint);
  const address = encodeSocketAddress(endpoint);
  if (address === undefined) throw listenError(protocol, endpoint, codedError('EADDRNOTAVAIL'));
  const family = address.readUInt16LE();
  const type = protocol === 'udp' ? SOCK_DGRAM : SOCK_STREAM;
  const fd = system.socket(family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) throw listenError(protocol, endpoint, systemError(system));
  try {
    // One socket for each family: IPv4 clients of an IPv6 socket would have IPv4-mapped addresses.
    if (family === Family.INET6) demand(system, setOption(system, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    prepare(system, fd);
    demand(system, system.bind(fd, address, address.length) === 0);
    const port = endpointOf(system, fd)?.port ?? endpoint.port;
    return { protocol: protocol === 'udp' ? 'udp' : 'tcp', fd, endpoint: { address: endpoint.address, port } };
  } catch (error) {
    system.close(fd);
    throw listenError(protocol, endpoint, error);
  }
}

function loaded(protocol: 'udp' | 'tcp' | 'tls', endpoint: Endpoint): Libc {
  const system = libc();
  if (typeof system === 'string') throw listenError(protocol, endpoint, new Error(system));
  return system;
}

function endpointOf(system: Libc, fd: number): Endpoint | undefined {
  const address = Buffer.alloc(LONGEST_SOCKET_ADDRESS);
  return system.getsockname(fd, address, integer(address.length)) === 0 ? decodeSocketAddress(address) : undefined;
}

function setOption(system: Libc, fd: number, level: number, option: number, value: number): boolean {
  return system.setsockopt(fd, level, option, integer(value), 4) === 0;
}

/** An option whose value is an int; undefined when it cannot be read, and then errno() tells why. */
function getOption(system: Libc, fd: number, level: number, option: number): number | undefined {
  const value = integer(0);
  return system.getsockopt(fd, level, option, value, integer(value.length)) === 0 ? value.readInt32LE() : undefined;
}

function integer(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeInt32LE(value);
  return octets;
}

/** Throws the error of the last call when it did not succeed. */
function demand(system: Libc, succeeded: boolean): void {
  if (!succeeded) throw systemError(system);
}

function systemError(system: Libc): Error {
  return codedError(system.errno());
}

/** An error like node's own: with a `code`, which listenError() explains. */
function codedError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
