/**
 * UDP with recvmmsg and sendmmsg, in a thread of its own: datagrams are received in batches, answered, and the responses sent
 * with one call. How the thread waits for them is in udp/udp-rounds.ts.
 *
 * Hot file: no allocation per query, no exceptions for control flow.
 */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import type { Facts } from '../answer/facts.js';
import type { Catalog } from '../image/catalog.js';
import { handDatagram } from './handed-datagrams.js';
import { libc } from './libc.js';
import { BATCH, type Batches, createBatches, createSlots, MSG_DONTWAIT, MSG_WAITFORONE, type Slots } from './mmsg.js';
import { createRest, createSleep, type Rest } from './rest.js';
import { deafenSocket, limitReceiving } from './sockets.js';
import { GENERATION, HEARTBEAT, RESTING, Resting } from './thread-words.js';
import { type Endpoint, TransportEvent, type UdpContext } from './transport.js';
import { type Answerer, createRounds, RECEIVING_TIME } from './udp/udp-rounds.js';
import { responseRoom, udpFacts } from './udp-facts.js';
import { createWait } from './wait.js';

/** A bound UDP socket; its binder closes it. */
export interface UdpSocket {
  readonly fd: number;
  readonly endpoint: Endpoint;
  /** Other processes have it too. */
  readonly shared?: boolean;
}

export interface MmsgLoop {
  /** Answers from `catalog` from the next batch on. */
  publish(catalog: Catalog): void;
  /** Answers the queries that are queued in the sockets, and takes no more. */
  stop(): Promise<void>;
}

/** Errors after which receiving never succeeds: the descriptor is no socket of ours. */
const FATAL: readonly number[] = [
  constants.errno.EBADF,
  constants.errno.ENOTSOCK,
  constants.errno.EINVAL,
  constants.errno.EFAULT,
];

/** Slots for responses as long as the operator permits. */
export function slotsFor(context: UdpContext): Slots {
  return createSlots(responseRoom(context));
}

/** Answers the socket's datagrams. `words`: of thread-words.ts, which are served too. */
export function createAnswerer(
  batches: Batches,
  slots: Slots,
  facts: Facts,
  context: UdpContext,
  words: Int32Array,
): Answerer {
  const { responder, clock } = context;
  const { outcome } = responder;
  const { octets, capacity, requestStride, responseAt, responseStride } = slots;

  const room = { octets, at: responseAt, capacity };
  // No batch is in hand between two turns of the event loop: its memory is free then.
  const handOff = (i: number, asked: number): void => {
    const from = batches.hold(i);
    handDatagram(
      context,
      facts,
      octets,
      i * requestStride,
      asked,
      () => room,
      (_, answered) => {
        if (answered === 0) return;
        batches.restore(from);
        batches.put(0, 0, answered);
        if (batches.send(1) > 0) context.event(TransportEvent.UDP_ERROR);
      },
    );
  };

  return {
    answer(flags, most) {
      const waits = (flags & MSG_WAITFORONE) !== 0;
      if (waits) words[RESTING] = Resting.BRIEFLY;
      const received = batches.receive(flags, most);
      words[HEARTBEAT]!++;
      if (waits) words[RESTING] = Resting.NO;
      // Both are compared each time: V8 gives up compiled code at the first comparison that it has never seen before.
      if (received < 0) failed(-received, context);
      if (received <= 0) return 0;
      context.event(TransportEvent.UDP_BATCH);
      facts.now = clock.seconds();
      let responses = 0;
      for (let i = 0; i < received; i++) {
        facts.clientLength = batches.copyAddress(i, facts.client);
        const port = batches.portOf(i);
        facts.clientPort = port;
        const asked = batches.lengthOf(i);
        const to = responseAt + responses * responseStride;
        const answered = responder.respond(octets, i * requestStride, asked, facts, octets, to, capacity);
        if (answered < 0) {
          handOff(i, asked);
          continue;
        }
        context.count(facts, outcome, asked, answered);
        // Port 0 cannot be sent to (RFC 768: no source port was given).
        if (answered > 0 && port !== 0) batches.put(responses++, i, answered);
      }
      const lost = responses === 0 ? 0 : batches.send(responses);
      for (let i = 0; i < lost; i++) context.event(TransportEvent.UDP_ERROR);
      return received;
    },
  };
}

function failed(error: number, context: UdpContext): void {
  if (FATAL.includes(error)) throw new Error(`a UDP socket cannot be received from: ${getSystemErrorName(-error)}`);
  context.event(TransportEvent.UDP_ERROR);
}

/** Batches to answer at the most when the loop stops. Nothing comes to the socket any more, and its receive buffer holds fewer. */
const LAST_BATCHES = 4096;
/** The same for a socket that other processes have too: more datagrams may come to it. A guess. */
const LAST_BATCHES_SHARED = 64;

/** Serves the sockets in the calling thread until stop(). `words`: of thread-words.ts, which `rest` belongs to. */
export function serveMmsg(
  sockets: readonly UdpSocket[],
  catalog: Catalog,
  context: UdpContext,
  words: Int32Array,
  rest: Rest = createRest(words, () => {}),
): MmsgLoop {
  const system = libc();
  if (typeof system === 'string') throw new Error(`recvmmsg cannot be called: ${system}`);
  const slots = slotsFor(context);
  const facts = udpFacts(catalog, context);
  const answerers = sockets.map(({ fd, endpoint: { address } }) => {
    const batches = createBatches(system, fd, address.includes(':') ? 6 : 4, isWildcard(address), slots);
    return createAnswerer(batches, slots, facts, context, words);
  });
  words[GENERATION] = catalog.generation;
  const wait = createWait(system, [system.eventLoop(), ...sockets.map(({ fd }) => fd)]);
  const sleep = createSleep(system, rest, wait.poll);
  const serve = createRounds({ answerers, facts, words, sleep, wait, canBlock: canBlock(sockets) });
  let stopped = false;

  const turn = (): void => {
    if (stopped) return;
    words[HEARTBEAT]!++;
    try {
      serve();
    } catch (error) {
      // It ends the thread.
      stopped = true;
      throw error;
    }
    // The event loop looks after everything else before that.
    setImmediate(turn);
  };
  setImmediate(turn);

  return {
    publish(next) {
      facts.catalog = next;
      words[GENERATION] = next.generation;
    },
    async stop() {
      if (stopped) return context.handOff.emptied();
      stopped = true;
      sockets.forEach(({ fd, shared }, i) => {
        // Other processes answer the queries that come to a socket that they have too. Such queries may never end.
        const most = !shared && deafenSocket(fd) ? LAST_BATCHES : LAST_BATCHES_SHARED;
        for (let batch = 0; batch < most && answerers[i]!.answer(MSG_DONTWAIT, BATCH) > 0; batch++);
      });
      // Requests that were handed off get their replies: those come by the event loop, which has nothing else to do now.
      await context.handOff.emptied();
    },
  };
}

/** Whether the thread may wait by receiving. The limit is the socket's own, so it is not set where other processes have the socket too. */
function canBlock([socket, ...others]: readonly UdpSocket[]): boolean {
  return socket !== undefined && others.length === 0 && !socket.shared && limitReceiving(socket.fd, RECEIVING_TIME);
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
