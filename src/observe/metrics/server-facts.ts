/** Figures of the server besides the counters, for metrics. The server reads them for each request. */

import type { ConnectionLimits } from '../../session/limits.js';
import type { SessionSettings } from '../../session/session-settings.js';
import { idleTimeAt, SHED_FROM } from '../../session/times.js';
import type { Counters } from '../counters/counters.js';
import type { SecondaryFacts } from './secondary-facts.js';
import type { SigningFacts } from './signing-facts.js';
import type { NotifyCounts, TransferFacts } from './transfer-facts.js';

/** The state of the server; readiness probes succeed while it is `ready`. */
export type ServerState =
  /** `starting`: until all zones have been tried and all addresses answer. */
  'starting' | 'ready' | 'draining';

export interface ServerFacts {
  /** Of this package. */
  readonly version: string;
  readonly state: ServerState;
  /** Of all threads, added up. */
  readonly counters: Counters;
  readonly plane: PlaneFacts;
  /** Seconds of CPU by kind of thread; those of no kind are the rest of the process's. */
  readonly cpu: Readonly<Record<(typeof THREAD_KINDS)[number], number>>;
  readonly sessions: SessionFacts;
  /** All zones, always in the same order: the first ones have time series of their own. */
  readonly zones: readonly ZoneFacts[];
  readonly reloads: Readonly<Record<ReloadKind, ReloadFacts>>;
  readonly certificates: readonly CertificateFacts[];
  /** Lines that a status lists as problems, without those of zones. */
  readonly problems: number;
  /** How many pairs of certificate and key are in each state. */
  readonly certificateStates: Readonly<Record<(typeof CERTIFICATE_STATES)[number], number>>;
  /** The number of UPDATEs by the RCODE of their answer. */
  readonly updates: ReadonlyMap<number, number>;
  /** Lines of the log that could not be written. */
  readonly logLinesLost: number;
  /** Counts of the query log and dnstap; undefined: both are off. */
  readonly tap: TapFacts | undefined;
  readonly transfers: TransferFacts;
  readonly notifies: NotifyCounts;
  readonly secondaries: SecondaryFacts;
  readonly signing: SigningFacts;
  /** Catalog zones that are consumed. */
  readonly catalogs: readonly CatalogFacts[];
}

/** States of a consumed catalog; the catalog is followed only in the first one. */
export const CATALOG_STATES = ['followed', 'waiting', 'broken', 'absent'] as const;

interface CatalogFacts {
  /** In presentation format. */
  readonly zone: string;
  readonly state: (typeof CATALOG_STATES)[number];
  /** Members that are served. */
  readonly members: number;
}

interface TapFacts {
  /** Records that came too fast to be read. */
  readonly dropped: number;
  /** Records that the query log, or the reader or file of dnstap, did not take. */
  readonly queryLogLost: number;
  readonly dnstapLost: number;
}

/** Kinds of threads that have CPU time of their own in the metrics. */
export const THREAD_KINDS = ['control', 'loader', 'udp', 'stream'] as const;

interface PlaneFacts {
  readonly path: 'threads' | 'embedded';
  /** Threads that answer; 0 when embedded. */
  readonly udpWorkers: number;
  readonly streamWorkers: number;
  /** The path that serves TCP and TLS. */
  readonly streams: 'epoll' | 'node';
  /** Threads that died and were started again. */
  readonly restarts: number;
  /** Of the TLS engines of all stream workers; undefined where there are none. */
  readonly tlsEngine?: { readonly open: number } | undefined;
}

interface SessionFacts {
  readonly open: number;
  /** Sessions that may be open. */
  readonly limit: number;
  /** Milliseconds that a session may be idle now. */
  readonly idleTime: number;
  /** Milliseconds that edns-tcp-keepalive advertises now; 0: clients are asked to close. */
  readonly keepalive: number;
}

export interface ZoneFacts {
  /** In presentation format. */
  readonly name: string;
  /**
   * `served`: from its file as it is. `kept`: as loaded earlier, since the file has errors now. `failed`: answered with SERVFAIL.
   */
  readonly state: ZoneState;
  /** undefined when the zone failed. */
  readonly serial: number | undefined;
  readonly records: number;
  readonly imageBytes: number;
  /** Seconds that the load of the served version took. */
  readonly loadSeconds: number;
  /** The time of that load, in seconds since 1970. */
  readonly loadedAt: number;
  /** Seconds since 1970: when the first RRset loses its last signature; undefined without signatures. */
  readonly signaturesExpire: number | undefined;
}

export const ZONE_STATES = ['served', 'kept', 'failed'] as const;
type ZoneState = (typeof ZONE_STATES)[number];
/** States of pairs of certificate and key. */
export const CERTIFICATE_STATES = [...ZONE_STATES, 'held'] as const;

/** The things that can be reloaded. */
export const RELOAD_KINDS = ['zones', 'certificates', 'ticket_keys', 'client_cas', 'config'] as const;
export type ReloadKind = (typeof RELOAD_KINDS)[number];

export interface ReloadFacts {
  readonly succeeded: number;
  /** Reloads with errors, which changed nothing. */
  readonly failed: number;
  /** Seconds since 1970; undefined: never. The load at the start counts. */
  readonly lastSuccess: number | undefined;
}

/** A certificate that is served. */
interface CertificateFacts {
  /** As configured. */
  readonly file: string;
  /** Seconds since 1970. */
  readonly notAfter: number;
  /** Whether it has begun and not expired. */
  readonly valid: boolean;
}

/** Before the first load. */
export const NO_RELOADS: ReloadFacts = { succeeded: 0, failed: 0, lastSuccess: undefined };

/**
 * Figures of sessions, by the process's limits and settings. They do not show when a single thread lacks descriptors and asks its
 * clients to close for some seconds.
 */
export function sessionFacts(
  limits: Pick<ConnectionLimits, 'open' | 'capacity' | 'load'>,
  settings: Pick<SessionSettings, 'idleTime' | 'idleTimeMin'>,
  state: ServerState,
): SessionFacts {
  const { open, capacity, load } = limits;
  const idleTime = idleTimeAt(load, settings);
  return { open, limit: capacity, idleTime, keepalive: load >= SHED_FROM || state === 'draining' ? 0 : idleTime };
}
