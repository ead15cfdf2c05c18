/** The data plane as the control thread sees it: what answers queries, in threads of its own or embedded in this one. */
import type { Config } from '../../config/schema.js';
import type { Catalog } from '../../image/catalog.js';
import type { Counters } from '../../observe/counters/counters.js';
import type { SessionsReport } from '../../session/session-report.js';
import type { TlsSettings } from '../../tls/tls-context.js';
import type { Endpoint } from '../../transport/transport.js';
import type { ThreadSettings } from './thread-settings.js';

/** How queries are answered here; for the log and the statistics. */
export interface PlaneStatus {
  /** `threads`: UDP by recvmmsg, streams in threads of their own. `embedded`: all in this thread. */
  readonly path: 'threads' | 'embedded';
  readonly udpWorkers: number;
  readonly streamWorkers: number;
  /** Threads that died and were started again. */
  readonly restarts: number;
  /** Why there are no threads although the configuration wants some. */
  readonly obstacle?: string | undefined;
}

export interface DataPlane {
  /** Addresses served, in the order of the configuration. */
  readonly udp: readonly Endpoint[];
  readonly tcp: readonly Endpoint[];
  readonly tls: readonly Endpoint[];
  readonly status: PlaneStatus;
  /** What its threads go by now. */
  readonly settings: ThreadSettings;
  /** What all threads have counted, added up. */
  counters(): Counters;
  /** Answers from `catalog`; fulfilled when no answer comes from an earlier one any more. */
  publish(catalog: Catalog): Promise<void>;
  /** Changes what new TLS connections get; fulfilled when all of them get it. */
  replaceTls(settings: TlsSettings): Promise<void>;
  /**
   * Goes by another configuration, as far as that is possible without another start (config-change.ts); fulfilled when all answers
   * do; says whether anything changed. Throws as answerSettings() does, and then nothing has changed.
   */
  configure(config: Config): Promise<boolean>;
  /** The stream sessions there are, and the `longest` that have been idle longest. */
  sessions(longest: number): Promise<SessionsReport>;
  /** Takes no more queries, finishes those that have begun, and frees the ports; `drainTime`: milliseconds that sessions have for it. */
  close(drainTime?: number): Promise<void>;
}
