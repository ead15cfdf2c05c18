/**
 * A thread that answers, kept alive: started, watched, and started again when it has died or no longer moves. What it serves
 * from (sockets, counters, catalog) outlives it, so that the next one goes on where it fell.
 */
import type { Catalog } from '../../image/catalog.js';
import type { Log } from '../../observe/log.js';
import type { Clock, Timer } from '../../session/clock.js';
import { countOut } from '../../session/limits.js';
import { NO_SESSIONS, type SessionsReport } from '../../session/session-report.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import { HANDSHAKES, HEARTBEAT, THREAD, threadWords } from '../../transport/thread-words.js';
import type { Order, Report, ThreadData } from './thread-messages.js';
import type { ThreadSettings } from './thread-settings.js';

/** A running thread; the real one is made by spawner(). */
interface ThreadHandle {
  post(order: Order): void;
  /** Ends it, whatever it does. */
  terminate(): void;
}

/** What a running thread tells. */
export interface ThreadEvents {
  report(report: Report): void;
  /** It has ended; with the error when that was the cause. Called once. */
  exit(error?: Error): void;
}

export type Spawn = (data: ThreadData, events: ThreadEvents) => ThreadHandle;

/** How a worker of each kind is started. */
export interface WorkerSpawns {
  readonly udp: Spawn;
  readonly stream: Spawn;
}

interface ThreadOptions {
  /** For the log: `udp worker 1`. */
  readonly name: string;
  readonly spawn: Spawn;
  readonly data: Omit<ThreadData, 'words'>;
  readonly clock: Clock;
  readonly log: Log;
  /** CPU time of a thread in milliseconds; NaN when it cannot be told. */
  cpuOf(thread: number): number;
}

/** Milliseconds between two looks at the heartbeat. */
export const WATCH_INTERVAL = 50;
/**
 * Looks in a row without a heartbeat after which a thread is stuck that has used the CPU meanwhile: it loops. Threads beat every
 * 50 to 100 ms. Looks are counted, not time: when the whole process was stopped, nobody could beat.
 */
const LOOKS_SPINNING = 7;
/**
 * Milliseconds of CPU that it must have used. Not a part of the time: on a machine with much else to do, a thread that loops
 * gets a small one. Measured: with ten programs on two CPUs it was found after the ten seconds below.
 */
const CPU_SPINNING = 200;
/**
 * The same for each TLS handshake that it has under way: node hands all ClientHellos that have come to OpenSSL in one turn of
 * the event loop, up to 1024 times 48. Measured: 0.4 to 0.7 ms each.
 */
