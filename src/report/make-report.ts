/** A report: the evidence of servers for a time, as figures and as words. */
import { type Cells, ofFamilies } from './cell-reading.js';
import { type ClientsOfDay, clientsByDay } from './clients-by-day.js';
import { type Figures, figuresOf } from './figures.js';
import { BLOCKS, TRANSPORT_NAMES } from './measures.js';
import { cellsOf, daysOf, type ReportData } from './report-data.js';
import { reportWords } from './report-words.js';
import { mergeCells } from './row.js';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
/** Seconds up to which a report is made of minutes, where there are any; a longer one of hours. */
const BY_MINUTES = 48 * 3600;

/** A point of the plots: a period of all servers. */
interface Point {
  readonly at: number;
  readonly seconds: number;
  /** Queries by transport. */
  readonly queries: Readonly<Record<string, number>>;
}

export interface Report {
  readonly adotd_report: 1;
  /** Seconds since 1970: the first and the last moment that rows tell of. */
  readonly from: number;
  readonly to: number;
  /** Seconds of a row. */
  readonly step: number;
  readonly words: string;
  readonly figures: Figures;
  readonly clients: readonly ClientsOfDay[];
  readonly points: readonly Point[];
  readonly sources: readonly ReportData[];
}

/** A time: seconds since 1970, from the first to before the last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The report of a time. Rows that lie in it by half count as a whole. */
export function makeReport(sources: readonly ReportData[], { from, to }: Span): Report {
  const isShort = to - from <= BY_MINUTES && !sources.some((source) => lacksMinutes(source, { from, to }));
  const step = isShort ? MINUTE : HOUR;
  const byTime = cellsByTime(sources, { from, to }, step);
  const times = [...byTime.keys()];
  const figures = figuresOf([...byTime.values()].reduce(mergeCells, new Map()));
  const days = sources.flatMap(daysOf).filter(({ day }) => (day + 1) * DAY > from && day * DAY < to);
  const clients = clientsByDay(days);
  return {
    adotd_report: 1,
    from: times[0] ?? from,
    to: times.length > 0 ? times.at(-1)! + step : to,
    step,
    words: reportWords(figures, clients),
    figures,
    clients,
    points: [...byTime].map(([at, one]) => ({ at, seconds: step, queries: queriesOf(one) })),
    sources,
  };
}

/** Whether a server has hours of this time of which it keeps no minutes any more. */
function lacksMinutes({ minutes, hours }: ReportData, span: Span): boolean {
  const first = minutes.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
  return hours.some((row) => isWithin(row, span) && row.at + row.seconds <= first);
}

function isWithin({ at, seconds }: { readonly at: number; readonly seconds: number }, { from, to }: Span): boolean {
  return at + seconds > from && at < to;
}

/** The numbers of all sources together, minute by minute or hour by hour, in the order of time. */
export function cellsByTime(
  sources: readonly ReportData[],
  { from, to }: Span,
  step: number,
): Map<number, Map<number, number>> {
  const byTime = new Map<number, Map<number, number>>();
  for (const row of sources.flatMap(({ minutes, hours }) => (step === MINUTE ? minutes : hours))) {
    if (!isWithin(row, { from, to })) continue;
    byTime.set(row.at, mergeCells(byTime.get(row.at) ?? new Map(), cellsOf(row)));
  }
  return new Map([...byTime].sort(([a], [b]) => a - b));
}

function queriesOf(cells: Cells): Record<string, number> {
  return Object.fromEntries(TRANSPORT_NAMES.map((name, i) => [name, ofFamilies(cells, BLOCKS.queries, i)]));
}
