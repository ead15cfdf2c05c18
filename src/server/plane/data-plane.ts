/** The data plane, which answers queries: in threads, or embedded in the control thread. */
import type { Config } from '../../config/schema.js';
import type { Catalog } from '../../image/catalog.js';
import type { DayMemory } from '../../observe/clients/day-clients.js';
import type { Counters } from '../../observe/counters/counters.js';
import type { SessionsReport } from '../../session/session-report.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import type { Endpoint } from '../../transport/transport.js';
import type { ClientCas } from '../certificates/client-authorities.js';
import type { ThreadSettings } from './thread-settings.js';

/** The way that streams run. */
export type StreamPath = 'epoll' | 'node';

/** The way that queries are answered; for the log and the statistics. */
export interface PlaneStatus {
  /** `threads`: UDP by recvmmsg, streams in other threads. `embedded`: all in the control thread. */
  readonly path: 'threads' | 'embedded';
  readonly udpWorkers: number;
  readonly streamWorkers: number;
  /** Number of times that threads have died and were started again. */
  readonly restarts: number;
  /** The reason why there are no threads although they are configured. */
  readonly obstacle?: string | undefined;
  /** The way that TCP and TLS run: on the C library's epoll, or on node:net and node:tls. */
  readonly streams: StreamPath;
  /** The reason why it is node although epoll is configured. */
  readonly streamsObstacle?: string | undefined;
  /** Counts of the TLS engines of all stream workers; undefined where TLS is not served, or by node:tls. */
  readonly tlsEngine?: TlsEngineCounts | undefined;
}

/** Each but the first should be 0: see EngineFault. */
export interface TlsEngineCounts {
  /** Connections that OpenSSL has memory for now. */
  readonly open: number;
  readonly refused: number;
  readonly leftovers: number;
  readonly callbackMistakes: number;
}

export interface DataPlane {
  /** Addresses served, in the order of the configuration. */
  readonly udp: readonly Endpoint[];
  readonly tcp: readonly Endpoint[];
  readonly tls: readonly Endpoint[];
  readonly status: PlaneStatus;
  /** The settings in force. */
  readonly settings: ThreadSettings;
  /** The counts of all threads, added up. */
  counters(): Counters;
  /** The clients of a day, of each thread; empty: they are not noted. */
  readonly days: readonly DayMemory[];
  /** Seconds of CPU that the threads of each kind have used, those that died among them; 0 when embedded. */
  cpu(): { readonly udp: number; readonly stream: number };
  /** Answers from `catalog`; fulfilled when no answer comes from an older one any more. */
  publish(catalog: Catalog): Promise<void>;
  /** Gives these settings to new TLS connections; fulfilled when all of them get them. */
  replaceTls(settings: TlsSettings): Promise<void>;
  /**
   * Gives these authorities of clients' certificates to new connections on `transfer.listen`, and opens listeners that have some now and
   * had none before. Fulfilled when all threads have them. Rejects with ADOTD_LISTEN when one cannot be opened.
   */
  replaceClientCas(cas: ClientCas): Promise<void>;
  /**
   * Puts another configuration in force, except the keys that need a restart (config-change.ts). Fulfilled when all answers follow it,
   * with whether anything has changed. Throws as answerSettings() does; nothing has changed then.
   */
  configure(config: Config): Promise<boolean>;
  /** Counts the stream sessions, and lists the `longest` that have been idle longest. */
  sessions(longest: number): Promise<SessionsReport>;
  /** Takes no more queries, finishes those that have begun, and frees the ports; `drainTime`: milliseconds that sessions have for it. */
  close(drainTime?: number): Promise<void>;
}
