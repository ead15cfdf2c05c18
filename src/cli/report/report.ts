/** `adotd report`: the results of a trial of DNS over TLS, from one server or several. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import { type Comparison, compareReports } from '../../report/comparison.js';
import { makeReport, type Report, type Span } from '../../report/make-report.js';
import { comparisonCsv, reportCsv } from '../../report/report-csv.js';
import { type ReportData, readData } from '../../report/report-data.js';
import { comparisonHtml, reportHtml } from '../../report/report-html.js';
import { comparisonText, reportText } from '../../report/report-text.js';
import { Exit, type Options, parse, UsageError, type Verb } from '../arguments.js';
import { socketOf } from '../ctl/find-socket.js';
import { controlClient } from '../ctl-client.js';

const OPTIONS = {
  since: { type: 'string' },
  until: { type: 'string' },
  from: { type: 'string', multiple: true },
  format: { type: 'string', default: 'text' },
  compare: { type: 'string' },
  config: { type: 'string' },
} as const satisfies Options;

/** Milliseconds for which a server may send nothing. */
const ANSWER_TIME = 10_000;
const DAY = 86_400;
/** Seconds of the units of `--since`. */
const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800 };

interface Format {
  report(report: Report): string;
  comparison(comparison: Comparison): string;
}

const json = (value: Report | Comparison): string => `${JSON.stringify(value, undefined, 1)}\n`;
/** By the name of the format. */
const FORMATS: Readonly<Record<string, Format>> = {
  text: { report: reportText, comparison: comparisonText },
  csv: { report: reportCsv, comparison: comparisonCsv },
  html: { report: reportHtml, comparison: comparisonHtml },
  json: { report: json, comparison: json },
};

export const report: Verb = {
  help: `usage: adotd report [--since TIME] [--until TIME] [--from SOURCE]... [--format FORMAT] [--config FILE]
       adotd report --compare BEFORE..AFTER [--from SOURCE]... [--format FORMAT] [--config FILE]

Shows what a trial of DNS over TLS has brought: how much of the queries each transport carried, at which cost, the sessions
and handshakes, and how many clients there were. docs/trial.md says what each figure means, and how exact it is. Exit
status 0, or 1 if a source cannot be read.

  --since TIME     from then on: 90m, 12h, 7d, 2w ago, or a time such as 2026-11-30 or 2026-11-30T12:00Z (default 7d)
  --until TIME     until then (default now)
  --from SOURCE    the control socket of a server, the address of its metrics (http://HOST:PORT), or a file with a report in
                   JSON (default: the socket that adotd ctl finds). Given several times, all are put together.
  --format FORMAT  text (default); json, which can be a source again; csv, a line for each minute or hour; html, one page that needs
                   nothing else
  --compare BEFORE..AFTER   two times beside each other. Each is a day such as 2026-11-30, two moments such as 14d/7d or
                   2026-11-01/2026-11-08, or a file with a report in JSON
  --config FILE    configuration that names the control socket

Counts of up to 48 hours come by the minute, those of a longer time by the hour.
`,
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parse('report', words, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`adotd report: unexpected ${positionals[0]}`);
    const format = Object.hasOwn(FORMATS, values.format) ? FORMATS[values.format] : undefined;
    if (format === undefined)
      throw new UsageError(
        `adotd report: --format: found ${values.format}, expected one of ${Object.keys(FORMATS).join(', ')}`,
      );
    const now = Date.now() / 1000;
    const sourcesOf = async ({ from }: Pick<Span, 'from'>): Promise<readonly ReportData[]> => {
      const sources = values.from ?? [await socketOf(undefined, values.config)];
      return (await Promise.all(sources.map((source) => dataFrom(source, from)))).flat();
    };
    if (values.compare !== undefined) {
      if (values.since !== undefined || values.until !== undefined)
        throw new UsageError('adotd report: --compare names its times itself: leave --since and --until out');
      const [before, after] = await comparedReports(values.compare, now, sourcesOf);
      process.stdout.write(format.comparison(compareReports(before, after)));
      return Exit.OK;
    }
    const span = {
      from: momentOf('since', values.since ?? '7d', now),
      to: momentOf('until', values.until ?? '0m', now),
    };
    if (span.from >= span.to) throw new UsageError('adotd report: --since is not before --until');
    process.stdout.write(format.report(makeReport(await sourcesOf(span), span)));
    return Exit.OK;
  },
};

