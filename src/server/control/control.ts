/**
 * The control interface: HTTP with JSON, for `adotd ctl` or curl, on a socket that only the server's user may open (control-socket.ts).
 * It has no users and no rights of its own: a process that may open the socket may do everything.
 *
 *   GET  /status                       ServerStatus
 *   GET  /zones, /zones/NAME           ZoneStatus[], ZoneStatus
 *   GET  /zones/NAME/text              the zone as it is served (text/dns, RFC 4027)
 *   GET  /statistics                   counts, by transport
 *   GET  /top                          TopView
 *   GET  /report?since=SECONDS         ReportData
 *   GET  /sessions?longest=N           SessionsReport
 *   POST /reload                       ReloadOutcome; { zone?, force?, allow_empty? }
 *   POST /notify                       { targets }; { zone }
 *   POST /transfer                     RoundResult; { zone, full? }
 *   POST /accept-file                  ReloadOutcome; { zone }
 *   GET  /catalogs                     CatalogStatus[]
 *   POST /catalogs                     { accepted }; { accept }: name of a catalog
 *   GET  /dnssec, POST /dnssec/NAME    see signing-control.ts
 *   POST /tls                          { pins }; { command: 'switch' }
 *   POST /drain                        { seconds? }
 *   POST /log-level                    { before, level }; { level }
 *
 * A client that waits longer gets 102 (Processing) meanwhile. An error is { error: { code, message } } with a status of 400 or more.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { AdotdError } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { zoneKey } from '../../protocol/name.js';
import { timedServer } from '../process/timed-http.js';
import { ControlError, readBody, sendError, sendJson, sendPieces } from './control-http.js';
import { canonical, MAX_NAME_TEXT, parsed } from './control-input.js';
import { type ControlTarget, LOG_LEVELS } from './control-target.js';
import { signingRequest } from './signing-control.js';

/** Connections at once: operators and their scripts. A guess; more are closed at once. */
const MAX_CONNECTIONS = 32;
/** Milliseconds within which a request must arrive. */
const REQUEST_TIME = 5_000;
/** Milliseconds between two signs of life while a request is carried out; half of the shortest timeout of `adotd ctl`. */
const SIGN_OF_LIFE = 500;
/** Octets of a request's header, which at most contains a zone's name, percent-encoded. */
const MAX_HEADER = 8192;
/** Sessions that a report lists at most, so that it stays small. */
const MAX_LONGEST = 1000;
const DEFAULT_LONGEST = 10;
/** Seconds since 1970: the year 2286. */
const MAX_SINCE = 9_999_999_999;
/** Seconds: one hour, which is far more than sessions need. */
const MAX_DRAIN = 3600;

const reloadBody = z.strictObject({
  zone: z.optional(z.string().check(z.maxLength(MAX_NAME_TEXT))),
  force: z.optional(z.boolean()),
  allow_empty: z.optional(z.boolean()),
});
const notifyBody = z.strictObject({ zone: z.string().check(z.maxLength(MAX_NAME_TEXT)) });
const transferBody = z.strictObject({
  zone: z.string().check(z.maxLength(MAX_NAME_TEXT)),
  full: z.optional(z.boolean()),
});
const acceptBody = z.strictObject({ zone: z.string().check(z.maxLength(MAX_NAME_TEXT)) });
const catalogBody = z.strictObject({ accept: z.string().check(z.maxLength(MAX_NAME_TEXT)) });
const tlsBody = z.strictObject({ command: z.literal('switch') });
const drainBody = z.strictObject({ seconds: z.optional(z.number().check(z.gte(0), z.lte(MAX_DRAIN))) });
const levelBody = z.strictObject({ level: z.enum(LOG_LEVELS) });

interface Request {
  readonly target: ControlTarget;
  /** Parts of the path behind its first word. */
  readonly words: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly response: ServerResponse;
}

type Handler = (request: Request) => unknown;

