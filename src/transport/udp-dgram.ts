/**
 * UDP with node:dgram: one socket an address, answers composed into a buffer of their own until they are sent.
 * NOT here: the source address of answers on a wildcard bind is the system's choice (dgram has no IP_PKTINFO).
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { setImmediate as immediately } from 'node:timers/promises';
import { createFacts, Transport } from '../answer/facts.js';
import type { Catalog } from '../image/catalog.js';
import { addressOctets } from './address.js';
import { listenError } from './listen-error.js';
import { deafenSocket } from './sockets.js';
import { type DatagramSender, type Endpoint, type Listener, TransportEvent, type UdpContext } from './transport.js';

/** A buffer for one answer, taken back when the answer is sent. */
interface Slot {
  readonly octets: Uint8Array;
  readonly sent: (error: Error | null) => void;
}

/** Turns of the event loop in which what is queued is answered before the socket is closed; each reads some dozens. A guess. */
const LAST_TURNS = 64;
/** Answers below way at once before buffers are made that are not kept. */
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
    // Addresses are never names here; the default would put every answer off to the next tick.
    lookup: (address, _options, done) => done(null, address, family),
  });
  await bind(socket, endpoint, fd);
  const facts = createFacts(catalog);
  facts.transport = Transport.UDP;
  facts.payloadLimit = context.udpPayload;
  facts.upgradeBit = context.udpUpgradeBit;
  const { responder, clock } = context;
  const sender: DatagramSender = context.intercept?.sender(socket) ?? socket;
  const free: Slot[] = [];
  let pending = 0;
  let received = 0;
  let closing: (() => void) | undefined;
  /** Set while the socket can send to nobody but itself: answers that wait. */
  let held: (() => void)[] | undefined;

  const createSlot = (): Slot => {
    const slot: Slot = {
      octets: new Uint8Array(Math.max(context.udpPayload, 512)),
      sent(error) {
        if (error) context.event(TransportEvent.UDP_ERROR);
        if (free.length < KEPT_SLOTS) free.push(slot);
        pending--;
        if (pending === 0) closing?.();
      },
    };
    return slot;
  };

  socket.on('message', (message: Buffer, peer: RemoteInfo) => {
    received++;
    facts.clientLength = addressOctets(peer.address, facts.client);
    facts.clientPort = peer.port;
    facts.now = clock.seconds();
    const slot = free.pop() ?? createSlot();
    const octets = slot.octets;
    const length = responder.respond(message, 0, message.length, facts, octets, 0, octets.length);
    context.count(facts, responder.outcome, message.length, length);
    // Port 0 cannot be sent to (RFC 768: no source port was given).
    if (length <= 0 || peer.port === 0 || closing) {
      if (free.length < KEPT_SLOTS) free.push(slot);
      return;
    }
    pending++;
    if (held) held.push(() => sender.send(octets, 0, length, peer.port, peer.address, slot.sent));
    else sender.send(octets, 0, length, peer.port, peer.address, slot.sent);
  });
  // What the network reports about earlier datagrams (ICMP) must not end the server.
  socket.on('error', () => context.event(TransportEvent.UDP_ERROR));

  const finish = async (): Promise<void> => {
    // Nothing more is to come. Not to a socket that was handed over, which may be others' too, nor in a fixture, which is to close
    // without loading the C library first.
    const own = fd === undefined && context.intercept === undefined;
    if (received > 0 && own && !deafenSocket(descriptorOf(socket)) && (await connectToItself(socket))) held = [];
    // What is queued is answered: until a whole turn of the event loop brings nothing.
    for (let turn = 0, before = -1; turn < LAST_TURNS && received !== before; turn++) {
      before = received;
      await immediately();
      await immediately();
    }
    if (held && held.length > 0) {
      // Until it is closed, which is at once when these are sent, datagrams come again, and are lost.
      socket.disconnect();
      for (const send of held) send();
    }
    await new Promise<void>((resolve) => {
      closing = resolve;
      if (pending === 0) resolve();
    });
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  };
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= finish();
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
