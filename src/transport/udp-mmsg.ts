/**
 * UDP with recvmmsg and sendmmsg, in a thread of its own: datagrams are received in batches, answered, and the responses sent
 * with one call.
 *
 * The thread has two ways to wait. While queries come it waits in poll(2), outside of the event loop: a wake-up costs one call
 * then. When none has come for a while it goes back to the event loop, which watches the sockets too, and where a thread that
 * has nothing to do can be told anything, and be ended. Hot file: no allocation per query, no exceptions.
 */
import { constants } from 'node:os';
import { createFacts, type Facts, Transport } from '../answer/facts.js';
import type { Catalog } from '../image/catalog.js';
import { type Libc, libc } from './libc.js';
import { type Batches, createBatches, createSlots, MSG_DONTWAIT, type Slots } from './mmsg.js';
import { GENERATION, HEARTBEAT, MAIL, MISCHIEF, Mischief } from './thread-words.js';
import { type Endpoint, TransportEvent, type UdpContext } from './transport.js';

/** A bound UDP socket; whoever bound it closes it. */
export interface UdpSocket {
  readonly fd: number;
  readonly endpoint: Endpoint;
}

export interface MmsgLoop {
  /** Answers from `catalog` from the next batch on. */
  publish(catalog: Catalog): void;
  /** Finishes the batch in hand, takes nothing more. */
  stop(): Promise<void>;
}

/** Answers what a socket brings, batch by batch. */
export interface Answerer {
  /** Receives a batch and answers it; returns the number of messages, 0: nothing came. `flags`: MSG_… */
  answer(flags: number): number;
}

/** What makes receiving fail for good: the descriptor is no socket of ours. */
const FATAL: readonly number[] = [
  constants.errno.EBADF,
  constants.errno.ENOTSOCK,
  constants.errno.EINVAL,
  constants.errno.EFAULT,
];

/** Octets of the least response buffer that respond() takes. */
const LEAST_CAPACITY = 512;

/** Response slots for what the operator lets responses be. */
export function slotsFor(context: UdpContext): Slots {
  return createSlots(Math.max(context.udpPayload, LEAST_CAPACITY));
}

/** Facts of UDP queries. */
export function udpFacts(catalog: Catalog, context: UdpContext): Facts {
  const facts = createFacts(catalog);
  facts.transport = Transport.UDP;
  facts.payloadLimit = context.udpPayload;
  facts.upgradeBit = context.udpUpgradeBit;
  return facts;
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
  const { addressLength } = batches;
  return {
    answer(flags) {
      const received = batches.receive(flags);
      words[HEARTBEAT]!++;
      if (received <= 0) {
        if (received < 0) failed(-received, context);
        return 0;
      }
      misbehave(words[MISCHIEF]!);
      context.event(TransportEvent.UDP_BATCH);
      facts.now = clock.seconds();
      facts.clientLength = addressLength;
      let responses = 0;
      for (let i = 0; i < received; i++) {
        batches.copyAddress(i, facts.client);
        const port = batches.portOf(i);
        facts.clientPort = port;
        const asked = batches.lengthOf(i);
        const to = responseAt + responses * responseStride;
        const answered = responder.respond(octets, i * requestStride, asked, facts, octets, to, capacity);
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
  if (FATAL.includes(error)) throw new Error(`UDP socket cannot be received from: error ${error}`);
  context.event(TransportEvent.UDP_ERROR);
}

/** What tests ask for. */
function misbehave(mischief: number): void {
  if (mischief === Mischief.THROW) throw new Error('made to throw');
  while (mischief === Mischief.SPIN);
}

/** Milliseconds without a query after which the thread goes back to the event loop. */
const QUIET = 10;
/** Rounds over all sockets after which the event loop gets a turn in any case. */
const ROUNDS = 128;
/** Turns of the event loop after which whatever was posted has arrived. */
const MAIL_TURNS = 3;
/** Milliseconds between two heartbeats in the event loop. */
const BEAT = 50;

/** Serves the sockets in the calling thread until stop(). `words`: of thread-words.ts. */
export function serveMmsg(
  sockets: readonly UdpSocket[],
  catalog: Catalog,
  context: UdpContext,
  words: Int32Array,
): MmsgLoop {
  const system = libc();
  if (typeof system === 'string') throw new Error(`recvmmsg cannot be called: ${system}`);
  const slots = slotsFor(context);
  const facts = udpFacts(catalog, context);
  const answerers = sockets.map(({ fd, endpoint: { address } }) => {
    const batches = createBatches(system, fd, address.includes(':') ? 6 : 4, isWildcard(address), slots);
    return createAnswerer(batches, slots, facts, context, words);
  });
  const wait = createWait(system, sockets);
  words[GENERATION] = catalog.generation;
  let mail = Atomics.load(words, MAIL);
  let mailTurns = 0;
  let stopped = false;
  let scheduled = false;

  /** Answers until it is quiet, somebody has written to this thread, or the event loop must get a turn. */
  const serve = (): void => {
    for (let round = 0; round < ROUNDS; round++) {
      let received = 0;
      for (const answerer of answerers) received += answerer.answer(MSG_DONTWAIT);
      const posted = Atomics.load(words, MAIL);
      if (posted !== mail) {
        mail = posted;
        mailTurns = MAIL_TURNS;
      }
      if (mailTurns > 0) {
        mailTurns--;
        again();
        return;
      }
      if (received === 0 && !wait(QUIET)) return;
    }
    again();
  };

  const again = (): void => {
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      turn();
    });
  };

  const turn = (): void => {
    if (scheduled || stopped) return;
    try {
      serve();
    } catch (error) {
      // What is thrown in a watcher's callback ends the watching, and nothing else.
      stop();
      setImmediate(() => {
        throw error;
      });
    }
  };

  // Not in the watcher's own callback: a thread that is ended (Worker.terminate) while it is in there takes the whole process
  // with it, for koffi cannot pass the exception on.
  const woken = (): void => {
    if (!scheduled && !stopped) again();
  };
  const watches = sockets.map(({ fd }) => system.watch(fd, woken));
  const heart = setInterval(() => words[HEARTBEAT]!++, BEAT);
  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    clearInterval(heart);
    for (const watch of watches) watch.close();
  };

  return {
    publish(next) {
      facts.catalog = next;
      words[GENERATION] = next.generation;
    },
    async stop() {
      stop();
    },
  };
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** struct pollfd. */
const POLLFD = 8;
const POLLIN = 1;

/** Waits until one of the sockets has something to read; returns false when none has within so many milliseconds. */
function createWait(system: Libc, sockets: readonly UdpSocket[]): (milliseconds: number) => boolean {
  const words = new Int32Array(new SharedArrayBuffer(sockets.length * POLLFD));
  sockets.forEach(({ fd }, i) => {
    words[2 * i] = fd;
    words[2 * i + 1] = POLLIN;
  });
  const address = system.address(new Uint8Array(words.buffer));
  const count = sockets.length;
  return (milliseconds) => system.poll(address, count, milliseconds) !== 0;
}
