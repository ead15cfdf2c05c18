/**
 * The data plane in threads: UDP workers and stream workers, each with sockets of its own that share the addresses
 * (SO_REUSEPORT). This thread binds the sockets and keeps them open: a worker that dies loses the batch in hand, and
 * nothing that is queued.
 */
import type { RequestHandler } from '../../answer/hand-off/handed-request.js';
import type { Config } from '../../config/schema.js';
import { AdotdError, codeOf, ErrorCode, messageOf } from '../../errors.js';
import type { Catalog } from '../../image/catalog.js';
import { createDayMemory, type DayMemory } from '../../observe/clients/day-clients.js';
import { ClientWindow } from '../../observe/counters/client-window.js';
import { COUNTER_WORDS, Counters } from '../../observe/counters/counters.js';
import type { Log } from '../../observe/log.js';
import type { Tap } from '../../observe/tap/tap.js';
import type { Clock } from '../../session/clock.js';
import { ownShare } from '../../session/limits.js';
import { mergeReports } from '../../session/session-report.js';
import { countConnections, createPointerTable, type PointerTable } from '../../tls/openssl/pointers.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import type { TransferReport } from '../../transfer/out/zone-desk.js';
import { descriptorTable } from '../../transport/epoll/owned-descriptors.js';
import { libc } from '../../transport/libc.js';
import { createRelease } from '../../transport/release.js';
import { selfTest } from '../../transport/self-test.js';
import { type BoundSocket, closeSocket, startListening } from '../../transport/sockets.js';
import { nameThread, workerName } from '../../transport/thread-name.js';
import { TransportEvent } from '../../transport/transport.js';
import type { ClientCas } from '../certificates/client-authorities.js';
import { threadCpu } from '../process/thread-cpu.js';
import { chooseStreams } from './choose-streams.js';
import type { DataPlane, StreamPath, TlsEngineCounts } from './data-plane.js';
import type { PlaneSockets } from './plane-sockets.js';
import { WORKERS } from './spawn-thread.js';
import { SupervisedThread } from './supervised-thread.js';
import type { Spawn, ThreadData, ThreadSocket, WorkerSpawns } from './thread-messages.js';
import { changedSettings, type ThreadSettings, threadSettings } from './thread-settings.js';
import { ThreadWatch } from './thread-watch.js';

/** Milliseconds beyond the drain time after which a thread that does not stop is ended. */
const STOP_RESERVE = 1000;
/** Milliseconds that UDP workers have at least to answer queued queries. A guess. */
const UDP_STOP_TIME = 200;

/** Why threads cannot be used here; undefined when they can. */
export function threadsObstacle(): string | undefined {
  const system = libc();
  if (typeof system === 'string') return system;
  const reason = selfTest();
  return reason && `the self-test of recvmmsg failed: ${reason}`;
}

interface ThreadedPlaneOptions {
  readonly config: Config;
  /** They belong to the data plane from now on. */
  readonly sockets: PlaneSockets;
  /** Of the sockets of `transfer.listen`. */
  readonly clientCas?: ClientCas | undefined;
  /** Threads of each kind. */
  readonly workers: number;
  /** Functions that start threads; others in tests. */
  readonly spawn?: WorkerSpawns | undefined;
  readonly catalog: Catalog;
  /** undefined: TLS is not served. */
  readonly tls: TlsSettings | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly tap?: Tap | undefined;
  /** Answers the requests that threads hand off. */
  readonly handle?: RequestHandler | undefined;
  /** Told of each transfer to a secondary, when it is over. */
  readonly transferred?: ((report: TransferReport) => void) | undefined;
}