/** Seconds since 1970. Throws UsageError. */
function momentOf(option: string, text: string, now: number): number {
  const [, count = '', unit = ''] = /^([0-9]{1,6})([mhdw])$/.exec(text) ?? [];
  if (unit !== '') return now - Number(count) * (UNITS[unit] ?? 0);
  const isTime = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{5,8}(Z|[+-][0-9]{2}:[0-9]{2}))?$/.test(text);
  const seconds = isTime ? Date.parse(text) / 1000 : Number.NaN;
  if (!Number.isNaN(seconds)) return seconds;
  throw new UsageError(`adotd report: --${option}: found ${text}, expected a time such as 7d, 12h or 2026-11-30`);
}

/** The reports of both sides of `--compare`. Throws UsageError, and the errors of reading. */
async function comparedReports(
  text: string,
  now: number,
  sourcesOf: (span: Span) => Promise<readonly ReportData[]>,
): Promise<readonly [before: Report, after: Report]> {
  // Two dots of a path, as in ../before.json, stand at its beginning or behind a slash.
  const [, before = '', after = ''] = /^(.*?[^/.])\.\.(.+)$/.exec(text) ?? [];
  const sides = [before, after].map((side) => sideOf(side, now));
  const spans = sides.filter((side) => typeof side !== 'string');
  const data = spans.length === 0 ? [] : await sourcesOf({ from: Math.min(...spans.map(({ from }) => from)), to: now });
  const [one, other] = sides.map((side) => {
    if (typeof side !== 'string') return makeReport(data, side);
    const { sources, from, to } = readFile(side);
    return makeReport(sources, { from, to });
  });
  return [one!, other!];
}

/** A time, or the name of a file. */
function sideOf(text: string, now: number): Span | string {
  if (text !== '' && existsSync(text)) return text;
  const [first = '', second, ...more] = text.split('/');
  const isDay = second === undefined && /^[0-9-]{10}$/.test(first);
  if (more.length > 0 || (second === undefined && !isDay))
    throw new UsageError(
      `adotd report: --compare: found ${text || 'nothing'}, expected a file, a day such as 2026-11-30, or two moments such as 14d/7d, on each side of ..`,
    );
  const from = momentOf('compare', first, now);
  const to = second === undefined ? from + DAY : momentOf('compare', second, now);
  if (from >= to) throw new UsageError(`adotd report: --compare: ${first} is not before ${second}`);
  return { from, to };
}

/** Reads the data of a source from a time on, in seconds since 1970. */
async function dataFrom(source: string, from: number): Promise<readonly ReportData[]> {
  const path = `/report?since=${Math.max(0, Math.floor(from))}`;
  if (/^https?:\/\//.test(source)) return readData(await fetched(new URL(path, source)), source).sources;
  if (!existsSync(source) || statSync(source).isSocket()) {
    const data = await controlClient(source, ANSWER_TIME).json('GET', path);
    return readData(JSON.stringify(data), source).sources;
  }
  return readFile(source).sources;
}

function readFile(source: string): ReturnType<typeof readData> {
  try {
    return readData(readFileSync(source, 'utf8'), source);
  } catch (error) {
    if (error instanceof AdotdError) throw error;
    throw new AdotdError(ErrorCode.FILE, `${source}: ${systemReason(error)}`, { cause: error });
  }
}

async function fetched(url: URL): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIME) });
    if (response.ok) return await response.text();
    throw new AdotdError(ErrorCode.CONTROL, `${url}: the server refused with status ${response.status}`);
  } catch (error) {
    if (error instanceof AdotdError) throw error;
    throw new AdotdError(ErrorCode.CONTROL, `${url}: ${systemReason(error)}`, { cause: error });
  }
}
