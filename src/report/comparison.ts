/** Two reports beside each other: the changes from one time to another. */
import type { Figures } from './figures.js';
import type { Report, Span } from './make-report.js';
import { type Table, timeText } from './report-tables.js';
import { percent } from './report-words.js';

export interface Comparison {
  readonly adotd_comparison: 1;
  readonly before: Span;
  readonly after: Span;
  readonly words: string;
  readonly rows: readonly ComparedFigure[];
}

interface ComparedFigure {
  readonly name: string;
  /** Such as `µs`; `share`: from 0 to 1; empty: a number. */
  readonly unit: string;
  /** null: it is not known. */
  readonly before: number | null;
  readonly after: number | null;
  /** after / before - 1; null where that has no meaning. */
  readonly change: number | null;
}

const MIB = 1_048_576;
const INSIDE = ['starttls', 'tls'];
const IN_CLEAR = ['udp', 'tcp'];

type Read = (report: Report) => number | null;

const SHARE = 'share';

const ROWS: readonly (readonly [name: string, unit: string, read: Read])[] = [
  ['queries', '/s', ({ figures, from, to }) => share(figures.queries, to - from)],
  ...['tcp', 'starttls', 'tls'].map((name): readonly [string, string, Read] => [
    `share of queries: ${name}`,
    SHARE,
    (report) => transport(report, name).share,
  ]),
  ...[...IN_CLEAR, ...INSIDE].map((name): readonly [string, string, Read] => [
    `CPU a query: ${name}`,
    'µs',
    (report) => transport(report, name).cpu_per_query_with_handshakes,
  ]),
  ['CPU a handshake', 'µs', ({ figures }) => figures.cpu_per_handshake],
  ...['udp', 'tls'].map((name): readonly [string, string, Read] => [
    `octets an answer: ${name}`,
    '',
    (report) => share(transport(report, name).octets_out, transport(report, name).queries),
  ]),
  [
    'octets sent a query inside TLS',
    '',
    ({ figures }) => share(figures.paths.tls!.octets_out, figures.transports.tls!.queries),
  ],
  ['SERVFAIL in the clear', SHARE, ({ figures }) => failedShare(figures, IN_CLEAR)],
  ['SERVFAIL inside TLS', SHARE, ({ figures }) => failedShare(figures, INSIDE)],
  ['TC over UDP', SHARE, (report) => share(transport(report, 'udp').truncated, transport(report, 'udp').queries)],
  [
    'TC that was not retried',
    SHARE,
    ({ figures: { following } }) => share(following.truncation.not_retried, following.truncation.answers),
  ],
  [
    'answers that differ by transport',
    SHARE,
    ({ figures }) => share(sum(figures, 'different'), sum(figures, 'compared')),
  ],
  ['handshakes that failed', SHARE, ({ figures }) => share(handshakes(figures, ['failed']), handshakes(figures))],
  [
    'handshakes that resumed',
    SHARE,
    ({ figures }) => share(handshakes(figures, ['resumed']), handshakes(figures, ['full', 'resumed'])),
  ],
  ['queries a session of TLS', '', ({ figures }) => figures.paths.tls!.queries_per_session],
  ['round trip of TLS', 'ms', ({ figures }) => milliseconds(figures.paths.tls!.mean_round_trip)],
  ['first answer of TLS', 'ms', ({ figures }) => milliseconds(figures.paths.tls!.mean_first_answer)],
  [
    'clients a day',
    '',
    ({ clients }) =>
      share(
        clients.reduce((all, day) => all + day.all, 0),
        clients.length,
      ),
  ],
  [
    'clients a day inside TLS',
    '',
    ({ clients }) =>
      share(
        clients.reduce((all, day) => all + day.inside, 0),
        clients.length,
      ),
  ],
  [
    'clients of TLS that came back',
    SHARE,
    ({ figures: { following } }) => share(following.came_back_to_tls, following.tried_tls),
  ],
  ['memory', 'MiB', ({ figures }) => (figures.memory === 0 ? null : figures.memory / MIB)],
];

export function compareReports(before: Report, after: Report): Comparison {
  const rows = ROWS.map(([name, unit, read]) => {
    const [one, other] = [read(before), read(after)];
    const change = one === null || other === null || one === 0 ? null : other / one - 1;
    return { name, unit, before: one, after: other, change };
  });
  return {
    adotd_comparison: 1,
    before: { from: before.from, to: before.to },
    after: { from: after.from, to: after.to },
    words: wordsOf(before, after),
    rows,
  };
}

/** The table of a comparison, in its order. Figures that are known of neither time are left out. */
export function comparisonTable({ rows }: Comparison): Table {
  const known = rows.filter(({ before, after }) => before !== null || after !== null);
  return {
    title: 'Before and after',
    head: ['figure', 'before', 'after', 'change'],
    rows: known.map(({ name, unit, before, after, change }) => [
      unit === '' || unit === SHARE ? name : `${name}, ${unit}`,
      valueText(before, unit),
      valueText(after, unit),
      change === null ? '' : `${change < 0 ? '-' : change > 0 ? '+' : ''}${percent(Math.abs(change))}`,
    ]),
    isLastText: false,
  };
}

/** `before: 2026-11-01T00:00Z to …`, a line each. */
export function comparedTimes({ before, after }: Comparison): string[] {
  const line = (name: string, { from, to }: Span): string => `${name}: ${timeText(from)} to ${timeText(to)}`;
  return [line('before', before), line('after', after)];
}

function wordsOf(before: Report, after: Report): string {
  const inside = ({ figures }: Report): string =>
    percentOf(
      share(
        INSIDE.reduce((all, name) => all + figures.transports[name]!.queries, 0),
        figures.queries,
      ),
    );
  const failed = ({ figures }: Report, names: readonly string[]): string => percentOf(failedShare(figures, names));
  return [
    `TLS carried ${inside(before)} of all queries before, and ${inside(after)} after.`,
    `SERVFAIL was the answer to ${failed(before, IN_CLEAR)} of the queries in the clear before, and to ${failed(after, IN_CLEAR)} after;`,
    `inside TLS to ${failed(before, INSIDE)} and ${failed(after, INSIDE)}.`,
  ].join(' ');
}

function percentOf(value: number | null): string {
  return value === null ? 'nothing' : percent(value);
}

function transport({ figures }: Report, name: string): Figures['transports'][string] {
  return figures.transports[name]!;
}

function sum({ transports }: Figures, key: 'compared' | 'different'): number {
  return Object.values(transports).reduce((all, one) => all + one[key], 0);
}

function failedShare({ transports }: Figures, names: readonly string[]): number | null {
  const all = (read: (name: string) => number): number => names.reduce((count, name) => count + read(name), 0);
  return share(
    all((name) => transports[name]!.answers.failed ?? 0),
    all((name) => transports[name]!.queries),
  );
}

function handshakes(
  { handshakes: paths }: Figures,
  kinds: readonly ('full' | 'resumed' | 'failed')[] = ['full', 'resumed', 'failed'],
): number {
  return Object.values(paths).reduce((all, path) => all + kinds.reduce((count, kind) => count + path[kind], 0), 0);
}

function share(part: number, all: number): number | null {
  return all === 0 ? null : part / all;
}

function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}

function valueText(value: number | null, unit: string): string {
  if (value === null) return '';
  if (unit === SHARE) return percent(value);
  return value >= 100 ? String(Math.round(value)) : value === 0 ? '0' : value.toPrecision(3);
}
