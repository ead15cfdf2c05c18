/**
 * Ways in which a thread can wait for datagrams: the one that is used, and those that it was chosen from. All receive, answer and
 * send by the same code, on one IPv4 socket.
 */
import { createRequire } from 'node:module';
import type { Catalog } from '../../src/image/catalog.js';
import { type Libc, libc } from '../../src/transport/libc.js';
import { BATCH, createBatches, MSG_DONTWAIT, MSG_WAITFORONE } from '../../src/transport/mmsg.js';
import { limitReceiving } from '../../src/transport/sockets.js';
import { GENERATION, MESSAGES } from '../../src/transport/thread-words.js';
import type { UdpContext } from '../../src/transport/transport.js';
import type { Answerer } from '../../src/transport/udp/udp-rounds.js';
import { udpFacts } from '../../src/transport/udp-facts.js';
import { createAnswerer, type MmsgLoop, serveMmsg, slotsFor, type UdpSocket } from '../../src/transport/udp-mmsg.js';

type StartLoop = (socket: UdpSocket, catalog: Catalog, context: UdpContext, words: Int32Array) => MmsgLoop;

/** By the letters of the table that `npm run bench -- loops` prints. */
export const LOOPS: Readonly<Record<string, StartLoop>> = {
  /** koffi's watcher in the event loop, then recvmmsg until nothing is left. */
  a: loop(({ system, fd, answerer }) => watched(system, fd, () => void untilEmpty(answerer))),
  /** The same, and once more in the next turn before the event loop waits. */
  'a, again': loop(({ system, fd, answerer }) => {
    const turn = (): void => {
      if (untilEmpty(answerer) > 0) setImmediate(turn);
    };
    return watched(system, fd, turn);
  }),
  /** recvmmsg that blocks, outside of the event loop, which gets a turn when nothing has come for 50 ms. */
  b: loop(({ fd, answerer, words }) => {
    limitReceiving(fd, 50);
    return immediate(() => untilQuiet(answerer, words));
  }),
  /** b while queries come, a when none has for 10 ms. */
  c: loop(({ system, fd, answerer, words }) => {
    limitReceiving(fd, 10);
    return watched(system, fd, () => untilQuiet(answerer, words));
  }),
  /** The one in use: poll for the socket and the event loop at once, or receiving that blocks while queries come often. */
  d: (socket, catalog, context, words) => serveMmsg([socket], catalog, context, words),
};

/** Milliseconds that a loop may go on without a turn of the event loop are bounded by rounds, as in the one that is used. */
const ROUNDS = 128;

interface Given {
  readonly system: Libc;
  readonly fd: number;
  readonly answerer: Answerer;
  readonly words: Int32Array;
}

/** `start` begins to answer, and returns a function that ends it. */
function loop(start: (given: Given) => () => void): StartLoop {
  return ({ fd }, catalog, context, words) => {
    const system = libc();
    if (typeof system === 'string') throw new Error(system);
    const slots = slotsFor(context);
    const facts = udpFacts(catalog, context);
    const answerer = createAnswerer(createBatches(system, fd, 4, false, slots), slots, facts, context, words);
    const stop = start({ system, fd, answerer, words });
    return {
      publish(next) {
        facts.catalog = next;
        words[GENERATION] = next.generation;
      },
      async stop() {
        stop();
      },
    };
  };
}

/** Returns how many were answered. */
function untilEmpty(answerer: Answerer): number {
  let all = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const count = answerer.answer(MSG_DONTWAIT, BATCH);
    all += count;
    if (count < BATCH) break;
  }
  return all;
}

/** Answers until nothing has come for as long as receiving may take, or there is read. */
function untilQuiet(answerer: Answerer, words: Int32Array): void {
  const read = words[MESSAGES];
  for (let round = 0; round < ROUNDS && words[MESSAGES] === read; round++) {
    if (answerer.answer(MSG_WAITFORONE, BATCH) === 0) return;
  }
}

const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

/** Calls `turn` whenever the socket can be read. libuv makes it non-blocking, which b and c cannot use. */
function watched(system: Libc, fd: number, turn: () => void): () => void {
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
  const watch = koffi.node.poll(fd, { readable: true }, turn);
  system.fcntl(fd, F_SETFL, system.fcntl(fd, F_GETFL, 0) & ~O_NONBLOCK);
  return () => watch.close();
}

/** Calls `turn` in every turn of the event loop. */
function immediate(turn: () => void): () => void {
  let stopped = false;
  const next = (): void => {
    if (stopped) return;
    turn();
    setImmediate(next);
  };
  setImmediate(next);
  return () => {
    stopped = true;
  };
}
