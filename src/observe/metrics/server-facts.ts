/** What metrics show of the server besides the counters. The server fills it in whenever it is asked for. */

import type { ConnectionLimits } from '../../session/limits.js';
import type { SessionSettings } from '../../session/session-settings.js';
import { idleTimeAt, SHED_FROM } from '../../session/times.js';
import type { Counters } from '../counters/counters.js';

/** Where the server is in its life; a probe for readiness succeeds while it is `ready`. */
export type ServerState =
  /** Until all zones were tried and all addresses answer. */
  'starting' | 'ready' | 'draining';

export interface ServerFacts {
  /** Of this package. */
  readonly version: string;
  readonly state: ServerState;
  /** Of all threads, added up. */
  readonly counters: Counters;
  readonly plane: PlaneFacts;
  readonly sessions: SessionFacts;
  /** All of them, in an order that stays: the first ones have time series of their own. */
  readonly zones: readonly ZoneFacts[];
  readonly reloads: Readonly<Record<ReloadKind, ReloadFacts>>;
  readonly certificates: readonly CertificateFacts[];
}

interface PlaneFacts {
  readonly path: 'threads' | 'embedded';
  /** Threads that answer; 0 when embedded. */
  readonly udpWorkers: number;
  readonly streamWorkers: number;
  /** Threads that died and were started again. */
  readonly restarts: number;
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
   * `served`: from its file as it is. `kept`: from what was loaded earlier, its file has errors. `failed`: answered with
   * SERVFAIL.
   */
  readonly state: ZoneState;
  /** undefined where there is none: the zone failed. */
  readonly serial: number | undefined;
  readonly records: number;
  readonly imageBytes: number;
  /** Seconds that the load took of what is served. */
  readonly loadSeconds: number;
  /** Seconds since 1970, of the same. */
  readonly loadedAt: number;
}

export const ZONE_STATES = ['served', 'kept', 'failed'] as const;
type ZoneState = (typeof ZONE_STATES)[number];

/** What can be loaded anew. */
export const RELOAD_KINDS = ['zones', 'certificates', 'ticket_keys', 'config'] as const;
export type ReloadKind = (typeof RELOAD_KINDS)[number];

export interface ReloadFacts {
  readonly succeeded: number;
  /** Where something had errors and stayed as it was. */
  readonly failed: number;
  /** Seconds since 1970; undefined: never. The load at the start counts. */
  readonly lastSuccess: number | undefined;
}

interface CertificateFacts {
  /** As configured. */
  readonly file: string;
  /** Seconds since 1970. */
  readonly notAfter: number;
}

/** What was never loaded anew. */
export const NO_RELOADS: ReloadFacts = { succeeded: 0, failed: 0, lastSuccess: undefined };

/**
 * Sessions as the process's limits and settings have them now. A thread that lacks descriptors asks its clients to close for some
 * seconds besides: that is not seen here.
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
