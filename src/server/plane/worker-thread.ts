/** The common part of all threads that answer: they take orders, report, and log through the control thread. */
import { parentPort, workerData } from 'node:worker_threads';
import type { HandedReply } from '../../answer/hand-off/handed-reply.js';
import type { RequestHandler } from '../../answer/hand-off/handed-request.js';
import type { Catalog } from '../../image/catalog.js';
import { Counters } from '../../observe/counters/counters.js';
import type { Log } from '../../observe/log.js';
import { systemClock } from '../../session/clock.js';
import { NO_SESSIONS, type SessionsReport } from '../../session/session-report.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import type { TransferReport } from '../../transfer/out/zone-desk.js';
import { libc } from '../../transport/libc.js';
import { collector, createRelease, LARGEST_HEAP } from '../../transport/release.js';
import { createRest, type Rest } from '../../transport/rest.js';
import { nameThread } from '../../transport/thread-name.js';
import { THREAD } from '../../transport/thread-words.js';
import type { ClientCas } from '../certificates/client-authorities.js';
import { takeShortTurns } from '../process/thread-priority.js';
import type { LogLevel, Order, Report, ThreadData } from './thread-messages.js';
import type { ThreadSettings } from './thread-settings.js';
import type { ThreadServices } from './transport-context.js';

/** A thread's reactions to orders, once it has begun. */
interface ThreadWork {
  /** Answers from `catalog`, from now on. */
  publish(catalog: Catalog): void;
  replaceTls(settings: TlsSettings): void;
  /** Only of threads with sockets whose clients have to show a certificate. Never rejects. */
  replaceClientCas?(cas: ClientCas): Promise<void>;
  /** Puts these settings in force, except those that need a restart (config-change.ts). */
  configure(settings: ThreadSettings): void;
  /** Counts the sessions, and lists the `longest` that have been idle longest; absent where there are no sessions. */
  sessions?(longest: number): SessionsReport;
  /** Takes no more queries, and finishes those that have begun; `drainTime`: milliseconds that sessions have for it. */
  stop(drainTime?: number): Promise<void>;
}

/**
 * Runs this thread; `begin` gets the data that the thread was started with, and its Rest. An error of `begin` ends the
 * thread.
 */
export async function runThread(
  begin: (data: ThreadData, services: ThreadServices, rest: Rest) => Promise<ThreadWork>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('this module is for worker threads only');
  const report = (message: Report): void => port.postMessage(message);
  const data = workerData as ThreadData;
  nameThread(data.name);
  takeShortTurns();
  const system = libc();
  if (typeof system !== 'string') data.words[THREAD] = system.gettid();
  const { tap } = data;
  const handed = new PostedRequests(report);
  const services = {
    counters: new Counters(data.counters, data.day),
    clock: systemClock,
    log: postingLog(report),
    tap,
    handle: handed.handle,
    transferShare: data.transferShare,
    transferred: (over: TransferReport) => report({ kind: 'transfer', report: over }),
  };
  const rest = createRest(data.words, () => report({ kind: 'awake' }));
  const work = await begin(data, services, rest);
  const release = createRelease(collector(LARGEST_HEAP));
  port.on('message', (order: Order) => {
    switch (order.kind) {
      case 'publish':
        work.publish(order.catalog);
        // Otherwise the first catalog would be kept as long as the thread lives.
        delete (workerData as { catalog?: Catalog }).catalog;
        release.soon();
        report({ kind: 'published', generation: order.catalog.generation });
        break;
      case 'tls':
        work.replaceTls(order.settings);
        report({ kind: 'done' });
        break;
      case 'client-cas':
        void Promise.resolve(work.replaceClientCas?.(order.cas)).then(() => report({ kind: 'done' }));
        break;
      case 'settings':
        work.configure(order.settings);
        report({ kind: 'done' });
        break;
      case 'sessions':
        report({ kind: 'sessions', report: work.sessions?.(order.longest) ?? NO_SESSIONS, number: order.number });
        break;
      case 'reply':
        handed.answer(order.number, order.reply);
        break;
      case 'stop':
        void work.stop(order.drainTime).then(() => port.close());
        break;
    }
  });
  report({ kind: 'ready' });
}

/** Requests that are posted to the control thread, and whose replies come as orders. */
class PostedRequests {
  readonly handle: RequestHandler;
  readonly #waiting = new Map<number, (reply: HandedReply | undefined) => void>();
  #last = 0;

  constructor(report: (message: Report) => void) {
    this.handle = (request) =>
      new Promise((resolve) => {
        const number = ++this.#last;
        this.#waiting.set(number, resolve);
        report({ kind: 'request', number, request });
      });
  }

  answer(number: number, reply: HandedReply | undefined): void {
    this.#waiting.get(number)?.(reply);
    this.#waiting.delete(number);
  }
}

function postingLog(report: (message: Report) => void): Log {
  const at =
    (level: LogLevel) =>
    (fields: object, message: string): void =>
      report({ kind: 'log', level, fields, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
