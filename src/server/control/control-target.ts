/** What the control socket controls. Everything that is returned is plain data, and becomes JSON as it is. */
import type { Summary } from '../../observe/counters/summary.js';
import type { SessionsReport } from '../../session/session-report.js';
import type { Endpoint } from '../../transport/transport.js';
import type { PlaneStatus } from '../plane/data-plane.js';
import type { ReloadOutcome } from '../reload.js';
import type { ReloadRequest } from '../zones/zone-loader.js';
import type { ZoneStatus } from '../zones/zone-outcome.js';

export interface ControlTarget {
  status(): ServerStatus;
  /** All zones, or those of this name (presentation format): one or none. */
  zones(name?: string): readonly ZoneStatus[];
  statistics(): Summary;
  /** How many stream sessions there are, and the `longest` that have been idle longest. */
  sessions(longest: number): Promise<SessionsReport>;
  reload(request: ReloadRequest): Promise<ReloadOutcome>;
  /** The text of a zone as it is served, piece by piece; undefined: it is not. */
  dump(name: string): Iterator<string> | undefined;
  /** Ends the server as SIGTERM does, sessions within so many seconds; undefined: as configured. */
  drain(seconds: number | undefined): void;
  /** Logs from now on what is of this level or above; returns the level before. */
  setLogLevel(level: LogLevelName): string;
}

/** Levels of the log, as the configuration has them. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevelName = (typeof LOG_LEVELS)[number];

export interface ServerStatus {
  readonly version: string;
  readonly process: number;
  readonly state: 'ready' | 'draining';
  /** Seconds since 1970. */
  readonly since: number;
  /** Path of the configuration; undefined: there is none. */
  readonly config?: string | undefined;
  readonly addresses: {
    readonly udp: readonly Endpoint[];
    readonly tcp: readonly Endpoint[];
    readonly tls: readonly Endpoint[];
  };
  readonly plane: PlaneStatus;
  readonly zones: {
    readonly served: number;
    readonly failed: number;
    readonly kept: number;
    readonly records: number;
  };
  readonly certificates: readonly {
    readonly file: string;
    readonly subject: string;
    readonly names: readonly string[];
    /** Seconds since 1970. */
    readonly expires: number;
    readonly pin: string;
  }[];
  readonly reloads: {
    readonly done: number;
    /** Of those: how many had an error. */
    readonly failed: number;
    /** Seconds since 1970; undefined: there was none. */
    readonly last?: number | undefined;
  };
  /** What is wrong now and keeps something from being as the files say; one line each, a limited number of them. */
  readonly problems: readonly string[];
  readonly logLevel: string;
  /** Whether files are watched. */
  readonly watching: boolean;
  /** Octets of resident memory. */
  readonly memory: number;
}
