/**
 * Keeps a thread that answers alive: starts it, watches it, and starts it again when it has died or hangs. Its sockets, counters and
 * catalog outlive it, and the next thread goes on with them.
 */
import type { HandedRequest, RequestHandler } from '../../answer/hand-off/handed-request.js';
import type { Catalog } from '../../image/catalog.js';
import { Counters } from '../../observe/counters/counters.js';
import type { Log } from '../../observe/log.js';
import type { Clock, Timer } from '../../session/clock.js';
import { countOut } from '../../session/limits.js';
import { NO_SESSIONS, type SessionsReport } from '../../session/session-report.js';
import { freeLeftBehind } from '../../tls/openssl/pointers.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import type { TransferReport } from '../../transfer/out/zone-desk.js';
import { closeOwned } from '../../transport/epoll/owned-descriptors.js';
import { leaveResting, lookAgain } from '../../transport/rest.js';
import { THREAD, threadWords } from '../../transport/thread-words.js';
import type { ClientCas } from '../certificates/client-authorities.js';
import { Heartbeat } from './heartbeat.js';
import type { Order, Report, Spawn, ThreadData, ThreadEvents, ThreadHandle } from './thread-messages.js';
import type { ThreadSettings } from './thread-settings.js';

interface ThreadOptions {
  /** For the log: `udp worker 1`. */
  readonly name: string;
  readonly spawn: Spawn;
  readonly data: Omit<ThreadData, 'words'>;
  readonly clock: Clock;
  readonly log: Log;
  /** CPU time of a thread in milliseconds; NaN when it is unknown. */
  cpuOf(thread: number): number;
  /** Answers the requests that it hands off. */
  readonly handle?: RequestHandler | undefined;
  /** Told of each transfer to a secondary, when it is over. */
  transferred?(report: TransferReport): void;
  /** Called when it has to be looked at from now on: it has begun to answer, or to move again. */
  awake?(): void;
}

