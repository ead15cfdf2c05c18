/** The results of `npm run bench -- peers` as they are written to JSON; the tables are made from them alone. */
import type { Likeness } from './likeness.js';
import { median } from './measure.js';

/** One server under one load, once. */
export interface Figure {
  /** Microseconds of the server's CPU per query, and its parts in user mode and in the kernel. */
  readonly cpu: number;
  readonly user: number;
  readonly system: number;
  /** Answers a second. */
  readonly perSecond: number;
  /** Times that one of the server's threads was woken, per query; absent in figures from before it was counted. */
  readonly wakeUps?: number;
  readonly lost: number;
  /** Connections that the server closed too early. */
  readonly reconnections: number;
  /** Mean octets of the answers. */
  readonly octets: number;
  /** Mean queries of a receive call; absent where it is not known. */
  readonly batch?: number;
}

/** One load: by server, a figure for each turn. */
export interface Row {
  readonly title: string;
  readonly figures: Record<string, Figure[]>;
}

/** A server that is not asked anything. */
export interface Idle {
  /** Milliseconds of CPU a second. */
  readonly cpu: number;
  /** Times a second that one of its threads was woken. */
  readonly wakeUps: number;
}

/** Time and memory of a server's start. */
export interface Start {
  /** Seconds until all zones were answered. */
  readonly loading: number;
  /** Octets in memory then; pages that its processes share count once. */
  readonly memory: number;
}

/** Reloads of one server, while it was asked. */
export interface Reload {
  /** Queries asked, and those without an answer. */
  readonly asked: number;
  readonly lost: number;
  /** Answers with another RCODE than NOERROR. */
  readonly wrong: number;
  /** Queries without an answer before the reload: these are lost without one too. */
  readonly lostBefore: number;
  /** Milliseconds of the latest answer: before a reload, and from the signal until the new zone was served. */
  readonly latestBefore: number;
  readonly latest: number;
  /** Milliseconds from the signal until the new zone was served; absent when it never was. */
  readonly took?: number;
}

/** Rows that belong together. */
export interface Section {
  readonly title: string;
  readonly notes: string[];
  /** By load. */
  readonly rows: Record<string, Row>;
  /** Of the answers that were compared before anything was measured. */
  readonly likeness: Likeness[];
}

export interface Results {
  /** ISO 8601. */
  readonly date: string;
  /** The command line. */
  readonly command: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  /** How adotd was started, its configuration, and what threads it said to have. */
  adotd: { readonly command: string; readonly config: string; readonly plane: string };
  readonly turns: number;
  /** Of each load. */
  readonly seconds: number;
  readonly sections: Record<string, Section>;
  /** By world, and by server. */
  readonly starts: Record<string, { readonly title: string; readonly servers: Record<string, Start> }>;
  /** By server, each time. */
  readonly reloads: Record<string, Reload[]>;
  /** By server, a figure for each turn; absent when it was not measured. */
  idle?: Readonly<Record<string, readonly Idle[]>>;
  /** Octets that adotd takes with one small zone. */
  emptyMemory?: number;
  /** Servers that are not installed, that did not start, loads that failed. */
  readonly failures: string[];
  /** Seconds that all took. */
  elapsed: number;
}

/** The median, the least and the greatest value. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** One field of a server's figures; undefined when there are none. */
export function spreadOfField(row: Row | undefined, server: string, field: 'cpu' | 'perSecond'): Spread | undefined {
  const figures = row?.figures[server] ?? [];
  return figures.length === 0 ? undefined : spreadOf(figures.map((figure) => figure[field]));
}

/** adotd's CPU per query as a multiple of a peer's, turn by turn, because a disturbance meets both. */
export function ratioOf(row: Row | undefined, peer: string): Spread | undefined {
  const [own, theirs] = [row?.figures.adotd ?? [], row?.figures[peer] ?? []];
  const turns = Math.min(own.length, theirs.length);
  if (turns === 0) return undefined;
  return spreadOf(
    Array.from({ length: turns }, (_, turn) => (own[turn]?.cpu ?? Number.NaN) / (theirs[turn]?.cpu ?? 0)),
  );
}
