/**
 * The data that the server sends to the page: plain data, as JSON. The server makes it (src/server/page/), the page and `adotd ctl top`
 * show it. Texts in it, such as names of zones and lines of the log, may be chosen by strangers: they are shown as text only.
 */
import type { ClientsOfDay } from '../report/clients-by-day.js';
import type { Figures } from '../report/figures.js';

/**
 * A moment: when it was (milliseconds since 1970, by the clock of the server), then numbers in the order of PointColumn. Queries and
 * handshakes count from the start of the server on, sessions are those that are open.
 */
export type Point = readonly number[];

/** Where each number of a point is. */
export const PointColumn = {
  AT: 0,
  UDP: 1,
  TCP: 2,
  STARTTLS: 3,
  TLS: 4,
  OPEN_TCP: 5,
  OPEN_STARTTLS: 6,
  OPEN_TLS: 7,
  FULL: 8,
  RESUMED: 9,
  FAILED: 10,
} as const;

export interface ShownCertificate {
  readonly file: string;
  readonly names: readonly string[];
  /** Seconds since 1970. */
  readonly begins: number;
  readonly expires: number;
}

/** The facts of a server that are known even before it answers. */
interface ServerBasics {
  /** Milliseconds since 1970: the moment of all these facts. */
  readonly at: number;
  /** Its name. */
  readonly server: string;
  readonly version: string;
  readonly state: 'starting' | 'ready' | 'draining';
  /** Seconds since 1970. */
  readonly since: number;
}

/** The server at a moment. */
export interface RunningOverview extends ServerBasics {
  readonly state: 'ready' | 'draining';
  readonly health: 'ok' | 'warning' | 'critical';
  /** Zones by state, and the records of those that answer. */
  readonly zones: Readonly<Record<'served' | 'failed' | 'kept' | 'waiting' | 'records', number>>;
  readonly certificates: readonly ShownCertificate[];
  /** Milliseconds since 1970: when zones and problems were looked at. Many zones are not looked at each second. */
  readonly zonesAt: number;
  /** A limited number of lines. */
  readonly problems: readonly string[];
  /** Keys of the configuration that wait for a restart. */
  readonly restart: readonly string[];
  readonly reloads: { readonly done: number; readonly failed: number; readonly last?: number | undefined };
  readonly sessions: { readonly open: number; readonly limit: number };
  /** Octets of resident memory. */
  readonly memory: number;
  /** Clients of the last ten to twenty minutes by transport, estimates. */
  readonly clients: Readonly<Record<string, number>>;
  /** Since the start. */
  readonly figures: Figures;
  readonly point: Point;
}

/** `starting`: zones are being loaded, nothing else is known. */
export type Overview = RunningOverview | (ServerBasics & { readonly state: 'starting' });

/** A line of the log. */
export interface ShownEvent {
  /** Counts from 1. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
}

/** The data for `adotd ctl top`. */
export interface TopView {
  readonly overview: Overview;
  /** The last lines of the log, the newest last. */
  readonly events: readonly ShownEvent[];
}

/** Lengths of time, in seconds, that the server can look back over: an hour, a day, a week. */
export const WINDOWS = [3600, 86_400, 604_800] as const;

/** The records of a time. */
export interface RecordedWindow {
  /** Milliseconds since 1970: when it was put together. */
  readonly at: number;
  /** Seconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Seconds of a point. */
  readonly step: number;
  /** Of each period that is over: as a point, but queries and handshakes are those of a second, on average. */
  readonly points: readonly Point[];
  readonly figures: Figures;
  readonly clients: readonly ClientsOfDay[];
  readonly words: string;
}

/** A row of the table of zones. Times are in seconds since 1970. */
export interface ZoneRow {
  readonly name: string;
  readonly state: 'served' | 'kept' | 'failed';
  /** null: it has none. */
  readonly serial: number | null;
  readonly records: number;
  readonly octets: number;
  /** When the first RRset loses its last signature; null without signatures. */
  readonly signaturesExpire: number | null;
  /** Where it comes from, such as `file` or `secondary`. */
  readonly role: string;
  /** How its transfers go, or its signing, in words; '' when there is nothing to say. */
  readonly note: string;
}

/** Part of the table of zones. */
export interface ZonePage {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly all: number;
  /** Those that the filter lets through. */
  readonly matching: number;
  /** Index of the first row among them. */
  readonly first: number;
  readonly rows: readonly ZoneRow[];
}

/** Rows of one part of the table. */
export const ZONES_A_PAGE = 50;
/** The orders of the table. */
export const ZONE_ORDERS = ['name', 'state', 'records', 'signatures'] as const;
export type ZoneOrder = (typeof ZONE_ORDERS)[number];
