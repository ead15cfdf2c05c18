/**
 * Query log and dnstap on the control thread. Every thread that answers writes records to a ring of its own. This thread reads all rings
 * 50 times a second and writes the records out. A slow file or reader never makes a query wait: records that it does not take in
 * time are lost and counted.
 */
import { hostname } from 'node:os';
import type { Config } from '../../config/schema.js';
import { isTapped } from '../../config/tap.js';
import { AdotdError, ErrorCode } from '../../errors.js';
import { type Clock, systemClock } from '../../session/clock.js';
import { MAX_UNIX_PATH } from '../../transport/unix-path.js';
import type { Log } from '../log.js';
import { absentExporter, dnstapExporter, type Exporter, lineExporter, logExporter } from './exporter.js';
import { openFileSink } from './file-sink.js';
import { openFrameSocket } from './frame-socket.js';
import { Control, controlFrame, DNSTAP_CONTENT } from './frame-streams.js';
import type { Sink } from './outbox.js';
import { createRecord, readRecord, Target } from './record.js';
import { createRing, RingReader } from './ring.js';

/** Milliseconds between two readings of the rings, and the longest that one may take: half of the thread's time at the most. */
const DRAIN_INTERVAL = 20;
const DRAIN_TIME = 10;
/** Milliseconds that the last records may take when the server ends. */
const LAST_DRAIN_TIME = 500;
const CLOSE_TIME = 2000;
/** Records between two readings of the clock. */
const DRAIN_STEP = 32;
/** Milliseconds between two warnings of lost records. */
const WARN_INTERVAL = 60_000;

/** The tap of one thread that answers: plain data, which can be posted to it. */
export interface ThreadTap {
  readonly ring: SharedArrayBuffer;
  /** N: 1 in N queries is recorded for the query log, or for dnstap; 0: none. */
  readonly querySample: number;
  readonly dnstapSample: number;
  /** Whether dnstap needs whole queries, and whole responses. */
  readonly queries: boolean;
  readonly responses: boolean;
}

/** Counts of records so far. */
export interface TapStatus {
  /** Records read from the rings. */
  readonly records: number;
  /** Records that did not fit into a ring: the control thread was not quick enough. */
  readonly dropped: number;
  /** Records that the file of the query log or standard error, or the reader or file of dnstap, did not take. */
  readonly queryLogLost: number;
  readonly dnstapLost: number;
}

type Failed = (error: AdotdError, what: string, open: () => void) => void;

export interface Tap {
  /** A new ring for one thread that answers. When the thread dies, its replacement gets the same ring. */
  thread(): ThreadTap;
  /**
   * Begins to write. Throws ADOTD_FILE for a file that cannot be written, ADOTD_CONFIG for a socket's path too long. If `failed` is given,
   * it gets the ADOTD_FILE, the name of the output (`query log` or `dnstap`), and a function that opens the file later. That function
   * throws ADOTD_FILE while this fails. Until then the records for this file are lost and counted, and the other one is written.
   */
  start(log: Log, failed?: Failed): void;
  readonly status: TapStatus;
  /** Writes the remaining records, within some seconds, and ends. */
  stop(): Promise<void>;
}

/** The tap of the configuration; undefined: neither query log nor dnstap is on. */
export function createTap(
  config: Pick<Config, 'query_log' | 'dnstap' | 'version'>,
  clock: Clock = systemClock,
): Tap | undefined {
  const { query_log: queryLog, dnstap } = config;
  const tapped = dnstap.socket !== undefined || dnstap.file !== undefined;
  if (!isTapped(config)) return undefined;
  return new RingTap(config, clock, {
    querySample: queryLog.enabled ? queryLog.sample : 0,
    dnstapSample: tapped ? dnstap.sample : 0,
    queries: dnstap.messages.includes('query'),
    responses: dnstap.messages.includes('response'),
  });
}

class RingTap implements Tap {
  readonly #config: Pick<Config, 'query_log' | 'dnstap' | 'version'>;
  readonly #clock: Clock;
  readonly #settings: Omit<ThreadTap, 'ring'>;
  readonly #rings: RingReader[] = [];
  readonly #record = createRecord();
  #exporters: Exporter[] = [];
  #log: Log | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The ring to begin with at the next reading. */
  #first = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;
  /** The counts at the last warning. */
  #warned: TapStatus = { records: 0, dropped: 0, queryLogLost: 0, dnstapLost: 0 };
  #records = 0;
  #dropped = 0;
  #queryLogLost = 0;
  #dnstapLost = 0;

  constructor(
    config: Pick<Config, 'query_log' | 'dnstap' | 'version'>,
    clock: Clock,
    settings: Omit<ThreadTap, 'ring'>,
  ) {
    this.#config = config;
    this.#clock = clock;
    this.#settings = settings;
  }

  get status(): TapStatus {
    return {
      records: this.#records,
      dropped: this.#dropped,
      queryLogLost: this.#queryLogLost,
      dnstapLost: this.#dnstapLost,
    };
  }

