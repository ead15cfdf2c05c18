/**
 * Whether recvmmsg, sendmmsg and control messages behave on this machine as mmsg.ts expects: it sends datagrams to its own sockets on
 * loopback, answers them with the code that answers all queries, and compares. Where the C library, kernel or machine has another
 * layout, the server takes the portable path instead of answering wrongly.
 */
import { AdotdError } from '../errors.js';
import { addressOctets } from './address.js';
import { type Libc, libc } from './libc.js';
import { BATCH, createBatches, createSlots, MSG_DONTWAIT, type Slots } from './mmsg.js';
import { encodeSocketAddress } from './socket-address.js';
import { closeSocket, openUdpSocket } from './sockets.js';
import type { Endpoint } from './transport.js';
import { createWait } from './wait.js';

/** The address that a server is bound to, and the one that is asked. A wildcard server must answer from the latter. */
const CASES = [
  { bound: '127.0.0.1', asked: '127.0.0.1' },
  { bound: '0.0.0.0', asked: '127.0.0.2' },
  { bound: '::1', asked: '::1' },
  { bound: '::', asked: '::1' },
] as const;

/** Octets of the requests. */
const LENGTHS = [12, 0, 13, 512, 1232, 600] as const;
/** The request without a response: responses behind it have other numbers than their requests. */
const UNANSWERED = 2;
/** Sockets that the requests are sent from in turn. */
const CLIENTS = 2;
/** Milliseconds after which a datagram on loopback counts as lost. It arrives at once unless the machine is overloaded. */
const LOST = 250;

const BUFFERS = { reusePort: false, receiveBuffer: 65_536, sendBuffer: 65_536 } as const;

/** The mistake that was found, or undefined. Takes some milliseconds. `system`: for tests, which break it. */
export function selfTest(system: Libc | string = libc()): string | undefined {
  if (typeof system === 'string') return system;
  const slots = createSlots(2 * Math.max(...LENGTHS));
  let tried = 0;
  for (const { bound, asked } of CASES) {
    const sockets: { fd: number; endpoint: Endpoint }[] = [];
    const open = (address: string) => {
      const socket = openUdpSocket({ address, port: 0 }, BUFFERS);
      sockets.push(socket);
      return socket;
    };
    try {
      const server = open(bound);
      const clients = Array.from({ length: CLIENTS }, () => open(bound.includes(':') ? '::1' : '127.0.0.1'));
      const reason = exchange(system, slots, server, asked, clients);
      if (reason !== undefined) return `${reason} (asking ${asked} of a socket on ${bound})`;
      tried++;
    } catch (error) {
      // This machine lacks the address family; nobody is served on it either.
      if (!(error instanceof AdotdError)) throw error;
    } finally {
      for (const { fd } of sockets) closeSocket(fd);
    }
  }
  return tried > 0 ? undefined : 'there is no loopback address';
}

/** Sends requests to the server, answers them, and reads the responses. */
function exchange(
  system: Libc,
  slots: Slots,
  server: { readonly fd: number; readonly endpoint: Endpoint },
  asked: string,
  clients: readonly { readonly fd: number }[],
): string | undefined {
  const family = asked.includes(':') ? 6 : 4;
  const { octets, capacity, requestStride, responseAt, responseStride } = slots;
  const to = encodeSocketAddress({ address: asked, port: server.endpoint.port });
  if (to === undefined) return 'the address cannot be written';
  for (const [number, length] of LENGTHS.entries()) {
    const { fd = -1 } = clients[number % CLIENTS] ?? {};
    if (system.sendto(fd, request(number), length, MSG_DONTWAIT, to, to.length) !== length) {
      return `a datagram cannot be sent: ${system.errno()}`;
    }
  }
  const batches = createBatches(system, server.fd, family, asked !== server.endpoint.address, slots);
  let received = 0;
  while (received < LENGTHS.length) {
    if (createWait(system, [server.fd]).poll(LOST) <= 0) return `${received} of ${LENGTHS.length} datagrams arrived`;
    // The first one goes the way of datagrams that are taken one by one.
    const count = batches.receive(MSG_DONTWAIT, received === 0 ? 1 : BATCH);
    if (count < 0) return `receiving fails with error ${-count}`;
    let responses = 0;
    for (let i = 0; i < count; i++) {
      const at = i * requestStride;
      const length = batches.lengthOf(i);
      const number = length === 0 ? LENGTHS.indexOf(0) : octets[at]!;
      if (length !== LENGTHS[number] || !equal(octets, at, request(number), length)) return 'a request is garbled';
      if (number === UNANSWERED) continue;
      const response = responseOf(number).subarray(0, capacity);
      octets.set(response, responseAt + responses * responseStride);
      batches.put(responses++, i, response.length);
    }
    if (batches.send(responses) > 0) return `a response cannot be sent: ${system.errno()}`;
    received += count;
  }
  for (const [number, client] of clients.entries()) {
    const wanted = [...LENGTHS.keys()].filter((sent) => sent % CLIENTS === number && sent !== UNANSWERED);
    const reason = readResponses(system, slots, client.fd, family, asked, server.endpoint.port, wanted);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Reads the responses to these requests: they must be the only ones, and come from the address that was asked. */
function readResponses(
  system: Libc,
  slots: Slots,
  fd: number,
  family: 4 | 6,
  address: string,
  port: number,
  wanted: readonly number[],
): string | undefined {
  const { octets, requestStride } = slots;
  const source = new Uint8Array(16);
  const from = new Uint8Array(16);
  const addressLength = addressOctets(address, from);
  const missing = new Set(wanted);
  const batches = createBatches(system, fd, family, false, slots);
  while (missing.size > 0) {
    if (createWait(system, [fd]).poll(LOST) <= 0) return `${missing.size} responses did not arrive`;
    const count = batches.receive(MSG_DONTWAIT, BATCH);
    if (count < 0) return `receiving fails with error ${-count}`;
    for (let i = 0; i < count; i++) {
      const number = octets[i * requestStride]!;
      const response = responseOf(number);
      const length = batches.lengthOf(i);
      if (length !== response.length || !equal(octets, i * requestStride, response, length)) {
        return 'a response is garbled';
      }
      if (!missing.delete(number)) return 'a response went to another client';
      batches.copyAddress(i, source);
      if (batches.portOf(i) !== port || !equal(source, 0, from, addressLength)) {
        return 'a response came from another address than was asked';
      }
    }
  }
  return undefined;
}

/** A request: its number, then octets that differ from those of the others. */
function request(number: number): Uint8Array {
  const octets = new Uint8Array(LENGTHS[number] ?? 0);
  octets.forEach((_, i) => {
    octets[i] = i === 0 ? number : number * 31 + i;
  });
  return octets;
}

/** The number, then the request backwards: another length than the request's, so that a wrong length shows. */
function responseOf(number: number): Uint8Array {
  return Uint8Array.of(number, ...request(number).reverse());
}

function equal(octets: Uint8Array, at: number, wanted: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (octets[at + i] !== wanted[i]) return false;
  return true;
}
