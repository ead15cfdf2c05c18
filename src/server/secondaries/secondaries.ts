/** The secondary zones as the control thread sees them: in a thread of their own, or in place. */
import { Worker } from 'node:worker_threads';
import { isError, messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { NO_SECONDARIES } from '../../observe/metrics/secondary-facts.js';
import type { Clock, Timer } from '../../session/clock.js';
import { TRANSFER_WORKER } from '../thread-programs.js';
import { LoaderLane } from '../zones/jobs/loader-lane.js';
import { elapsedTime } from './elapsed-time.js';
import { resolverOf } from './resolve-remote.js';
import type {
  RoundResult,
  SecondaryCounts,
  SecondaryHost,
  SecondarySettings,
  SecondaryStatus,
} from './secondary-host.js';
import { SecondaryService } from './secondary-service.js';
import { Calls, type HostCall, type ServiceCall } from './service-calls.js';

interface SecondariesOptions {
  /** Gives and takes the versions and facts of the zones. */
  readonly host: Omit<SecondaryHost, 'log'>;
  /** The settings to run with now. Called again when the thread has to begin anew, so that it has the versions that came meanwhile. */
  settings(): SecondarySettings;
  readonly log: Log;
  readonly clock: Clock;
  /** Whether a thread may be used: not in a server within another program. */
  readonly thread: boolean;
}

/** The secondary zones of a server. */
interface Secondaries {
  /** Takes over the settings that settings() returns now. */
  configure(): void;
  /** NOTIFY came for a zone from this primary, which may send it. */
  notify(zone: string, primary: string, serial: number | undefined): void;
  /** Checks a zone at once; `isFull`: transfers it whole. undefined: it is no secondary zone. */
  transfer(zone: string, isFull: boolean): Promise<RoundResult | undefined>;
  /** undefined: it is no secondary zone. */
  status(zone: string): Promise<SecondaryStatus | undefined>;
  counts(): Promise<SecondaryCounts>;
  close(): Promise<void>;
}

/** Milliseconds until a thread that has failed is started again. A guess. */
const RESTART = 1000;

/** Starts the secondary zones that settings() names. */
export function openSecondaries(options: SecondariesOptions): Secondaries {
  const running = options.thread ? new ServiceThread(options) : inPlace(options);
  running.configure();
  return running;
}

function inPlace({ host, log, clock, settings }: SecondariesOptions): Secondaries {
  let resolve = resolverOf([]);
  const service = new SecondaryService(
    { ...host, log: (level, fields, text) => log[level](fields, text) },
    { clock, lane: new LoaderLane(clock, false), resolve: (name) => resolve(name), elapsed: elapsedTime() },
  );
  return {
    configure() {
      const now = settings();
      resolve = resolverOf(now.resolver);
      service.configure(now);
    },
    notify: (zone, primary, serial) => service.notify(zone, primary, serial),
    transfer: (zone, isFull) => service.transfer(zone, isFull),
    status: async (zone) => service.status(zone),
    counts: async () => service.counts,
    close: async () => service.close(),
  };
}

/** The service in a thread, which is started again when it fails. */
class ServiceThread implements Secondaries {
  readonly #options: SecondariesOptions;
  readonly #restart: Timer;
  #worker: Worker | undefined;
  #calls: Calls<ServiceCall, HostCall> | undefined;
  #isClosed = false;

  constructor(options: SecondariesOptions) {
    this.#options = options;
    this.#restart = options.clock.timer(() => this.configure());
  }

  configure(): void {
    const settings = this.#options.settings();
    // Without a zone there is nothing to do, and no thread.
    if (this.#isClosed || (this.#worker === undefined && settings.zones.length === 0)) return;
    this.#start();
    void this.#send({ call: 'configure', settings }).catch(() => {});
  }

  notify(zone: string, primary: string, serial: number | undefined): void {
    void this.#send({ call: 'notify', zone, primary, serial }).catch(() => {});
  }

  async transfer(zone: string, isFull: boolean): Promise<RoundResult | undefined> {
    return (await this.#send({ call: 'transfer', zone, isFull })) as RoundResult | undefined;
  }

  async status(zone: string): Promise<SecondaryStatus | undefined> {
    return (await this.#send({ call: 'status', zone })) as SecondaryStatus | undefined;
  }

  async counts(): Promise<SecondaryCounts> {
    return ((await this.#send({ call: 'counts' })) as SecondaryCounts | undefined) ?? NO_SECONDARIES;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#restart.clear();
    await this.#send({ call: 'close' }).catch(() => {});
    await this.#worker?.terminate();
  }

  async #send(order: ServiceCall): Promise<unknown> {
    return await this.#calls?.send(order);
  }

  #start(): void {
    if (this.#worker !== undefined) return;
    const worker = new Worker(TRANSFER_WORKER);
    const calls = new Calls<ServiceCall, HostCall>(worker, (order) => this.#answer(order));
    this.#worker = worker;
    this.#calls = calls;
    let cause: Error | undefined;
    worker.on('error', (error) => {
      cause = isError(error) ? error : new Error(String(error));
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#calls = undefined;
      calls.fail(cause ?? new Error('the transfer thread has ended'));
      if (this.#isClosed) return;
      const reason = cause === undefined ? '' : `: ${messageOf(cause)}`;
      this.#options.log.error({ err: cause }, `the transfer thread has ended${reason}; it is started again`);
      this.#restart.set(RESTART);
    });
  }

  async #answer(order: HostCall): Promise<unknown> {
    const { host, log } = this.#options;
    switch (order.call) {
      case 'image':
        return await host.image(order.zone);
      case 'adopt':
        return await host.adopt(order.zone, order.version);
      case 'confirm':
        return await host.confirm(order.zone, order.facts);
      case 'expire':
        return await host.expire(order.zone);
      case 'renew':
        return await host.renew(order.zone);
      case 'log':
        return log[order.level](order.fields, order.text);
    }
  }
}