/** By the first word of the path, then by method. A handler's result is sent as JSON; it returns undefined if it has sent the response. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  status: { GET: ({ target }) => target.status() },
  zones: { GET: zones },
  statistics: { GET: ({ target }) => target.statistics() },
  top: { GET: ({ target }) => target.top() },
  report: {
    GET({ target, query }) {
      const data = target.report(numberOf(query, 'since', 0, MAX_SINCE));
      if (data === undefined) throw new ControlError(404, 'NOT_FOUND', 'nothing is recorded: report.enabled is false');
      return data;
    },
  },
  sessions: {
    GET: ({ target, query }) => target.sessions(numberOf(query, 'longest', DEFAULT_LONGEST, MAX_LONGEST)),
  },
  reload: {
    POST({ target, body }) {
      const { zone, force, allow_empty: allowEmpty } = parsed(reloadBody, body);
      return target.reload({ ...(zone !== undefined && { zone: canonical(zone) }), force, allowEmpty });
    },
  },
  notify: {
    async POST({ target, body }) {
      const name = canonical(parsed(notifyBody, body).zone);
      const targets = target.notify(name);
      if (targets === undefined) throw await notServed(name, target);
      return { targets };
    },
  },
  transfer: {
    async POST({ target, body }) {
      const { zone, full = false } = parsed(transferBody, body);
      const name = canonical(zone);
      const result = await target.transfer(name, full);
      if (result === undefined) throw new ControlError(404, 'NOT_FOUND', `${name} is no secondary zone`);
      return result;
    },
  },
  'accept-file': {
    POST: ({ target, body }) => target.acceptFile(canonical(parsed(acceptBody, body).zone)),
  },
  catalogs: {
    GET: ({ target }) => target.catalogs(),
    async POST({ target, body }) {
      const name = canonical(parsed(catalogBody, body).accept);
      if (!target.catalogs().some(({ zone }) => zone === zoneKey(name)))
        throw new ControlError(404, 'NOT_FOUND', `${name} is no catalog that this server consumes`);
      return { accepted: await target.acceptCatalog(name) };
    },
  },
  dnssec: {
    GET: ({ target, words }) => signingRequest(target.signing, 'GET', words, undefined),
    POST: ({ target, words, body }) => signingRequest(target.signing, 'POST', words, body),
  },
  tls: {
    async POST({ target, body }) {
      parsed(tlsBody, body);
      return { pins: await target.switchKeys() };
    },
  },
  drain: {
    POST({ target, body }) {
      const { seconds } = parsed(drainBody, body);
      target.drain(seconds);
      return { draining: true, ...(seconds !== undefined && { seconds }) };
    },
  },
  'log-level': {
    POST({ target, body }) {
      const { level } = parsed(levelBody, body);
      return { before: target.setLogLevel(level), level };
    },
  },
};

/** Routes whose path goes on with the name of a zone. */
const WITH_NAMES = ['zones', 'dnssec'];

/** An HTTP server of the control interface, which does not listen yet. It keeps no process alive. */
export function controlServer(target: ControlTarget, log: Log): Server {
  const server = timedServer({ maxHeaderSize: MAX_HEADER, requestTime: REQUEST_TIME }, (request, response) => {
    response.on('error', () => undefined);
    answer(target, request, response).catch((error: unknown) => {
      const known = error instanceof ControlError || error instanceof AdotdError;
      if (!known) log.error({ err: error, url: request.url }, 'a control request failed; please report this');
      sendError(response, error);
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

async function answer(target: ControlTarget, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://control');
  const [first = '', ...words] = pathname.split('/').slice(1).map(decoded);
  const route = Object.hasOwn(ROUTES, first) ? ROUTES[first] : undefined;
  if (route === undefined || (!WITH_NAMES.includes(first) && words.length > 0)) {
    throw new ControlError(404, 'NOT_FOUND', `found ${pathname}, expected one of /${Object.keys(ROUTES).join(', /')}`);
  }
  const { method = '' } = request;
  const handler = Object.hasOwn(route, method) ? route[method] : undefined;
  if (handler === undefined) {
    const allowed = Object.keys(route).join(', ');
    response.setHeader('Allow', allowed);
    throw new ControlError(405, 'METHOD', `found ${method}, expected ${allowed}`);
  }
  const body = method === 'POST' ? await readBody(request) : undefined;
  const stop = sendProcessing(request, response);
  try {
    const result = await handler({ target, words, query, body, response });
    stop();
    if (result !== undefined) sendJson(response, 200, result);
  } finally {
    stop();
  }
}

/**
 * Sends 102 (Processing, RFC 2518 §10.1) from time to time until `response` begins: a reload may take minutes, and so the client can
 * tell a slow one from a thread that hangs. Returns a function that stops it.
 */
function sendProcessing({ httpVersionMinor }: IncomingMessage, response: ServerResponse): () => void {
  // HTTP/1.0 has no interim responses (RFC 9110 §15.2).
  if (httpVersionMinor === 0) return () => undefined;
  const timer = setInterval(() => {
    if (!response.headersSent && !response.destroyed) response.writeProcessing();
  }, SIGN_OF_LIFE);
  return () => clearInterval(timer);
}

async function zones({ target, words, response }: Request): Promise<unknown> {
  const [text, part, ...rest] = words;
  if (text === undefined || text === '') return target.zones();
  const name = canonical(text);
  if (part === 'text' && rest.length === 0) {
    const pieces = target.dump(name);
    if (pieces === undefined) throw await notServed(name, target);
    await sendPieces(response, 'text/dns; charset=us-ascii', pieces);
    return undefined;
  }
  if (part !== undefined) throw new ControlError(404, 'NOT_FOUND', `found ${part}, expected text`);
  const [zone] = await target.zones(name);
  if (zone === undefined) throw await notServed(name, target);
  return zone;
}

async function notServed(name: string, target: ControlTarget): Promise<ControlError> {
  const [zone] = await target.zones(name);
  const why = zone === undefined ? 'is no zone of this server' : 'is not served now';
  return new ControlError(404, 'NO_ZONE', `${name} ${why}`);
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    throw new ControlError(400, 'BAD_REQUEST', `found ${word} in the path, expected percent-encoded UTF-8`);
  }
}

function numberOf(query: URLSearchParams, key: string, fallback: number, max: number): number {
  const text = query.get(key);
  if (text === null) return fallback;
  if (/^[0-9]{1,10}$/.test(text) && Number(text) <= max) return Number(text);
  throw new ControlError(400, 'BAD_REQUEST', `${key}: found ${text}, expected a number up to ${max}`);
}
