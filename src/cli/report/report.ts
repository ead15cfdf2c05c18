/** `adotd report`: what a trial of DNS over TLS has shown, from one server or several. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import { makeReport, type Report, type Span } from '../../report/make-report.js';
import { reportCsv } from '../../report/report-csv.js';
import { type ReportData, readData } from '../../report/report-data.js';
import { reportHtml } from '../../report/report-html.js';
import { reportText } from '../../report/report-text.js';
import { Exit, type Options, parse, UsageError, type Verb } from '../arguments.js';
import { socketOf } from '../ctl/find-socket.js';
import { controlClient } from '../ctl-client.js';

const OPTIONS = {
  since: { type: 'string', default: '7d' },
  until: { type: 'string' },
  from: { type: 'string', multiple: true },
  format: { type: 'string', default: 'text' },
  config: { type: 'string' },
} as const satisfies Options;

/** Milliseconds for which a server may send nothing. */
const ANSWER_TIME = 10_000;
/** Seconds of the units of `--since`. */
const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800 };

/** By the name of the format. */
const FORMATS: Readonly<Record<string, (report: Report) => string>> = {
  text: reportText,
  csv: reportCsv,
  html: reportHtml,
  json: (report) => `${JSON.stringify(report, undefined, 1)}\n`,
};

export const report: Verb = {
  help: `usage: adotd report [--since TIME] [--until TIME] [--from SOURCE]... [--format FORMAT] [--config FILE]

Shows what a trial of DNS over TLS has brought: how much of the queries each transport carried, at which cost, the sessions
and handshakes, and how many clients there were. docs/trial.md says what each figure means, and how exact it is. Exit
status 0, or 1 if a source cannot be read.

  --since TIME     from then on: 90m, 12h, 7d, 2w ago, or a time such as 2026-11-30 or 2026-11-30T12:00Z (default 7d)
  --until TIME     until then (default now)
  --from SOURCE    the control socket of a server, the address of its metrics (http://HOST:PORT), or a file with a report in
                   JSON (default: the socket that adotd ctl finds). Given several times, all are put together.
  --format FORMAT  text (default); json, which can be a source again; csv, a line for each minute or hour; html, one page that needs
                   nothing else
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
    const span = { from: momentOf('since', values.since, now), to: momentOf('until', values.until ?? '0m', now) };
    if (span.from >= span.to) throw new UsageError('adotd report: --since is not before --until');
    const sources = values.from ?? [await socketOf(undefined, values.config)];
    const data = (await Promise.all(sources.map((source) => dataFrom(source, span)))).flat();
    process.stdout.write(format(makeReport(data, span)));
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

/** What a source knows of a time. */
async function dataFrom(source: string, { from }: Span): Promise<readonly ReportData[]> {
  const path = `/report?since=${Math.max(0, Math.floor(from))}`;
  if (/^https?:\/\//.test(source)) return readData(await fetched(new URL(path, source)), source);
  if (!existsSync(source) || statSync(source).isSocket()) {
    const data = await controlClient(source, ANSWER_TIME).json('GET', path);
    return readData(JSON.stringify(data), source);
  }
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