/** Starts the threads; fulfilled when all answer. Throws the reason why one cannot begin, with all ended and the sockets closed. */
export async function threadedPlane(options: ThreadedPlaneOptions): Promise<DataPlane> {
  const { config, sockets, clock, log, clientCas = [] } = options;
  const bound = [...sockets.udp, ...sockets.tcp, ...sockets.tls, ...sockets.transfers].flat();
  // Stream workers listen on duplicates.
  const descriptors = 2 * bound.length;
  let running = config;
  let settings = threadSettings(config, descriptors, log);
  const watch = new ThreadWatch(clock);
  const path = await chooseStreams(config.streams, options.tls);
  if (path.obstacle !== undefined) logObstacle(config, path.obstacle, log);
  const threadsOf = createThreads(options, settings, path.streams, () => watch.awake());
  const { udp, streams, counters, pointers, days } = threadsOf;
  const threads = [...udp, ...streams];
  const stopAll = (drainTime?: number): Promise<void> =>
    stopThreads({ udp, streams, bound, clock }, settings.sessions.drainTime, drainTime);
  const transfers = new TransferSockets(sockets.transfers, clientCas, bound);
  await beginAll(threads, stopAll);
  // Not earlier: threads that node makes take the name of the thread that makes them.
  nameThread('adotd');
  const clients = new ClientWindow(counters.map((words) => new Counters(words)));
  watch.begin(threads);
  const release = createRelease();
  let closed: Promise<void> | undefined;

  return {
    udp: sockets.udp.map(([first]) => first.endpoint),
    tcp: sockets.tcp.map(([first]) => first.endpoint),
    tls: sockets.tls.map(([first]) => first.endpoint),
    get status() {
      const restarts = threads.reduce((sum, thread) => sum + thread.restarts, 0);
      const workers = { udpWorkers: udp.length, streamWorkers: streams.length, restarts };
      const tlsEngine = pointers.length === 0 ? undefined : engineCounts(pointers, counters);
      return { path: 'threads', ...workers, streams: path.streams, streamsObstacle: path.obstacle, tlsEngine } as const;
    },
    get settings() {
      return settings;
    },
    counters: () => clients.completed(Counters.sum(counters)),
    days,
    cpu: () => ({ udp: cpuOf(udp), stream: cpuOf(streams) }),
    async publish(next) {
      await Promise.all(threads.map((thread) => thread.publish(next)));
      release.soon();
    },
    async replaceTls(next) {
      await Promise.all(streams.map((thread) => thread.replaceTls(next)));
    },
    async replaceClientCas(cas) {
      transfers.listen(cas);
      await Promise.all(streams.map((thread) => thread.replaceClientCas(cas)));
    },
    async configure(next) {
      const changed = changedSettings(settings, running, next, descriptors);
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
      clients.close();
      // UDP workers go on answering for a while: they are watched until the end.
      closed ??= stopAll(drainTime).finally(() => watch.end());
      return closed;
    },
  };
}

/** The sockets of `transfer.listen`. Once a socket listens, connections come and wait for a worker, which must have authorities. */
class TransferSockets {
  readonly #addresses: PlaneSockets['transfers'];
  readonly #listening = new Set<number>();

  /** As listen(); when it throws, all `bound` sockets are closed. */
  constructor(addresses: PlaneSockets['transfers'], cas: ClientCas, bound: readonly BoundSocket[]) {
    this.#addresses = addresses;
    try {
      this.listen(cas);
    } catch (error) {
      for (const { fd } of bound) closeSocket(fd);
      throw error;
    }
  }

  /** Lets connections come to the addresses that have authorities now. Throws ADOTD_LISTEN. */
  listen(cas: ClientCas): void {
    this.#addresses.forEach((sockets, index) => {
      if (cas[index] === undefined || this.#listening.has(index)) return;
      for (const socket of sockets) startListening(socket, 'tls');
      this.#listening.add(index);
    });
  }
}

function logObstacle({ streams }: Config, obstacle: string, log: Log): void {
  const text = `TCP and TLS run on node:net and node:tls: ${obstacle}`;
  if (streams === 'epoll') log.warn({}, `\`streams: epoll\` is impossible here; ${text}`);
  else log.info({}, text);
}

interface Threads {
  readonly udp: readonly SupervisedThread[];
  readonly streams: readonly SupervisedThread[];
}