  thread(): ThreadTap {
    const ring = createRing();
    this.#rings.push(new RingReader(ring));
    return { ring, ...this.#settings };
  }

  start(log: Log, failed?: Failed): void {
    this.#log = log;
    const open = (what: string, target: number, exporter: OpenExporter): void => {
      try {
        this.#exporters.push(exporter(this.#config, log, this.#clock));
      } catch (error) {
        if (failed === undefined || !(error instanceof AdotdError) || error.code !== ErrorCode.FILE) throw error;
        const absent = absentExporter(target);
        this.#exporters.push(absent);
        failed(error, what, () => this.#replace(absent, () => exporter(this.#config, log, this.#clock)));
      }
    };
    if (this.#settings.querySample > 0) open('query log', Target.QUERY_LOG, queryLogExporter);
    if (this.#settings.dnstapSample > 0) open('dnstap', Target.DNSTAP, dnstapOf);
    this.#timer = setInterval(() => this.#drain(DRAIN_TIME), DRAIN_INTERVAL);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#drain(LAST_DRAIN_TIME);
    const exporters = this.#exporters;
    this.#exporters = [];
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      late = setTimeout(resolve, CLOSE_TIME);
    });
    await Promise.race([limit, Promise.all(exporters.map((exporter) => exporter.close()))]);
    clearTimeout(late);
    this.#count(exporters, 0);
  }

  /** Puts an exporter in the place of another one. Does nothing once the tap has stopped. */
  #replace(absent: Exporter, open: () => Exporter): void {
    const at = this.#exporters.indexOf(absent);
    if (at < 0) return;
    const exporter = open();
    this.#count([absent], WARN_INTERVAL);
    this.#exporters[at] = exporter;
  }

  /** Reads the rings in turn for `time` milliseconds at the most; the rest waits for the next reading. */
  #drain(time: number): void {
    const end = this.#clock.milliseconds() + time;
    const rings = this.#rings;
    this.#first = (this.#first + 1) % Math.max(1, rings.length);
    for (let i = 0; i < rings.length && this.#drainRing(rings[(this.#first + i) % rings.length]!, end); i++);
    for (const exporter of this.#exporters) exporter.flush();
    this.#count(this.#exporters, WARN_INTERVAL);
  }

  /** Returns whether time is left. */
  #drainRing(ring: RingReader, end: number): boolean {
    const record = this.#record;
    for (let place = ring.next(); place >= 0; place = ring.next()) {
      if (readRecord(ring, place, record)) {
        for (const exporter of this.#exporters) if ((record.targets & exporter.target) !== 0) exporter.take(record);
      }
      ring.release();
      this.#records++;
      if (this.#records % DRAIN_STEP === 0 && this.#clock.milliseconds() >= end) return false;
    }
    return true;
  }

  /** Counts lost records; warns when the last warning was `interval` milliseconds ago. */
  #count(exporters: readonly Exporter[], interval: number): void {
    for (const ring of this.#rings) this.#dropped += ring.takeDropped();
    for (const exporter of exporters) {
      const lost = exporter.takeLost();
      if (exporter.target === Target.DNSTAP) this.#dnstapLost += lost;
      else this.#queryLogLost += lost;
    }
    const now = this.#clock.milliseconds();
    if (now - this.#warnedAt < interval) return;
    const { dropped, queryLogLost, dnstapLost } = this.#warned;
    const news = [
      [this.#dropped - dropped, 'came faster than they can be read'],
      [this.#queryLogLost - queryLogLost, 'were not taken by the file of the query log, or by standard error'],
      [this.#dnstapLost - dnstapLost, 'were not taken by the reader or the file of dnstap'],
    ] as const;
    const parts = news.filter(([count]) => count > 0).map(([count, why]) => `${count} ${why}`);
    if (parts.length === 0) return;
    this.#warnedAt = now;
    this.#warned = this.status;
    this.#log?.warn(this.#warned, `queries were answered, but not all recorded: ${parts.join(', ')}`);
  }
}

type OpenExporter = (config: Pick<Config, 'query_log' | 'dnstap' | 'version'>, log: Log, clock: Clock) => Exporter;

function queryLogExporter({ query_log: { file } }: Pick<Config, 'query_log'>, log: Log, clock: Clock): Exporter {
  return file === undefined
    ? logExporter(log)
    : lineExporter(openFileSink({ path: file, what: 'the query log', log, clock }));
}

function dnstapOf({ dnstap, version }: Pick<Config, 'dnstap' | 'version'>, log: Log, clock: Clock): Exporter {
  const sink =
    dnstap.socket === undefined ? dnstapFile(dnstap.file ?? '', log, clock) : dnstapSocket(dnstap.socket, log, clock);
  return dnstapExporter(sink, {
    identity: Buffer.from(dnstap.identity ?? hostname(), 'utf8'),
    version: Buffer.from(version ?? 'adotd', 'utf8'),
    queries: dnstap.messages.includes('query'),
    responses: dnstap.messages.includes('response'),
  });
}

function dnstapFile(path: string, log: Log, clock: Clock): Sink {
  const opening = controlFrame(Control.START, DNSTAP_CONTENT);
  return openFileSink({ path, what: 'the dnstap file', log, clock, opening, closing: controlFrame(Control.STOP) });
}

function dnstapSocket(path: string, log: Log, clock: Clock): Sink {
  const octets = Buffer.byteLength(path);
  if (octets > MAX_UNIX_PATH) {
    const found = `dnstap.socket: found a path of ${octets} octets (${path})`;
    throw new AdotdError(ErrorCode.CONFIG, `${found}, a Unix socket's has at most ${MAX_UNIX_PATH}`);
  }
  return openFrameSocket({ path, content: DNSTAP_CONTENT, clock, log });
}
