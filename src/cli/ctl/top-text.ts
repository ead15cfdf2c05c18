/** The screen of `adotd ctl top`, as lines of text. */
import { type Overview, type Point, PointColumn, type RunningOverview, type TopView } from '../../page/contract.js';
import {
  countedText,
  countText,
  microsecondsText,
  numberText,
  octetsText,
  rateText,
  shareText,
  shortTimeText,
} from '../../page/format.js';
import { rateNow } from '../../page/points.js';
import { stateWords } from '../../page/state-words.js';

/** Seconds over which a rate is a mean. */
const NOW = 5;
/** Problems that are shown. */
const MOST_PROBLEMS = 5;
/** Control characters, and those that change the direction of a text: a terminal would obey them. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const TRANSPORTS = [
  ['udp', PointColumn.UDP],
  ['tcp', PointColumn.TCP],
  ['starttls', PointColumn.STARTTLS],
  ['tls', PointColumn.TLS],
] as const;
const OPEN: Readonly<Record<string, number>> = {
  tcp: PointColumn.OPEN_TCP,
  starttls: PointColumn.OPEN_STARTTLS,
  tls: PointColumn.OPEN_TLS,
};

interface Screen {
  /** Columns; lines that are longer are cut. */
  readonly width: number;
  /** Lines; the events have the rest. */
  readonly height: number;
  /** Whether lines may be bold or coloured. */
  readonly isColoured: boolean;
}

/** `before`: the overviews before this one, oldest first: rates are made of them. */
export function topLines({ overview, events }: TopView, before: readonly Overview[], screen: Screen): string[] {
  const { word, parts, level } = stateWords(overview);
  const time = new Date(overview.at).toTimeString().slice(0, 8);
  const painted = paint(screen.isColoured);
  const lines = [
    painted('bold', cut(`${overview.server}  adotd ${overview.version}  ${time}`, screen.width)),
    painted(level, cut(`${word}: ${parts.join(', ')}`, screen.width)),
    ...(overview.state === 'starting' ? [] : runningLines(overview, before, screen)),
  ];
  const left = Math.max(0, screen.height - lines.length - 2);
  const last = left === 0 ? [] : events.slice(-left);
  const shown = last.map(({ at, level: loud, text }) => {
    const line = cut(
      `${new Date(at).toTimeString().slice(0, 8)} ${loud === 'info' ? '' : `${loud}: `}${text}`,
      screen.width,
    );
    return loud === 'info' ? line : painted(loud === 'error' ? 'critical' : 'warning', line);
  });
  return shown.length === 0 ? lines : [...lines, '', painted('bold', 'events'), ...shown];
}

function runningLines(overview: RunningOverview, before: readonly Overview[], { width, isColoured }: Screen): string[] {
  const earlier = before.filter((one) => one.state !== 'starting');
  const points = [...earlier.map(({ point }) => point), overview.point];
  const { problems, figures, memory, sessions } = overview;
  const painted = paint(isColoured);
  const more =
    problems.length > MOST_PROBLEMS ? [`and ${countedText(problems.length - MOST_PROBLEMS, 'more problem')}`] : [];
  const tables = [
    ...table(transportRows(figures, points)),
    '',
    ...table(sessionRows(figures, overview.point)),
    '',
    ...table(handshakeRows(figures)),
  ];
  const cpu = cpuText(overview, earlier.at(-1));
  return [
    ...[...problems.slice(0, MOST_PROBLEMS), ...more].map((text) => painted('critical', cut(`! ${text}`, width))),
    '',
    ...tables.map((line) => (line === line.toLowerCase() ? cut(line, width) : painted('bold', cut(line, width)))),
    '',
    cut(
      `CPU ${cpu}; memory ${octetsText(memory)}; connections ${countText(sessions.open)} of ${countText(sessions.limit)}`,
      width,
    ),
  ];
}

type Figures = RunningOverview['figures'];

function transportRows({ transports }: Figures, points: readonly Point[]): string[][] {
  return [
    ['TRANSPORT', 'NOW', 'QUERIES', 'SHARE', 'TRUNCATED', 'CPU/QUERY', 'WITH HANDSHAKES'],
    ...TRANSPORTS.map(([name, column]) => {
      const one = transports[name];
      return [
        name,
        rateText(rateNow(points, column, NOW)),
        countText(one?.queries ?? 0),
        shareText(one?.share ?? 0),
        countText(one?.truncated ?? 0),
        microsecondsText(one?.cpu_per_query ?? null),
        microsecondsText(one?.cpu_per_query_with_handshakes ?? null),
      ];
    }),
  ];
}

function sessionRows({ paths }: Figures, point: Point): string[][] {
  const sum = (counts: Readonly<Record<string, number>>): string =>
    countText(Object.values(counts).reduce((all, count) => all + count, 0));
  return [
    ['SESSIONS', 'OPEN', 'OPENED', 'LENGTH', 'QUERIES EACH', 'ENDED BY CLIENT', 'BY SERVER'],
    ...Object.entries(paths).map(([name, path]) => [
      name,
      countText(point[OPEN[name] ?? -1] ?? 0),
      countText(path.opened),
      shortTimeText(path.seconds_per_session),
      path.queries_per_session === null ? '–' : numberText(path.queries_per_session),
      sum(path.closed_by_client),
      sum(path.closed_by_server),
    ]),
  ];
}

function handshakeRows({ handshakes }: Figures): string[][] {
  return [
    ['HANDSHAKES', 'FULL', 'RESUMED', 'FAILED', 'TIME'],
    ...Object.entries(handshakes).map(([name, { full, resumed, failed, mean_seconds: mean }]) => [
      name,
      countText(full),
      countText(resumed),
      countText(failed),
      shortTimeText(mean),
    ]),
  ];
}

/** `udp 34 %, stream 20 %` of a core, since the overview before. */
function cpuText({ at, figures }: RunningOverview, before: RunningOverview | undefined): string {
  const names = Object.keys(figures.cpu);
  const seconds = before === undefined ? 0 : (at - before.at) / 1000;
  if (before === undefined || seconds <= 0) return names.map((name) => `${name} –`).join(', ');
  const shares = names.map((name) => {
    const used = Math.max(0, (figures.cpu[name] ?? 0) - (before.figures.cpu[name] ?? 0));
    return `${name} ${shareText(Number((used / seconds).toFixed(3)))}`;
  });
  return shares.join(', ');
}

/** Columns as wide as their longest cell; all but the first are aligned to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
}

/** One line that a terminal shows as it is. */
function cut(text: string, width: number): string {
  const safe = text.replace(UNSAFE, '?');
  return safe.length > width ? `${safe.slice(0, Math.max(0, width - 1))}…` : safe;
}

const SEQUENCES = { bold: '1', ok: '32', warning: '33', critical: '31' } as const;

function paint(isColoured: boolean) {
  return (look: keyof typeof SEQUENCES, text: string): string =>
    isColoured ? `\x1b[${SEQUENCES[look]}m${text}\x1b[0m` : text;
}
