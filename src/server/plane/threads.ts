/**
 * The data plane in threads: UDP workers and stream workers, each with sockets of its own that share the addresses
 * (SO_REUSEPORT). This thread binds the sockets and keeps them open: a worker that dies loses what it has in hand, and
 * nothing that is queued.
 */
import type { Config } from '../../config/schema.js';
import { AdotdError, codeOf, ErrorCode, isError } from '../../errors.js';
import type { Catalog } from '../../image/catalog.js';
import { COUNTER_WORDS, Counters } from '../../observe/counters/counters.js';
import type { Log } from '../../observe/log.js';
import type { Tap } from '../../observe/tap/tap.js';
import type { Clock } from '../../session/clock.js';
import { ownShare } from '../../session/limits.js';
import { mergeReports } from '../../session/session-report.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import { libc } from '../../transport/libc.js';
import { createRelease } from '../../transport/release.js';
import { selfTest } from '../../transport/self-test.js';
import { type BoundSocket, closeSocket } from '../../transport/sockets.js';
import type { Mischief } from '../../transport/thread-words.js';
import type { DataPlane } from './data-plane.js';
import type { PlaneSockets } from './plane-sockets.js';
import { spawnStreamWorker, spawnUdpWorker, threadCpu } from './spawn-thread.js';
import { type Spawn, SupervisedThread, WATCH_INTERVAL } from './supervised-thread.js';
import type { ThreadSocket } from './thread-messages.js';
import { changedSettings, threadSettings } from './thread-settings.js';

/** Milliseconds beyond the drain time after which a thread that does not stop is ended. */
const STOP_RESERVE = 1000;
/** Milliseconds that UDP workers have at least to answer what is queued. A guess. */
const UDP_STOP_TIME = 200;

/** Why threads cannot be used here; undefined when they can. */
export function threadsObstacle(): string | undefined {
  const system = libc();
  if (typeof system === 'string') return system;
  const reason = selfTest();
  return reason && `the self-test of recvmmsg failed: ${reason}`;
}

/** A data plane whose threads can be made to do wrong, in tests. */
export interface ThreadedPlane extends DataPlane {
  /** `kind` and number from 0. */
  misbehave(kind: 'udp' | 'stream', number: number, mischief: Mischief): void;
}

/**
 * Starts `workers` threads of each kind on the sockets, which are the plane's from now on; fulfilled when all answer. Throws what
 * keeps one of them from beginning, with all ended and the sockets closed.
 */
export async function threadedPlane(
  config: Config,
  sockets: PlaneSockets,
  workers: number,
  catalog: Catalog,
  tls: TlsSettings | undefined,
  clock: Clock,
  log: Log,
  tap?: Tap,
): Promise<ThreadedPlane> {
  const bound = [...sockets.udp, ...sockets.tcp, ...sockets.tls].flat();
  let running = config;
  let settings = threadSettings(config, 2 * bound.length, log);
  const arrays: Float64Array[] = [];
  const makeThread = (name: string, spawn: Spawn, served: readonly ThreadSocket[]): SupervisedThread => {
    const counters = new Float64Array(new SharedArrayBuffer(COUNTER_WORDS * Float64Array.BYTES_PER_ELEMENT));
    arrays.push(counters);
    const data = { settings, catalog, tls, sockets: served, counters, share: ownShare(), tap: tap?.thread() };
    return new SupervisedThread({ name, spawn, data, clock, log, cpuOf: threadCpu });
  };
  const udp: SupervisedThread[] = [];
  const streams: SupervisedThread[] = [];
  for (let number = 0; number < workers; number++) {
    udp.push(makeThread(`udp worker ${number + 1}`, spawnUdpWorker, shareOf(sockets.udp, number, false)));
    const plain = shareOf(sockets.tcp, number, false);
    const secure = shareOf(sockets.tls, number, true);
    streams.push(makeThread(`stream worker ${number + 1}`, spawnStreamWorker, [...plain, ...secure]));
  }
  const threads = [...udp, ...streams];
  const stopAll = async (drainTime?: number): Promise<void> => {
    const patience = (drainTime ?? settings.sessions.drainTime) + STOP_RESERVE;
    const end = clock.milliseconds() + patience;
    const stopped = Promise.all(streams.map((thread) => thread.stop(patience, drainTime)));
    // Streams have descriptors of their own: with these, the last that keep connections coming are closed.
    for (const { fd, protocol } of bound) if (protocol === 'tcp') closeSocket(fd);
    await stopped;
    // UDP is answered until the last session is closed: its clients may have nobody else to ask meanwhile.
    const left = Math.max(end - clock.milliseconds(), UDP_STOP_TIME);
    await Promise.all(udp.map((thread) => thread.stop(left)));
    for (const { fd, protocol } of bound) if (protocol === 'udp') closeSocket(fd);
  };
  const began = await Promise.allSettled(threads.map((thread) => thread.begin()));
  const failure = began.find((result) => result.status === 'rejected');
  if (failure) {
    await stopAll();
    throw codedAgain(failure.reason);
  }
  const watch = setInterval(() => {
    for (const thread of threads) thread.watch();
  }, WATCH_INTERVAL);
  watch.unref();
  const release = createRelease();
  let closed: Promise<void> | undefined;

  return {
    udp: sockets.udp.map(([first]) => first.endpoint),
    tcp: sockets.tcp.map(([first]) => first.endpoint),
    tls: sockets.tls.map(([first]) => first.endpoint),
    get status() {
      const restarts = threads.reduce((sum, thread) => sum + thread.restarts, 0);
      return { path: 'threads', udpWorkers: udp.length, streamWorkers: streams.length, restarts } as const;
    },
    get settings() {
      return settings;
    },
    counters: () => Counters.sum(arrays),
    async publish(next) {
      await Promise.all(threads.map((thread) => thread.publish(next)));
      release.soon();
    },
    async replaceTls(next) {
      await Promise.all(streams.map((thread) => thread.replaceTls(next)));
    },
    async configure(next) {
      const changed = changedSettings(settings, running, next, 2 * bound.length);
      running = next;
      if (changed === undefined) return false;
      settings = changed;
      await Promise.all(threads.map((thread) => thread.configure(changed)));
      return true;
    },
    async sessions(longest) {
      return mergeReports(await Promise.all(streams.map((thread) => thread.sessions(longest))), longest);
    },
    close(drainTime) {
      release.stop();
      // UDP workers answer for a while yet: they are watched.
      closed ??= stopAll(drainTime).finally(() => clearInterval(watch));
      return closed;
    },
    misbehave(kind, number, mischief) {
      (kind === 'udp' ? udp : streams)[number]?.misbehave(mischief);
    },
  };
}

/** An error of ours that came from a thread: its class was lost on the way. */
function codedAgain(error: unknown): unknown {
  const code = Object.values(ErrorCode).find((one) => one === codeOf(error));
  return code === undefined || !isError(error) ? error : new AdotdError(code, error.message, { cause: error });
}

/** The sockets of the worker of this number: one of each address. Where there are fewer than workers, they share. */
function shareOf(addresses: PlaneSockets['udp'], worker: number, secure: boolean): ThreadSocket[] {
  return addresses.map((own) => {
    const { fd, endpoint, shared = false }: BoundSocket = own[worker % own.length] ?? own[0];
    return { fd, endpoint, secure, shared };
  });
}
