/**
 * UDP with node:dgram: one socket for each address; each answer has a buffer of its own until it is sent.
 * NOT here: on a wildcard address the system chooses the source address of answers (node:dgram has no IP_PKTINFO).
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { setImmediate as immediately } from 'node:timers/promises';
import type { Facts } from '../answer/facts.js';
import type { Catalog } from '../image/catalog.js';
import { addressOctets } from './address.js';
import { handDatagram } from './handed-datagrams.js';
import { listenError } from './listen-error.js';
import { deafenSocket } from './sockets.js';
import { type DatagramSender, type Endpoint, type Listener, TransportEvent, type UdpContext } from './transport.js';
import { responseRoom, udpFacts } from './udp-facts.js';

/** A buffer for one answer, reused when the answer is sent. */
interface Slot {
  readonly octets: Uint8Array;
  readonly at: number;
  readonly capacity: number;
  readonly sent: (error: Error | null) => void;
}

/** Turns of the event loop for queued queries before the socket is closed; each reads some dozens. A guess. */
const LAST_TURNS = 64;
/** Rounds of finishConnected(). A guess: each is over in less time than a client needs to ask again. */
const LAST_ROUNDS = 8;
/** Octets; the default of `udp.receive_buffer`. */
const RECEIVE_BUFFER = 4_194_304;
/** Buffers that are kept for later answers. */
const KEPT_SLOTS = 256;

/** Binds a UDP address, or takes the socket `fd` that is bound to it. Throws ADOTD_LISTEN. */
export async function listenUdp(
  endpoint: Endpoint,
  catalog: Catalog,
  context: UdpContext,
  fd?: number,
): Promise<Listener> {
  const family = endpoint.address.includes(':') ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    // Every address is numeric here; the default lookup would delay every answer to the next tick.
    lookup: (address, _options, done) => done(null, address, family),
  });
  await bind(socket, endpoint, fd);
  if (fd === undefined) enlargeReceiveBuffer(socket);
  const facts = udpFacts(catalog, context);
  const answerer = createAnswerer(socket, facts, context);
  socket.on('message', (message: Buffer, peer: RemoteInfo) => answerer.answer(message, peer));
  // An ICMP error about an earlier datagram must not end the server.
  socket.on('error', () => context.event(TransportEvent.UDP_ERROR));
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    // Other processes may have a socket that was handed over. A fixture closes without loading the C library.
    closed ??= finish(socket, answerer, fd === undefined && context.intercept === undefined);
    return closed;
  };
  return {
    protocol: 'udp',
    endpoint: { address: endpoint.address, port: socket.address().port },
    publish(next) {
      facts.catalog = next;
    },
    close,
    abandon: close,
  };
}

/** Answers the queries of a socket. */
interface Answerer {
  answer(message: Buffer, peer: RemoteInfo): void;
  /** Messages that came. */
  readonly received: number;
  /** Makes answers wait from now on. */
  hold(): void;
  /** Whether any wait. */
  readonly holds: boolean;
  /** Sends the answers that wait. */
  release(): void;
  /** Fulfilled when no request is handed off that is not answered. */
  promised(): Promise<void>;
  /** Sends no further answer; fulfilled when none is on its way. */
  end(): Promise<void>;
}

