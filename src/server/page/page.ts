/**
 * The page at `/` of the metrics listener, and its requests: for a stream of events once a second, the table of zones, recorded windows,
 * and reports to save. It changes nothing, loads nothing from elsewhere, and its addresses are relative, so that a proxy may put it below
 * any path.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Overview, type ShownEvent, WINDOWS, ZONE_ORDERS, type ZoneOrder } from '../../page/contract.js';
import { makeReport, type Report } from '../../report/make-report.js';
import type { ReportData } from '../../report/report-data.js';
import { systemClock, wallTime } from '../../session/clock.js';
import { pathOf } from '../process/request-target.js';
import type { Server } from '../server.js';
import { FILE_PATHS, PageFiles } from './page-files.js';
import { isKnownHost } from './page-host.js';
import { RecordedWindows } from './recorded-window.js';
import { Watchers } from './watchers.js';
import { ZoneTable } from './zone-table.js';

export interface PageParts {
  /** The folder of its files. */
  readonly folder: URL;
  overview(): Overview;
  /** undefined: it starts. */
  server(): Server | undefined;
  /** Lines of the log behind the one with this number. */
  events(after: number): readonly ShownEvent[];
  /** The records since a moment, seconds since 1970; undefined: nothing is recorded. */
  report(since: number): ReportData | undefined;
  /** Names that lead here, in lower case. */
  readonly hosts: ReadonlySet<string>;
}

export interface Page {
  /** Whether a path is one of the page's. */
  has(path: string): boolean;
  /** Answers GET or HEAD of a path that it has. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): void;
}

/** Nothing from elsewhere, no code in the page itself, no form, not within another page, no text that becomes code or HTML. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Cache-Control': 'no-store',
};
/** Of a report that is saved: its style stands in it. */
const REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
/** Ninety days: all that is kept. */
const LONGEST = 7_776_000;

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export function createPage(parts: PageParts): Page {
  const files = new PageFiles(parts.folder);
  const watchers = new Watchers({ overview: parts.overview, events: parts.events, clock: systemClock });
  const zones = new ZoneTable(parts.server, wallTime);
  const windows = new RecordedWindows({ report: parts.report, now: wallTime });
  const paths = new Map<string, Handler>([
    ['/page/events', (request, response) => watchers.answer(request, response, HEADERS)],
    ['/page/zones', async (request, response) => sendJson(request, response, await zones.page(zoneRequest(request)))],
    ['/page/recorded', (request, response) => sendJson(request, response, windows.window(secondsOf(request)))],
    ...Object.keys(FORMATS).map((format): [string, Handler] => [
      `/page/report.${format}`,
      (request, response) => sendReport(request, response, format, parts),
    ]),
  ]);
  return {
    has: (path) => FILE_PATHS.includes(path) || paths.has(path),
    async answer(request, response) {
      const path = pathOf(request.url ?? '');
      const refusal = refusalOf(request, parts.hosts);
      const file = files.get(path);
      if (refusal !== undefined) send(request, response, 403, 'text/plain; charset=utf-8', Buffer.from(refusal));
      else if (file !== undefined) send(request, response, 200, file.type, file.octets);
      else await paths.get(path)?.(request, response);
    },
    close: () => watchers.close(),
  };
}

/** Why a request is not answered; undefined: it is. */
function refusalOf({ headers }: IncomingMessage, hosts: ReadonlySet<string>): string | undefined {
  if (!isKnownHost(headers.host, hosts))
    return 'this name is not known to lead here: use an address or localhost, or list the name in metrics.hosts\n';
  // Another site's page; a person who follows a link is none.
  const isForeign = headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate';
  return isForeign ? 'not for the pages of other sites\n' : undefined;
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  return new URLSearchParams(url.split('?')[1]);
}

function secondsOf(request: IncomingMessage): number {
  return Number(queryOf(request).get('seconds') ?? WINDOWS[0]);
}

function zoneRequest(request: IncomingMessage) {
  const query = queryOf(request);
  const first = Number(query.get('first') ?? 0);
  const order = query.get('order') as ZoneOrder;
  return {
    filter: query.get('filter') ?? '',
    order: ZONE_ORDERS.includes(order) ? order : 'name',
    first: Number.isSafeInteger(first) && first >= 0 ? first : 0,
  };
}

/** undefined: there is nothing of that. */
function sendJson(request: IncomingMessage, response: ServerResponse, value: unknown): void {
  if (value === undefined)
    send(request, response, 404, 'text/plain; charset=utf-8', Buffer.from('nothing is recorded of that\n'));
  else send(request, response, 200, 'application/json', Buffer.from(JSON.stringify(value)));
}

interface Format {
  readonly type: string;
  text(report: Report): Promise<string>;
}

/** By the end of the file's name. They are loaded when somebody wants them. */
const FORMATS: Readonly<Record<string, Format>> = {
  html: {
    type: 'text/html; charset=utf-8',
    text: async (report) => (await import('../../report/report-html.js')).reportHtml(report),
  },
  csv: {
    type: 'text/csv; charset=utf-8',
    text: async (report) => (await import('../../report/report-csv.js')).reportCsv(report),
  },
  txt: {
    type: 'text/plain; charset=utf-8',
    text: async (report) => (await import('../../report/report-text.js')).reportText(report),
  },
  json: { type: 'application/json', text: async (report) => `${JSON.stringify(report, undefined, 1)}\n` },
};

async function sendReport(
  request: IncomingMessage,
  response: ServerResponse,
  format: string,
  { report }: PageParts,
): Promise<void> {
  const seconds = secondsOf(request);
  const to = wallTime() / 1000;
  const isKnown = Number.isSafeInteger(seconds) && seconds >= 60 && seconds <= LONGEST;
  const data = isKnown ? report(Math.floor(to - seconds)) : undefined;
  if (data === undefined) {
    sendJson(request, response, undefined);
    return;
  }
  const { type, text } = FORMATS[format]!;
  const body = Buffer.from(await text(makeReport([data], { from: to - seconds, to })));
  const day = new Date(to * 1000).toISOString().slice(0, 10);
  send(request, response, 200, type, body, {
    'Content-Security-Policy': REPORT_POLICY,
    'Content-Disposition': `attachment; filename="adotd-${day}.${format}"`,
  });
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  // The connections of the listener are few: one that is done with makes room.
  response.writeHead(status, {
    ...HEADERS,
    'Content-Type': type,
    'Content-Length': body.length,
    Connection: 'close',
    ...headers,
  });
  request.resume();
  response.end(request.method === 'HEAD' ? undefined : body);
}
