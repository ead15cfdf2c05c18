/**
 * Evidence as JSON. A server hands it out, and a report in JSON carries it along: so reports can be made of it again, and of the evidence
 * of several servers.
 */
import * as z from 'zod/mini';
import { AdotdError, ErrorCode } from '../errors.js';
import { type ClientDay, decodeClientDay, encodeClientDay } from './client-day.js';
import type { History } from './history.js';
import { idOf, nameOf } from './measures.js';
import type { Row } from './row.js';

/** Rows that are read of one kind: far more than a server keeps. */
const MAX_ROWS = 100_000;
const number = z.int().check(z.gte(0));

const rowSchema = z.object({ at: number, seconds: number.check(z.gte(1)), cells: z.record(z.string(), number) });

/** The evidence of one server. */
export const dataSchema = z.object({
  adotd_evidence: z.literal(1),
  server: z.string().check(z.maxLength(255)),
  /** Whether it outlives a restart. */
  stored: z.boolean(),
  minutes: z.array(rowSchema).check(z.maxLength(MAX_ROWS)),
  hours: z.array(rowSchema).check(z.maxLength(MAX_ROWS)),
  /** The sketches of days, in base64. */
  days: z.array(z.string()).check(z.maxLength(1000)),
});

const reportSchema = z.object({ adotd_report: z.literal(1), from: number, to: number, sources: z.array(dataSchema) });

export type ReportData = z.output<typeof dataSchema>;
type JsonRow = z.output<typeof rowSchema>;

/** The evidence from `since` on, seconds since 1970. */
export function dataOf(history: History, server: string, stored: boolean, since = 0): ReportData {
  const rows = (all: readonly Row[]): JsonRow[] => all.filter(({ at, seconds }) => at + seconds > since).map(named);
  return {
    adotd_evidence: 1,
    server,
    stored,
    minutes: rows(history.minutes),
    hours: rows(history.hours),
    days: history.days
      .filter(({ day }) => (day + 1) * 86_400 > since)
      .map((day) => Buffer.from(encodeClientDay(day)).toString('base64')),
  };
}

/** The evidence in a text, and its time. */
interface ReadData {
  readonly sources: readonly ReportData[];
  /** Seconds since 1970; those of a report in JSON, or of the rows. */
  readonly from: number;
  readonly to: number;
}

/** Reads the evidence of one server, or a report of several. Throws ADOTD_FILE; `where` is for the message. */
export function readData(text: string, where: string): ReadData {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AdotdError(ErrorCode.FILE, `${where}: found no JSON, expected what adotd report --format json writes`);
  }
  const report = reportSchema.safeParse(value);
  if (report.success) return report.data;
  const data = dataSchema.safeParse(value);
  if (data.success) return { sources: [data.data], ...timeOf(data.data) };
  const [issue] = data.error.issues;
  const place = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
  throw new AdotdError(ErrorCode.FILE, `${where}: found no evidence of adotd report${place}`);
}

function timeOf({ minutes, hours }: ReportData): { from: number; to: number } {
  const rows = [...minutes, ...hours];
  if (rows.length === 0) return { from: 0, to: 0 };
  return {
    from: rows.reduce((first, { at }) => Math.min(first, at), Number.MAX_SAFE_INTEGER),
    to: rows.reduce((last, { at, seconds }) => Math.max(last, at + seconds), 0),
  };
}

/** The numbers of a row by id; those whose names this version does not know are left out. */
export function cellsOf({ cells }: JsonRow): Map<number, number> {
  return new Map(
    Object.entries(cells).flatMap(([name, value]) => {
      const id = idOf(name);
      return id === undefined ? [] : [[id, value] as const];
    }),
  );
}

export function daysOf({ days }: ReportData): ClientDay[] {
  return days.flatMap((text) => decodeClientDay(Buffer.from(text, 'base64')) ?? []);
}

function named({ at, seconds, cells }: Row): JsonRow {
  const entries = [...cells].flatMap(([id, value]) => {
    const name = nameOf(id);
    return name === undefined ? [] : [[name, value] as const];
  });
  return { at, seconds, cells: Object.fromEntries(entries) };
}