function createAnswerer(socket: Socket, facts: Facts, context: UdpContext): Answerer {
  const { responder, clock } = context;
  const sender: DatagramSender = context.intercept?.sender(socket) ?? socket;
  const room = responseRoom(context);
  const free: Slot[] = [];
  let pending = 0;
  let received = 0;
  let ended: (() => void) | undefined;
  let held: (() => void)[] | undefined;

  const keep = (slot: Slot): void => {
    if (free.length < KEPT_SLOTS) free.push(slot);
  };
  const sent = (slot: Slot, error: Error | null): void => {
    if (error) context.event(TransportEvent.UDP_ERROR);
    keep(slot);
    pending--;
    if (pending === 0) ended?.();
  };
  const takeSlot = (): Slot => free.pop() ?? createSlot(room, sent);

  const send = (slot: Slot, length: number, { port, address }: RemoteInfo): void => {
    // Port 0 cannot be sent to (RFC 768: no source port was given).
    if (length <= 0 || port === 0 || ended) {
      keep(slot);
      return;
    }
    pending++;
    if (held) held.push(() => sender.send(slot.octets, 0, length, port, address, slot.sent));
    else sender.send(slot.octets, 0, length, port, address, slot.sent);
  };

  return {
    answer(message, peer) {
      received++;
      facts.clientLength = addressOctets(peer.address, facts.client);
      facts.clientPort = peer.port;
      facts.now = clock.seconds();
      const slot = takeSlot();
      const length = responder.respond(message, 0, message.length, facts, slot.octets, 0, room);
      if (length < 0) {
        keep(slot);
        const reply = (to: Slot, answered: number): void => send(to, answered, peer);
        handDatagram(context, facts, message, 0, message.length, takeSlot, reply);
        return;
      }
      context.count(facts, responder.outcome, message.length, length);
      send(slot, length, peer);
    },
    get received() {
      return received;
    },
    hold() {
      held ??= [];
    },
    get holds() {
      return held !== undefined && held.length > 0;
    },
    release() {
      for (const send of held?.splice(0) ?? []) send();
    },
    promised: () => context.handOff.emptied(),
    end: () =>
      new Promise((resolve) => {
        ended = resolve;
        if (pending === 0) resolve();
      }),
  };
}

/** `sent`: called with the slot when its answer is sent. */
function createSlot(room: number, sent: (slot: Slot, error: Error | null) => void): Slot {
  const slot: Slot = { octets: new Uint8Array(room), at: 0, capacity: room, sent: (error) => sent(slot, error) };
  return slot;
}

/** Answers the queued queries and closes the socket; `own`: no other process has it, so it can be kept from receiving more. */
async function finish(socket: Socket, answerer: Answerer, own: boolean): Promise<void> {
  const deaf = own && answerer.received > 0 && deafenSocket(descriptorOf(socket));
  if (answerer.received > 0 && own && !deaf) await finishConnected(socket, answerer);
  else await answerQueued(answerer);
  await answerer.end();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
}

/** Answers queries until a whole turn of the event loop brings none, and the requests that were handed off. */
async function answerQueued(answerer: Answerer): Promise<void> {
  for (let turn = 0, before = -1; turn < LAST_TURNS && answerer.received !== before; turn++) {
    before = answerer.received;
    await immediately();
    await immediately();
  }
  await answerer.promised();
}

/**
 * Without the C library: a socket that is connected to itself receives nothing from others, and node:dgram refuses to send to others
 * meanwhile. The answers wait until the queue is empty; then they are sent at once, in one call, between disconnecting and connecting
 * again. Queries that come in between are answered in the next round.
 */
async function finishConnected(socket: Socket, answerer: Answerer): Promise<void> {
  for (let round = 0; round < LAST_ROUNDS; round++) {
    const connected = await connectToItself(socket);
    if (connected) answerer.hold();
    await answerQueued(answerer);
    if (!answerer.holds) return;
    if (connected) socket.disconnect();
    answerer.release();
    if (!connected) return;
  }
}

/**
 * Queries wait in this buffer while the thread does something else, such as a reload. Linux grants twice `net.core.rmem_max` at the most.
 * By default it is half of that: measured at 2,000 queries a second, a standstill of 160 ms lost 8 of them.
 */
function enlargeReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER);
  } catch {
    // Systems other than Linux refuse a size that is too large. The default of the system stays.
  }
}

function bind(socket: Socket, endpoint: Endpoint, fd: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      socket.close();
      reject(listenError('udp', endpoint, error));
    };
    socket.once('error', failed);
    const at = fd === undefined ? { address: endpoint.address, port: endpoint.port } : { fd };
    socket.bind({ ...at, exclusive: true }, () => {
      socket.off('error', failed);
      resolve();
    });
  });
}

/** deafenSocket() where the C library cannot be called: node:dgram then refuses to send to others. Says whether it worked. */
function connectToItself(socket: Socket): Promise<boolean> {
  const { address, port } = socket.address();
  return new Promise((resolve) => socket.connect(port, address, (error?: Error) => resolve(error === undefined)));
}

/** Its file descriptor, which node keeps to itself; -1 where it cannot be found. */
function descriptorOf(socket: Socket): number {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    const state: unknown = Reflect.get(socket, symbol);
    const handle: unknown = typeof state === 'object' && state !== null ? Reflect.get(state, 'handle') : undefined;
    const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined;
    if (typeof fd === 'number') return fd;
  }
  return -1;
}
