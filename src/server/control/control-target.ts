/** The server as the control interface sees it. All results are plain data, and become JSON unchanged. */
import type { Summary } from '../../observe/counters/summary.js';
import type { TopView } from '../../page/contract.js';
import type { ReportData } from '../../report/report-data.js';
import type { SessionsReport } from '../../session/session-report.js';
import type { Endpoint } from '../../transport/transport.js';
import type { CatalogStatus } from '../catalogs/consumed-catalogs.js';
import type { PlaneStatus } from '../plane/data-plane.js';
import type { ReloadOutcome } from '../reload.js';
import type { RoundResult } from '../secondaries/secondary-host.js';
import type { SignalWait } from '../signals/transport-signals.js';
import type { ZoneCounts } from '../zones/zone-counts.js';
import type { ReloadRequest } from '../zones/zone-loader.js';
import type { ZoneStatus } from '../zones/zone-outcome.js';
import type { SigningControl } from './signing-control.js';

export interface ControlTarget {
  status(): ServerStatus;
  /** All zones, or those of this name (presentation format): one or none. */
  zones(name?: string): readonly ZoneStatus[] | Promise<readonly ZoneStatus[]>;
  statistics(): Summary;
  /** The view that `adotd ctl top` shows. */
  top(): TopView;
  /** The records since a moment, seconds since 1970; undefined: nothing is recorded. */
  report(since: number): ReportData | undefined;
  /** Counts the stream sessions, and lists the `longest` that have been idle longest. */
  sessions(longest: number): Promise<SessionsReport>;
  reload(request: ReloadRequest): Promise<ReloadOutcome>;
  /** Sends NOTIFY about a zone (presentation format) to its targets; returns their number, undefined for a zone that is not served. */
  notify(name: string): number | undefined;
  /** Checks a secondary zone (presentation format) at once; `isFull`: transfers it whole. undefined: it is no secondary zone. */
  transfer(name: string, isFull: boolean): Promise<RoundResult | undefined>;
  /** As reload() of the zone, but its file is taken as it is, and the stored data of the zone are given up. */
  acceptFile(zone: string): Promise<ReloadOutcome>;
  /** The catalog zones that are consumed. */
  catalogs(): readonly CatalogStatus[];
  /** Lets members go that are no longer in this catalog (presentation format). Returns false when none of them waits for that. */
  acceptCatalog(name: string): Promise<boolean>;
  /** Signs zones; undefined: the server has no state. */
  readonly signing: SigningControl | undefined;
  /** Has certificates served now whose keys wait; fulfilled with their pins, in hexadecimal. */
  switchKeys(): Promise<readonly string[]>;
  /** The text of a zone as it is served, piece by piece; undefined for a zone that is not served. */
  dump(name: string): Iterator<string> | undefined;
  /** Ends the server as SIGTERM does. `seconds`: the time for sessions to finish; undefined: as configured. */
  drain(seconds: number | undefined): void;
  /** Changes the level of the log; returns the old one. */
  setLogLevel(level: LogLevelName): string;
}

/** Levels of the log, as the configuration has them. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevelName = (typeof LOG_LEVELS)[number];

/**
 * `critical`: clients get no answers, or none that they may trust: a zone failed or has expired, no zone is served, or a certificate has
 * expired or is not valid yet. `warning`: all is answered, but not from the files as they are now, or not for long: errors in files, zones
 * that are kept as they were, a change that waits for a restart, draining; or a zone has not been transferred yet.
 */
export type Health = 'ok' | 'warning' | 'critical';

export interface ServerStatus {
  readonly version: string;
  readonly process: number;
  readonly state: 'ready' | 'draining';
  /** Seconds since 1970. */
  readonly since: number;
  /** Path of the configuration, if there is one. */
  readonly config?: string | undefined;
  readonly addresses: {
    readonly udp: readonly Endpoint[];
    readonly tcp: readonly Endpoint[];
    readonly tls: readonly Endpoint[];
  };
  readonly plane: PlaneStatus;
  readonly zones: ZoneCounts;
  readonly certificates: readonly {
    readonly file: string;
    readonly subject: string;
    readonly names: readonly string[];
    /** Seconds since 1970: when it becomes valid, and when it expires. */
    readonly begins: number;
    readonly expires: number;
    readonly pin: string;
  }[];
  /** Keys of certificates that wait until resolvers can know of their TLSA records, by the names of the server. */
  readonly keysWaiting: readonly SignalWait[];
  readonly reloads: {
    readonly done: number;
    /** Reloads with an error. */
    readonly failed: number;
    /** Seconds since 1970; undefined before the first one. */
    readonly last?: number | undefined;
  };
  readonly health: Health;
  /** Keys of the configuration that have changed, and whose new values are in force only after a restart. */
  readonly restart: readonly string[];
  /**
   * One line for each mistake that keeps the server from serving the content of its files, for each certificate that has expired or is not
   * valid yet, and for each kind of fault of the TLS engine; a limited number of them.
   */
  readonly problems: readonly string[];
  readonly logLevel: string;
  /** Whether files are watched. */
  readonly watching: boolean;
  /** Octets of resident memory. */
  readonly memory: number;
}