/** The threads, not begun yet, the counters of each, and the pointers of those with a TLS engine. */
function createThreads(
  {
    config,
    sockets,
    workers,
    spawn = WORKERS,
    catalog,
    tls,
    clock,
    log,
    tap,
    clientCas = [],
    ...told
  }: ThreadedPlaneOptions,
  settings: ThreadSettings,
  path: StreamPath,
  awake: () => void,
): Threads & {
  readonly counters: readonly Float64Array[];
  readonly pointers: readonly PointerTable[];
  readonly days: readonly DayMemory[];
} {
  const all: Float64Array[] = [];
  const days = config.report.enabled ? createDayMemory(2 * workers) : [];
  const tables: PointerTable[] = [];
  const createThread = (
    kind: 'udp' | 'stream',
    number: number,
    spawnOne: Spawn,
    served: readonly ThreadSocket[],
    mutual?: Pick<ThreadData, 'transfers' | 'clientCas'>,
  ): SupervisedThread => {
    const counters = new Float64Array(new SharedArrayBuffer(COUNTER_WORDS * Float64Array.BYTES_PER_ELEMENT));
    all.push(counters);
    const epoll = kind === 'stream' && path === 'epoll';
    const owned = descriptorTable(epoll ? settings.descriptors : 0);
    const pointers = epoll && tls !== undefined ? createPointerTable() : undefined;
    if (pointers !== undefined) tables.push(pointers);
    const day = days[all.length - 1];
    const shared = { counters, day, share: ownShare(), transferShare: ownShare(), owned, pointers, tap: tap?.thread() };
    const data = {
      name: workerName(kind, number),
      settings,
      catalog,
      tls,
      sockets: served,
      ...mutual,
      streams: path,
      ...shared,
    };
    const name = `${kind} worker ${number + 1}`;
    return new SupervisedThread({ name, spawn: spawnOne, data, clock, log, cpuOf: threadCpu, ...told, awake });
  };
  const udp: SupervisedThread[] = [];
  const streams: SupervisedThread[] = [];
  for (let number = 0; number < workers; number++) {
    udp.push(createThread('udp', number, spawn.udp, socketsOf(sockets.udp, number, false)));
    const plain = socketsOf(sockets.tcp, number, false);
    const secure = socketsOf(sockets.tls, number, true);
    const mutual = { transfers: socketsOf(sockets.transfers, number, true), clientCas };
    streams.push(createThread('stream', number, spawn.stream, [...plain, ...secure], mutual));
  }
  return { udp, streams, counters: all, pointers: tables, days };
}

function engineCounts(pointers: readonly PointerTable[], counters: readonly Float64Array[]): TlsEngineCounts {
  const sum = (event: TransportEvent): number =>
    counters.reduce((count, words) => count + new Counters(words).events(event), 0);
  return {
    open: pointers.reduce((count, table) => count + countConnections(table), 0),
    refused: sum(TransportEvent.TLS_CALL_REFUSED),
    leftovers: sum(TransportEvent.TLS_OCTETS_LEFT),
    callbackMistakes: sum(TransportEvent.TLS_CALLBACK_FAILED),
  };
}

/** Seconds. */
function cpuOf(threads: readonly SupervisedThread[]): number {
  return threads.reduce((sum, thread) => sum + thread.cpu, 0) / 1000;
}

async function beginAll(threads: readonly SupervisedThread[], stopAll: () => Promise<void>): Promise<void> {
  const began = await Promise.allSettled(threads.map((thread) => thread.begin()));
  const failure = began.find((result) => result.status === 'rejected');
  if (failure === undefined) return;
  await stopAll();
  throw codedAgain(failure.reason);
}

/** `configured`: milliseconds that sessions have to finish where `drainTime` is not given. */
async function stopThreads(
  { udp, streams, bound, clock }: Threads & { readonly bound: readonly BoundSocket[]; readonly clock: Clock },
  configured: number,
  drainTime?: number,
): Promise<void> {
  const patience = (drainTime ?? configured) + STOP_RESERVE;
  const end = clock.milliseconds() + patience;
  const stopped = Promise.all(streams.map((thread) => thread.stop(patience, drainTime)));
  // Stream workers have duplicates: new connections come until these originals are closed, too.
  for (const { fd, protocol } of bound) if (protocol === 'tcp') closeSocket(fd);
  await stopped;
  // UDP is answered until the last session is closed: its clients may have nobody else to ask meanwhile.
  const left = Math.max(end - clock.milliseconds(), UDP_STOP_TIME);
  await Promise.all(udp.map((thread) => thread.stop(left)));
  for (const { fd, protocol } of bound) if (protocol === 'udp') closeSocket(fd);
}

/** An error of ours that came from a thread: its class was lost on the way. */
function codedAgain(error: unknown): unknown {
  const code = Object.values(ErrorCode).find((one) => one === codeOf(error));
  return code === undefined ? error : new AdotdError(code, messageOf(error), { cause: error });
}

/** The sockets of the worker of this number, one of each address. Where there are fewer sockets than workers, they share. */
function socketsOf(addresses: PlaneSockets['udp'], worker: number, secure: boolean): ThreadSocket[] {
  return addresses.map((sockets) => {
    const { fd, endpoint, shared = false }: BoundSocket = sockets[worker % sockets.length] ?? sockets[0];
    return { fd, endpoint, secure, shared };
  });
}