/** Milliseconds after which the death of a thread begins a new row of failures. A guess. */
const ROW_OF_FAILURES = 10_000;
/** Deaths in a row after which streams are served by node:net and node:tls. A guess: one may be an accident, and a second one, too. */
const FAILURES_OF_EPOLL = 3;
/** Milliseconds that it has to report its sessions. A guess: 10,000 sessions take some time. */
const ANSWER_TIME = 2000;
/** Milliseconds before a thread is started again. The first time it is at once; then the delay doubles with every failure in a row. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 30_000;

export class SupervisedThread {
  readonly #options: ThreadOptions;
  readonly #timer: Timer;
  #data: Omit<ThreadData, 'words'>;
  /** The data that the running thread was started with, until it is ready. */
  #given: Omit<ThreadData, 'words'> | undefined;
  #words = threadWords();
  #heartbeat: Heartbeat;
  #handle: ThreadHandle | undefined;
  #serving = false;
  #stopping = false;
  #startedAt = 0;
  #failures = 0;
  #restarts = 0;
  /** Why it is being terminated. */
  #hangs: Error | undefined;
  /** Settles the promise of begin(). */
  #begun: { resolve(): void; reject(error: Error): void } | undefined;
  #ended: (() => void) | undefined;
  #waiting: { readonly generation: number; resolve(): void }[] = [];
  /** Callers that wait for its sessions, by the number of the order. */
  readonly #asking = new Map<number, (report: SessionsReport) => void>();
  #asked = 0;
  /** Milliseconds of CPU of the running thread, and of those before it. */
  #cpu = 0;
  #cpuBefore = 0;
  /** Callers that wait for long orders under way. */
  #busy: (() => void)[] = [];

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#heartbeat = new Heartbeat(this.#words, options.clock, options.cpuOf);
    this.#data = options.data;
    this.#timer = options.clock.timer(() => this.#spawn());
  }

  /** Number of times that it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Milliseconds of CPU so far, those before it was started again included; time after the last look at a dead thread is missing. */
  get cpu(): number {
    const used = this.#serving ? this.#options.cpuOf(Atomics.load(this.#words, THREAD)) : Number.NaN;
    if (!Number.isNaN(used)) this.#cpu = used;
    return this.#cpuBefore + this.#cpu;
  }

  /** Whether it answers now. */
  get serving(): boolean {
    return this.#serving;
  }

  /** Starts it; fulfilled when it answers, rejected when it cannot begin. */
  begin(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#begun = { resolve, reject };
      this.#spawn();
    });
  }

  /** Makes it answer from `catalog`; fulfilled when it does. A dead thread does so when it is back. */
  publish(catalog: Catalog): Promise<void> {
    this.#data = { ...this.#data, catalog };
    if (this.#handle === undefined) return Promise.resolve();
    if (this.#serving) this.#handle.post({ kind: 'publish', catalog });
    return new Promise((resolve) => this.#waiting.push({ generation: catalog.generation, resolve }));
  }

  /** Gives these settings to new connections; fulfilled when they get them. A dead thread does so when it is back. */
  replaceTls(settings: TlsSettings): Promise<void> {
    this.#data = { ...this.#data, tls: settings };
    return this.#order({ kind: 'tls', settings });
  }

  /** Gives authorities of clients' certificates to a stream worker; fulfilled as with replaceTls(). */
  replaceClientCas(cas: ClientCas): Promise<void> {
    this.#data = { ...this.#data, clientCas: cas };
    return this.#order({ kind: 'client-cas', cas });
  }

  /** Puts other settings in force; fulfilled as with replaceTls(). */
  configure(settings: ThreadSettings): Promise<void> {
    this.#data = { ...this.#data, settings };
    return this.#order({ kind: 'settings', settings });
  }

  /** The sessions of a stream worker, also while it stops; none if it is dead or does not answer in time. */
  sessions(longest: number): Promise<SessionsReport> {
    if (!this.#serving) return Promise.resolve(NO_SESSIONS);
    const number = ++this.#asked;
    return new Promise((resolve) => {
      const late = this.#options.clock.timer(() => this.#answerSessions(number, NO_SESSIONS));
      late.set(ANSWER_TIME);
      this.#asking.set(number, (report) => {
        late.clear();
        resolve(report);
      });
      this.#handle?.post({ kind: 'sessions', longest, number });
    });
  }

  /**
   * Lets it finish the queries that have begun; its sessions have `drainTime` milliseconds, if that is given. Fulfilled when it has
   * ended. After `patience` milliseconds it is terminated.
   */
  stop(patience: number, drainTime?: number): Promise<void> {
    this.#stopping = true;
    this.#timer.clear();
    if (this.#handle === undefined) return Promise.resolve();
    const { clock, log, name } = this.#options;
    return new Promise((resolve) => {
      const last = clock.timer(() => {
        log.warn({ thread: name }, `${name} does not stop: it is terminated`);
        this.#handle?.terminate();
      });
      last.set(patience);
      this.#ended = () => {
        last.clear();
        resolve();
      };
      this.#handle?.post({ kind: 'stop', drainTime });
    });
  }

  /** Checks its heartbeat; see Heartbeat.check. `still`: there may also be nothing to look at. */
  watch(): 'still' | 'resting' | 'moving' {
    if (!this.#watchable) return 'still';
    const found = this.#heartbeat.check(this.#busy.length > 0);
    if (typeof found === 'string') return found;
    const { stood, spinning } = found;
    this.#hangs = new Error(`${this.#options.name} did not move for ${stood} ms${spinning ? ', it loops' : ''}`);
    this.#handle?.terminate();
    return 'moving';
  }

  /** Nobody calls watch() until it has called awake(). Returns false when it has something to do already. */
  leave(): boolean {
    return !this.#watchable || leaveResting(this.#words);
  }

  /** watch() is called again. */
  lookAgain(): void {
    lookAgain(this.#words);
  }

  get #watchable(): boolean {
    return this.#serving && !this.#stopping && this.#hangs === undefined;
  }

  #spawn(): void {
    const { spawn, clock, cpuOf } = this.#options;
    this.#words = threadWords();
    this.#heartbeat = new Heartbeat(this.#words, clock, cpuOf);
    this.#hangs = undefined;
    this.#busy = [];
    this.#startedAt = clock.milliseconds();
    const events: ThreadEvents = {
      report: (report) => this.#received(report),
      exit: (error) => this.#exited(error),
    };
    this.#given = this.#data;
    this.#handle = spawn({ ...this.#data, words: this.#words }, events);
  }

  #received(report: Report): void {
    const { log, name } = this.#options;
    switch (report.kind) {
      case 'ready':
        this.#serving = true;
        this.#options.awake?.();
        this.#begun?.resolve();
        this.#begun = undefined;
        if (this.#restarts > 0) log.info({ thread: name, restarts: this.#restarts }, `${name} answers again`);
        this.#catchUp();
        break;
      case 'published':
        this.#release(report.generation);
        break;
      case 'sessions':
        this.#answerSessions(report.number, report.report);
        break;
      case 'request':
        this.#answer(report.number, report.request);
        break;
      case 'transfer':
        this.#options.transferred?.(report.report);
        break;
      case 'awake':
        this.#options.awake?.();
        break;
      case 'done':
        this.#busy.shift()?.();
        break;
      case 'log':
        log[report.level]({ ...report.fields, thread: name }, report.message);
        break;
    }
  }

  /** A thread that has died meanwhile gets no reply. */
  #answer(number: number, request: HandedRequest): void {
    const asked = this.#handle;
    void this.#options.handle?.(request).then((reply) => {
      if (this.#handle === asked) asked?.post({ kind: 'reply', number, reply });
    });
  }

  /** Sends the changes that came while it started. */
  #catchUp(): void {
    const { catalog, tls, clientCas, settings } = this.#data;
    const given = this.#given;
    // Otherwise its catalog would be kept as long as the thread lives.
    this.#given = undefined;
    if (given === undefined) return;
    if (catalog !== given.catalog) this.#handle?.post({ kind: 'publish', catalog });
    if (tls !== undefined && tls !== given.tls) void this.replaceTls(tls);
    if (clientCas !== undefined && clientCas !== given.clientCas) void this.replaceClientCas(clientCas);
    if (settings !== given.settings) void this.configure(settings);
  }

  #order(order: Order): Promise<void> {
    if (!this.#serving || this.#stopping) return Promise.resolve();
    this.#handle?.post(order);
    return new Promise((resolve) => this.#busy.push(resolve));
  }

  /** Answers the caller that asked for sessions. A report that comes too late is dropped: its number is not asked for any more. */
  #answerSessions(number: number, report: SessionsReport): void {
    this.#asking.get(number)?.(report);
    this.#asking.delete(number);
  }

  #release(generation: number): void {
    const done = this.#waiting.filter((waiting) => waiting.generation <= generation);
    this.#waiting = this.#waiting.filter((waiting) => waiting.generation > generation);
    for (const { resolve } of done) resolve();
  }

  #exited(error = this.#hangs): void {
    const { clock, log, name } = this.#options;
    this.#handle = undefined;
    this.#serving = false;
    countOut(this.#data.settings.shared, this.#data.share);
    countOut(this.#data.settings.sharedTransfers, this.#data.transferShare);
    new Counters(this.#data.counters).threadDied();
    closeOwned(this.#data.owned);
    if (this.#data.pointers !== undefined) freeLeftBehind(this.#data.pointers);
    this.#cpuBefore += this.#cpu;
    this.#cpu = 0;
    this.#release(Number.POSITIVE_INFINITY);
    for (const number of this.#asking.keys()) this.#answerSessions(number, NO_SESSIONS);
    for (const done of this.#busy.splice(0)) done();
    if (this.#begun) {
      this.#begun.reject(error ?? new Error(`${name} ended before it had begun`));
      this.#begun = undefined;
      return;
    }
    if (this.#stopping) {
      this.#ended?.();
      return;
    }
    this.#failures = clock.milliseconds() - this.#startedAt >= ROW_OF_FAILURES ? 0 : this.#failures + 1;
    const delay = this.#failures <= 1 ? 0 : Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.#failures - 2));
    this.#restarts++;
    this.#leaveEpoll();
    const when = delay === 0 ? 'at once' : `in ${delay} ms`;
    log.error(
      { thread: name, err: error, restarts: this.#restarts, delay },
      `${name} died: ${error?.message ?? 'it ended by itself'}; it is started again ${when}`,
    );
    if (delay === 0) this.#spawn();
    else this.#timer.set(delay);
  }

  /** A thread that dies again and again on epoll may live on the other path. */
  #leaveEpoll(): void {
    if (this.#data.streams !== 'epoll' || this.#failures < FAILURES_OF_EPOLL) return;
    this.#data = { ...this.#data, streams: 'node' };
    const { log, name } = this.#options;
    log.warn(
      { thread: name },
      `${name} has died ${this.#failures} times in a row; it runs on node:net and node:tls from now on`,
    );
  }
}
