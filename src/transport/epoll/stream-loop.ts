/**
 * Streams on a loop of our own, in a thread of its own: accept4, epoll_wait, recv and send through the C library. It takes the place of
 * node:net, which spends more on a small message than the answer costs.
 *
 * The thread waits in epoll_wait(2), for its sockets and for the descriptor of its event loop together. When the event loop has something
 * to do, it gets a turn: timers of sessions, orders to the thread. So the thread can be ended at any time.
 *
 * Hot file: no allocation per event, no exceptions for control flow.
 */
import type { TlsEngine } from '../../tls/openssl/engine.js';
import type { Libc } from '../libc.js';
import { createSleep, PATIENCE, type Rest, type Sleep } from '../rest.js';
import { HANDSHAKES, HEARTBEAT } from '../thread-words.js';
import type { StreamContext } from '../transport.js';
import { Ready } from './epoll.js';
import { createListeners, type EpollListeners, type StreamSocket } from './epoll-listener.js';
import type { LoopClock } from './loop-clock.js';
import { createLoopParts, type LoopParts } from './loop-parts.js';

interface StreamLoop {
  /** Takes no new connections, and gives the sessions their time to finish (SessionManager.stop). Fulfilled when all are gone. */
  stop(): Promise<void>;
}

export interface StreamLoopOptions {
  readonly system: Libc;
  readonly context: StreamContext;
  /** The clock of the context's sessions. */
  readonly clock: LoopClock;
  /** Of thread-words.ts. */
  readonly words: Int32Array;
  /** Of the same words. */
  readonly rest: Rest;
  /** Of descriptorTable(). */
  readonly owned: Int32Array;
  /** The TLS engine of the calling thread, which closes it later; undefined where TLS is not served. */
  readonly tls?: TlsEngine | undefined;
  /** Milliseconds after which a waiting thread gives its event loop a turn. 0 is for tests in whose thread others work, too. */
  readonly patience?: number;
}

/**
 * Milliseconds of TLS handshakes in a round, after which sessions that are established have their turn again; one that has begun is
 * completed. Where those sessions take longer, handshakes get as much time as they. Measured: without this limit, 500 ClientHellos at once
 * make others wait for 126 ms with keys of P-256, for 2 s with RSA-4096.
 */
const HANDSHAKE_TIME = 2;
/**
 * Milliseconds of a round for work that sessions had to put off: mostly queries that had come before a pause. The rest of it has its turn
 * in the next rounds. A guess: sixty of them with large answers took 220 ms.
 */
const DEFERRED_TIME = 10;
/**
 * Milliseconds of a round for long answers, of which one turn at least: a transfer's turn takes 0.2 to 0.5 ms. So they get the time that
 * others leave of a thread, and at most two thirds of it where others have short answers to give.
 */
const YIELDED_TIME = 1;
/** Rounds of waiting and serving after which the event loop always gets a turn. */
const ROUNDS = 128;

/** 1 turn of a connection in this many is timed: prime, as that of the timed answers. Measured: reading the clock twice takes 100 ns. */
export const WORK_SAMPLE = 61;

/** In place of events: a connection is to do its deferred work, or to go on with a long answer. */
const GO_ON = 0;
const YIELDED = -1;

/** Serves the sockets in the calling thread until stop(). Throws ADOTD_LISTEN. */
export function serveStreams(sockets: readonly StreamSocket[], options: StreamLoopOptions): StreamLoop {
  const { system, context, clock, words, rest, owned, tls, patience = PATIENCE } = options;
  const { sessions } = context;
  const parts = createLoopParts(system, context, owned, tls);
  const eventLoop = system.eventLoop();
  if (eventLoop >= 0) parts.epoll.add(eventLoop, 0, Ready.READ);
  let listeners: EpollListeners;
  try {
    listeners = createListeners(sockets, parts);
  } catch (error) {
    parts.close(parts.epoll.fd);
    throw error;
  }
  const sleep = createSleep(system, rest, parts.epoll.wait);
  // No event tells that there is room for another connection: a listener that is out of room is tried in every turn.
  const wait: Sleep = (milliseconds) => (listeners.paused ? parts.epoll.wait(milliseconds) : sleep(milliseconds));
  const round = createRound(parts, listeners, wait, eventLoop, clock, words);
  let ended: (() => void) | undefined;

  const turn = (): void => {
    words[HEARTBEAT]!++;
    words[HANDSHAKES] = sessions.handshaking;
    // Timers may have closed some since the last turn.
    tellGone(parts);
    if (ended !== undefined && sessions.size === 0) {
      parts.close(parts.epoll.fd);
      ended();
      return;
    }
    listeners.rearm();
    for (let count = 0; count < ROUNDS && round(clock.untilDue(patience)); count++);
    setImmediate(turn);
  };
  setImmediate(turn);

  let stopped: Promise<void> | undefined;
  return {
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
  };

  async function stopAll(): Promise<void> {
    sessions.stop();
    // Clients that have begun to connect are accepted and served. Without recent connections there is no wait.
    const { idleTime } = sessions;
    const frequented = sessions.size > 0 || clock.milliseconds() < listeners.acceptedAt + idleTime;
    if (listeners.refuse() && frequented) await pass(clock, idleTime);
    listeners.close();
    await new Promise<void>((resolve) => (ended = resolve));
  }
}

