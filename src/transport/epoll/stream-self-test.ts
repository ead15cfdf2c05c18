/**
 * Whether accept4, epoll, recv and send behave on this machine as the loop expects: a connection over loopback is accepted, and octets go
 * both ways. Where the C library, kernel or machine has another layout, the server takes the portable path.
 */
import { AdotdError } from '../../errors.js';
import { type Libc, libc } from '../libc.js';
import { encodeSocketAddress, Family } from '../socket-address.js';
import { type BoundSocket, closeSocket, openTcpSocket, prepareTcpSocket, startListening } from '../sockets.js';
import { createEpoll, type Epoll, Ready } from './epoll.js';

/** Milliseconds after which something on loopback counts as lost. It happens at once unless the machine is overloaded. */
const LOST = 250;
const OPTIONS = { reusePort: false, fastOpen: 0 } as const;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
/** SOCK_NONBLOCK and SOCK_CLOEXEC of accept4(2). */
const ACCEPT_FLAGS = 0o2004000;
/** Generations to be told apart; the second has its highest bit set. */
const LISTENER = 0x1234_5678;
const CONNECTION = -0x0fed_cba9;

/** Memory of the test: a socket address, its length, octets to send, octets that came. */
const LENGTH = 32;
const SENT = 64;
const CAME = 128;
const OCTETS = 48;

/** Why streams cannot run on the loop here; undefined when they can. Takes some milliseconds. `system`: for tests, which break it. */
export function streamsObstacle(system: Libc | string = libc()): string | undefined {
  if (typeof system === 'string') return system;
  if (system.eventLoop() < 0) return 'this build of node does not tell the descriptor of its event loop';
  const opened: number[] = [];
  try {
    const server = openOne(opened);
    const client = openOne(opened);
    const epoll = createEpoll(system);
    opened.push(epoll.fd);
    const reason = converse(system, epoll, server, client, opened);
    return reason && `the self-test of epoll failed: ${reason}`;
  } catch (error) {
    if (!(error instanceof AdotdError)) throw error;
    return `the self-test of epoll failed: ${error.message}`;
  } finally {
    for (const fd of opened) closeSocket(fd);
  }
}

/** A TCP socket on loopback, by IPv4 or, where there is none, by IPv6. */
function openOne(opened: number[]): BoundSocket {
  let socket: BoundSocket;
  try {
    socket = openTcpSocket({ address: '127.0.0.1', port: 0 }, OPTIONS, 'tcp');
  } catch {
    socket = openTcpSocket({ address: '::1', port: 0 }, OPTIONS, 'tcp');
  }
  opened.push(socket.fd);
  return socket;
}

/** Connects, sends octets, sends them back, and ends the connection; returns the mistake, if there was one. */
function converse(
  system: Libc,
  epoll: Epoll,
  server: BoundSocket,
  client: BoundSocket,
  opened: number[],
): string | undefined {
  const octets = Buffer.from(new SharedArrayBuffer(CAME + OCTETS));
  const at = system.address(octets, octets);
  const found = (fd: number, generation: number, events: number): boolean =>
    epoll.wait(LOST) === 1 &&
    epoll.descriptorOf(0) === fd &&
    epoll.generationOf(0) === generation &&
    epoll.eventsOf(0) === events;
  startListening(server, 'tcp');
  prepareTcpSocket(server.fd, server.endpoint, 'tcp');
  if (!epoll.add(server.fd, LISTENER, Ready.READ)) return `a socket cannot be watched: ${system.errno()}`;
  const to = encodeSocketAddress(server.endpoint);
  if (to === undefined || system.connect(client.fd, to, to.length) !== 0) return `cannot connect: ${system.errno()}`;
  if (!found(server.fd, LISTENER, Ready.READ)) return 'a connection did not arrive';
  octets.writeInt32LE(LENGTH, LENGTH);
  const fd = system.accept4(server.fd, at, at + LENGTH, ACCEPT_FLAGS);
  if (fd < 0) return `a connection cannot be accepted: ${system.errno()}`;
  opened.push(fd);
  const family = client.endpoint.address.includes(':') ? Family.INET6 : Family.INET;
  if (octets.readUInt16LE(0) !== family || octets.readUInt16BE(2) !== client.endpoint.port) {
    return 'the address of a client is garbled';
  }
  epoll.add(fd, CONNECTION, Ready.WRITE);
  if (!found(fd, CONNECTION, Ready.WRITE)) return 'a connection cannot be written to';
  epoll.change(fd, CONNECTION, Ready.READ);
  if (epoll.wait(0) !== 0) return 'a connection without octets can be read';
  for (let i = 0; i < OCTETS; i++) octets[SENT + i] = i * 5 + 1;
  for (const [from, into] of [
    [client.fd, fd],
    [fd, client.fd],
  ] as const) {
    octets.fill(0, CAME);
    if (system.send(from, at + SENT, OCTETS, MSG_NOSIGNAL) !== OCTETS) return `cannot send: ${system.errno()}`;
    if (into === fd && !found(fd, CONNECTION, Ready.READ)) return 'octets did not arrive';
    if (system.recv(into, at + CAME, OCTETS, 0) !== OCTETS) return `cannot receive: ${system.errno()}`;
    if (!octets.subarray(SENT, SENT + OCTETS).equals(octets.subarray(CAME, CAME + OCTETS))) return 'octets are garbled';
  }
  system.shutdown(client.fd, SHUT_WR);
  if (!found(fd, CONNECTION, Ready.READ) || system.recv(fd, at + CAME, OCTETS, 0) !== 0) return 'an end did not arrive';
  epoll.remove(server.fd);
  return undefined;
}