const CPU_OF_HANDSHAKE = 1;
/** Looks for a thread that did not get the CPU, or that carries out an order which may take long: 10 s. */
const LOOKS_STARVING = 200;
/** Milliseconds a thread must have lived for its death not to count as one more failure in a row. A guess. */
const LONG_LIFE = 10_000;
/** Milliseconds that it has to tell of its sessions. A guess: 10,000 of them take some. */
const ANSWER_TIME = 2000;
/** Milliseconds before a thread is started again: none at first, then doubled with every failure in a row. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 30_000;

export class SupervisedThread {
  readonly #options: ThreadOptions;
  readonly #timer: Timer;
  #data: Omit<ThreadData, 'words'>;
  /** What the running one was started with, until it is ready. */
  #given: Omit<ThreadData, 'words'> | undefined;
  #words = threadWords();
  #handle: ThreadHandle | undefined;
  #serving = false;
  #stopping = false;
  #bornAt = 0;
  #failures = 0;
  #restarts = 0;
  /** Why it is being ended by us. */
  #verdict: Error | undefined;
  /** Settles `begun`. */
  #started: { resolve(): void; reject(error: Error): void } | undefined;
  #ended: (() => void) | undefined;
  #waiting: { readonly generation: number; resolve(): void }[] = [];
  /** Who waits for its sessions, by the number of the order. */
  readonly #asking = new Map<number, (report: SessionsReport) => void>();
  #asked = 0;
  #beat = 0;
  #looks = 0;
  #cpuAt = 0;
  #lookedAt = 0;
  /** Who waits for orders that are under way and may take long. */
  #busy: (() => void)[] = [];

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#data = options.data;
    this.#timer = options.clock.timer(() => this.#spawn());
  }

  /** Times it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Whether it answers now. */
  get serving(): boolean {
    return this.#serving;
  }

  /** Starts it; fulfilled when it answers, rejected when it cannot begin. */
  begin(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#started = { resolve, reject };
      this.#spawn();
    });
  }

  /** Makes it answer from `catalog`; fulfilled when it does. One that is dead will, when it is back. */
  publish(catalog: Catalog): Promise<void> {
    this.#data = { ...this.#data, catalog };
    if (this.#handle === undefined) return Promise.resolve();
    if (this.#serving) this.#handle.post({ kind: 'publish', catalog });
    return new Promise((resolve) => this.#waiting.push({ generation: catalog.generation, resolve }));
  }

  /** Fulfilled when new connections get it; a thread that is dead will, when it is back. */
  replaceTls(settings: TlsSettings): Promise<void> {
    this.#data = { ...this.#data, tls: settings };
    return this.#order({ kind: 'tls', settings });
  }

  /** Makes it go by other settings; fulfilled as with replaceTls(). */
  configure(settings: ThreadSettings): Promise<void> {
    this.#data = { ...this.#data, settings };
    return this.#order({ kind: 'settings', settings });
  }

  /** The sessions of a stream worker, while it stops too; none where it is dead, or does not answer in time. */
  sessions(longest: number): Promise<SessionsReport> {
    if (!this.#serving) return Promise.resolve(NO_SESSIONS);
    const number = ++this.#asked;
    return new Promise((resolve) => {
      const late = this.#options.clock.timer(() => this.#told(number, NO_SESSIONS));
      late.set(ANSWER_TIME);
      this.#asking.set(number, (report) => {
        late.clear();
        resolve(report);
      });
      this.#handle?.post({ kind: 'sessions', longest, number });
    });
  }

  /**
   * Lets it finish what it has begun, its sessions within `drainTime` milliseconds where that is given; fulfilled when it has
   * ended. After `patience` milliseconds it is ended.
   */
  stop(patience: number, drainTime?: number): Promise<void> {
    this.#stopping = true;
    this.#timer.clear();
    if (this.#handle === undefined) return Promise.resolve();
    const { clock, log, name } = this.#options;
    return new Promise((resolve) => {
      const last = clock.timer(() => {
        log.warn({ thread: name }, `${name} does not stop, it is ended`);
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

  /** Looks whether it moves; to be called every WATCH_INTERVAL. */
  watch(): void {
    if (!this.#serving || this.#stopping || this.#verdict) return;
    const { clock, cpuOf, name } = this.#options;
    const beat = Atomics.load(this.#words, HEARTBEAT);
    if (beat !== this.#beat || this.#looks === 0) {
      this.#beat = beat;
      this.#looks = 1;
      return;
    }
    const thread = Atomics.load(this.#words, THREAD);
    if (this.#looks++ === 1) {
      this.#cpuAt = cpuOf(thread);
      this.#lookedAt = clock.milliseconds();
      return;
    }
    if (this.#looks < LOOKS_SPINNING) return;
    const elapsed = clock.milliseconds() - this.#lookedAt;
    const allowed = CPU_SPINNING + CPU_OF_HANDSHAKE * Atomics.load(this.#words, HANDSHAKES);
    const spinning = this.#busy.length === 0 && cpuOf(thread) - this.#cpuAt >= allowed;
    if (!spinning && this.#looks < LOOKS_STARVING) return;
    const stood = Math.round(elapsed) + WATCH_INTERVAL;
    this.#verdict = new Error(`${name} did not move for ${stood} ms${spinning ? ', it loops' : ''}`);
    this.#handle?.terminate();
  }

  #spawn(): void {
    const { spawn, clock } = this.#options;
    this.#words = threadWords();
    this.#verdict = undefined;
    this.#looks = 0;
    this.#busy = [];
    this.#bornAt = clock.milliseconds();
    const events: ThreadEvents = {
      report: (report) => this.#heard(report),
      exit: (error) => this.#exited(error),
    };
    this.#given = this.#data;
    this.#handle = spawn({ ...this.#data, words: this.#words }, events);
  }

  #heard(report: Report): void {
    const { log, name } = this.#options;
    switch (report.kind) {
      case 'ready':
        this.#serving = true;
        this.#started?.resolve();
        this.#started = undefined;
        if (this.#restarts > 0) log.info({ thread: name, restarts: this.#restarts }, `${name} answers again`);
        this.#catchUp();
        break;
      case 'published':
        this.#release(report.generation);
        break;
      case 'sessions':
        this.#told(report.number, report.report);
        break;
      case 'done':
        this.#busy.shift()?.();
        break;
      case 'log':
        log[report.level]({ ...report.fields, thread: name }, report.message);
        break;
    }
  }

  /** Tells it what changed while it started. */
  #catchUp(): void {
    const { catalog, tls, settings } = this.#data;
    const given = this.#given;
    // Its catalog would be kept here for as long as the thread lives.
    this.#given = undefined;
    if (given === undefined) return;
    if (catalog !== given.catalog) this.#handle?.post({ kind: 'publish', catalog });
    if (tls !== undefined && tls !== given.tls) void this.replaceTls(tls);
    if (settings !== given.settings) void this.configure(settings);
  }

  #order(order: Order): Promise<void> {
    if (!this.#serving || this.#stopping) return Promise.resolve();
    this.#handle?.post(order);
    return new Promise((resolve) => this.#busy.push(resolve));
  }

  /** Answers who asked for sessions; what comes too late is of no use to who asks next. */
  #told(number: number, report: SessionsReport): void {
    this.#asking.get(number)?.(report);
    this.#asking.delete(number);
  }

  #release(generation: number): void {
    const done = this.#waiting.filter((waiting) => waiting.generation <= generation);
    this.#waiting = this.#waiting.filter((waiting) => waiting.generation > generation);
    for (const { resolve } of done) resolve();
  }

  #exited(error = this.#verdict): void {
    const { clock, log, name } = this.#options;
    this.#handle = undefined;
    this.#serving = false;
    countOut(this.#data.settings.shared, this.#data.share);
    this.#release(Number.POSITIVE_INFINITY);
    for (const number of this.#asking.keys()) this.#told(number, NO_SESSIONS);
    for (const done of this.#busy.splice(0)) done();
    if (this.#started) {
      this.#started.reject(error ?? new Error(`${name} ended before it had begun`));
      this.#started = undefined;
      return;
    }
    if (this.#stopping) {
      this.#ended?.();
      return;
    }
    this.#failures = clock.milliseconds() - this.#bornAt >= LONG_LIFE ? 0 : this.#failures + 1;
    const delay = this.#failures <= 1 ? 0 : Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.#failures - 2));
    this.#restarts++;
    const when = delay === 0 ? 'at once' : `in ${delay} ms`;
    log.error(
      { thread: name, err: error, restarts: this.#restarts, delay },
      `${name} died: ${error?.message ?? 'it ended by itself'}; it is started again ${when}`,
    );
    if (delay === 0) this.#spawn();
    else this.#timer.set(delay);
  }
}