/**
 * Returns a function that waits, and serves the descriptors that are ready. It returns whether to go on: false when the event loop has
 * work, or when nothing came.
 */
function createRound(
  parts: LoopParts,
  listeners: EpollListeners,
  wait: Sleep,
  eventLoop: number,
  clock: LoopClock,
  words: Int32Array,
): (milliseconds: number) => boolean {
  const { epoll, connections } = parts;
  return (milliseconds) => {
    const busy = parts.deferred.length > 0 || parts.yielded.length > 0;
    const found = wait(busy ? 0 : milliseconds);
    parts.tls?.startTurn();
    const began = parts.tls === undefined ? 0 : clock.milliseconds();
    let goOn = (found > 0 || busy) && milliseconds > 0;
    for (let i = 0; i < found; i++) {
      words[HEARTBEAT]!++;
      const fd = epoll.descriptorOf(i);
      const connection = connections[fd];
      // An event of an earlier connection with this number is stale: the connection was closed since the wait.
      if (connection !== undefined) {
        if (connection.generation === epoll.generationOf(i)) serveOne(parts, connection, epoll.eventsOf(i));
      } else if (fd === eventLoop) goOn = false;
      else listeners.accept(fd);
    }
    if (parts.deferred.length > 0) {
      serveDeferred(parts, clock, words, Math.max(HANDSHAKE_TIME, clock.milliseconds() - began));
    }
    if (parts.yielded.length > 0) serveYielded(parts, clock, words);
    if (parts.gone.length > 0) tellGone(parts);
    if (parts.tls !== undefined && parts.tls.handshakeCpu > 0) {
      parts.context.counts.handshakesTook(parts.tls.handshakeCpu / 1000);
    }
    return goOn;
  };
}

/** Does the deferred work: handshakes for `time` milliseconds, sessions for DEFERRED_TIME. */
function serveDeferred(parts: LoopParts, clock: LoopClock, words: Int32Array, time: number): void {
  const { deferred, tls } = parts;
  const count = deferred.length;
  const end = clock.milliseconds() + DEFERRED_TIME;
  let left = 0;
  for (let i = 0; i < count; i++) {
    const connection = deferred[i]!;
    const isLate =
      tls !== undefined && connection.handshaking ? tls.handshakeTime >= time : clock.milliseconds() >= end;
    if (isLate) deferred[left++] = connection;
    else {
      words[HEARTBEAT]!++;
      serveOne(parts, connection, GO_ON);
    }
  }
  // Behind those that have been waiting stand those that were deferred meanwhile.
  for (let i = count; i < deferred.length; i++) deferred[left++] = deferred[i]!;
  deferred.length = left;
}

/** Serves connections with long answers, one turn each, for YIELDED_TIME; the others come first in the next round. */
function serveYielded(parts: LoopParts, clock: LoopClock, words: Int32Array): void {
  const { yielded } = parts;
  const end = clock.milliseconds() + YIELDED_TIME;
  const count = yielded.length;
  let served = 0;
  do {
    words[HEARTBEAT]!++;
    serveOne(parts, yielded[served++]!, YIELDED);
  } while (served < count && clock.milliseconds() < end);
  yielded.splice(0, served);
}

type Served = LoopParts['deferred'][number];

/**
 * `events`: or GO_ON, YIELDED. A mistake of ours that shows in one connection ends this connection, not the thread.
 */
function serveOne(parts: LoopParts, connection: Served, events: number): void {
  if (--parts.untimed > 0) serveUntimed(parts, connection, events);
  else serveTimed(parts, connection, events);
}

/** Handshakes are timed where they are computed: they take longer than all else, so that a sample of them would say little. */
function serveTimed(parts: LoopParts, connection: Served, events: number): void {
  const { session } = connection;
  if (session === undefined || connection.handshaking) {
    serveUntimed(parts, connection, events);
    return;
  }
  parts.untimed = WORK_SAMPLE;
  const { client, count } = session;
  const began = parts.cpu();
  serveUntimed(parts, connection, events);
  parts.context.counts.worked(count.path, (parts.cpu() - began) / 1000, client);
}

function serveUntimed({ context }: LoopParts, connection: Served, events: number): void {
  try {
    if (events === GO_ON) connection.goOn();
    else if (events === YIELDED) connection.sessionGoOn();
    else connection.ready(events);
  } catch (error) {
    context.mistake(error);
    connection.destroy();
  }
}

/** Tells the sessions of closed connections. That may close others. */
function tellGone({ gone }: LoopParts): void {
  for (let connection = gone.pop(); connection !== undefined; connection = gone.pop()) connection.tellGone();
}

function pass(clock: LoopClock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => clock.timer(resolve).set(milliseconds));
}
