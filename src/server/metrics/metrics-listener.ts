/**
 * Metrics and probes over HTTP, for Prometheus and for the manager of the process (systemd, Kubernetes): GET and HEAD of `/metrics`,
 * `/healthz` (the control thread answers), `/readyz` (queries are answered: loading is over, and the server does not drain), and `/report`
 * (for `adotd report --from`). The page at `/` and its parts are answered elsewhere (page/). There is no password and no encryption: every
 * client that reaches the address may read.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import type { Log } from '../../observe/log.js';
import type { MetricsInput } from '../../observe/metrics/metric.js';
import { processFacts } from '../../observe/metrics/process-facts.js';
import { acceptedFormat, CONTENT_TYPES, metricsText } from '../../observe/metrics/prometheus.js';
import type { ServerFacts, ServerState } from '../../observe/metrics/server-facts.js';
import type { ReportData } from '../../report/report-data.js';
import { endpointText } from '../../transport/address.js';
import { listenError } from '../../transport/listen-error.js';
import type { Endpoint } from '../../transport/transport.js';
import type { Page } from '../page/page.js';
import { pathOf } from '../process/request-target.js';
import { timedServer } from '../process/timed-http.js';

/** Connections at once: some scrapers and probes. A guess; more are closed at once. */
const MAX_CONNECTIONS = 64;
/** Octets of a request's header. A guess: scrapers send some hundred. */
const MAX_HEADER = 8192;
/** Milliseconds within which a request must arrive. */
const REQUEST_TIME = 5_000;
/** Milliseconds without an octet in either direction after which a connection is closed. */
const IDLE_TIME = 10_000;
/** Milliseconds that responses under way have when the listener closes. */
const CLOSE_TIME = 500;

interface MetricsOptions {
  readonly endpoint: Endpoint;
  /** Zones that have time series of their own. */
  readonly zoneLimit: number;
  /** Called for each request. */
  facts(): ServerFacts;
  /** The records since a moment, seconds since 1970; undefined: nothing is recorded. */
  report(since: number): ReportData | undefined;
  /** The page; undefined: there is none. It is closed with the listener. */
  readonly page?: Page | undefined;
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>;
}

export interface MetricsListener {
  /** The port is the one that was bound, also where 0 was configured. */
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

/** Listens; keeps no process alive. Throws ADOTD_LISTEN. */
export async function listenMetrics(options: MetricsOptions): Promise<MetricsListener> {
  const { endpoint, log } = options;
  const server = timedServer({ maxHeaderSize: MAX_HEADER, requestTime: REQUEST_TIME }, (request, response) => {
    serve(request, response, options).catch((error: unknown) => {
      log.error({ err: error, url: request.url }, 'metrics could not be written; please report this');
      if (response.headersSent) response.destroy();
      else send(request, response, 500, 'the metrics could not be written; the log says why\n');
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(IDLE_TIME);
  const port = await listen(server, endpoint);
  server.unref();
  const bound = { address: endpoint.address, port };
  const where = endpointText(bound.address, bound.port);
  if (isLoopback(bound.address)) log.info({ metrics: where }, `metrics at http://${where}/metrics`);
  else log.warn({ metrics: where }, `metrics at http://${where}/metrics: whoever reaches this address reads them`);
  let closed: Promise<void> | undefined;
  return {
    endpoint: bound,
    close() {
      options.page?.close();
      closed ??= close(server);
      return closed;
    },
  };
}

/** The handler of each path. */
const PATHS = new Map<string, (request: IncomingMessage, response: ServerResponse, options: MetricsOptions) => void>([
  ['/metrics', sendMetrics],
  ['/healthz', (request, response) => send(request, response, 200, 'ok\n')],
  ['/report', sendReport],
  ['/readyz', (request, response, { facts }) => sendReadiness(request, response, facts().state)],
]);

async function serve(request: IncomingMessage, response: ServerResponse, options: MetricsOptions): Promise<void> {
  const { page } = options;
  const path = pathOf(request.url ?? '');
  const answer = page?.has(path) ? page.answer : PATHS.get(path);
  const known = page === undefined ? [...PATHS.keys()] : [...PATHS.keys(), '/'];
  if (answer === undefined) send(request, response, 404, `not found; there are ${known.join(', ')}\n`);
  else if (request.method !== 'GET' && request.method !== 'HEAD')
    send(request, response, 405, 'only GET and HEAD\n', { Allow: 'GET, HEAD' });
  else await answer(request, response, options);
}

function sendMetrics(request: IncomingMessage, response: ServerResponse, { facts, zoneLimit }: MetricsOptions): void {
  const format = acceptedFormat(request.headers.accept);
  const input: MetricsInput = { server: facts(), process: processFacts(), zoneLimit };
  send(request, response, 200, metricsText(input, format), { 'Content-Type': CONTENT_TYPES[format], Vary: 'Accept' });
}

function sendReport(request: IncomingMessage, response: ServerResponse, { report }: MetricsOptions): void {
  const since = Number(new URLSearchParams((request.url ?? '').split('?')[1]).get('since') ?? 0);
  const data = Number.isSafeInteger(since) && since >= 0 ? report(since) : undefined;
  if (data === undefined) send(request, response, 404, 'nothing is recorded of that time\n');
  else send(request, response, 200, JSON.stringify(data), { 'Content-Type': 'application/json' });
}

const READINESS: Readonly<Record<ServerState, string>> = {
  starting: 'not ready: zones are being loaded\n',
  ready: 'ready\n',
  draining: 'not ready: draining\n',
};

function sendReadiness(request: IncomingMessage, response: ServerResponse, state: ServerState): void {
  send(request, response, state === 'ready' ? 200 : 503, READINESS[state]);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    ...headers,
  });
  // A body is discarded.
  request.resume();
  response.end(request.method === 'HEAD' ? undefined : body);
}

function listen(server: Server, endpoint: Endpoint): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(listenError('http', endpoint, error, { port: '`metrics.listen`', address: '`metrics.listen`' }));
    });
    server.listen({ host: endpoint.address, port: endpoint.port, ipv6Only: true, exclusive: true }, () => {
      server.removeAllListeners('error');
      // accept() can fail for lack of descriptors; the listener goes on.
      server.on('error', () => {});
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? bound.port : endpoint.port);
    });
  });
}

async function close(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_TIME);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearTimeout(cut);
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(address: string): boolean {
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
