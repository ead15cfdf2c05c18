/**
 * Requests that the threads hand off, NOTIFY and UPDATE, in the control thread: their TSIG record is verified here, once, the one who
 * handles the opcode decides, and the response is signed as the request was.
 */
import type { Settings } from '../answer/answer-settings.js';
import { createFacts, type Padding } from '../answer/facts.js';
import { HandedExchange } from '../answer/hand-off/handed-exchange.js';
import type { HandedRequest, RequestHandler } from '../answer/hand-off/handed-request.js';
import { Publisher } from '../image/catalog.js';
import type { Log } from '../observe/log.js';
import { Opcode, Rcode } from '../protocol/iana.js';
import { type TsigKeys, tsigKeys } from '../protocol/tsig/tsig-key.js';
import type { Clock } from '../session/clock.js';
import type { Peer } from '../transfer/peer.js';
import { RefusedRequests } from './refused-requests.js';

/** A request that is well formed, and whose signature is valid if it has one. */
export interface SignedRequest {
  /** The whole message. */
  readonly octets: Uint8Array;
  /** Where its records end: the TSIG record begins there, if it has one. */
  readonly end: number;
  /** The name in its question or zone section, in wire format. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  readonly peer: Peer;
}

/** What a request is answered with. */
export interface RequestAnswer {
  readonly rcode: number;
  /** Extended DNS error code (RFC 8914), and its text. */
  readonly ede?: number | undefined;
  readonly text?: string | undefined;
}

/** Handles the requests of an opcode. undefined: the request gets no response. What it throws is logged, and answered SERVFAIL. */
export type OpcodeHandler = (request: SignedRequest) => Promise<RequestAnswer | undefined>;

/** By opcode; one that is absent gets NOTIMP. Whoever opens later enters its own. */
export interface RequestHandlers {
  notify?: OpcodeHandler | undefined;
  update?: OpcodeHandler | undefined;
}

/** What the responses are made with; it may change. */
interface RequestSettings {
  readonly answers: Settings;
  /** Octets: the UDP payload limit. */
  readonly udpPayload: number;
  readonly padding: Padding;
}

/** Milliseconds after which a request is answered SERVFAIL, whatever its handler still does. Its connection, or its place, waits until then. A guess. */
const HANDLER_TIME = 30_000;

/** Answers handed requests. `settings` is asked for each of them; undefined: not yet, the request gets no response. */
export function openRequests(
  handlers: RequestHandlers,
  settings: () => RequestSettings | undefined,
  clock: Clock,
  log: Pick<Log, 'error' | 'info' | 'warn'>,
): RequestHandler {
  const refused = new RefusedRequests(log, clock);
  const nothing = new Publisher().publish();
  const keysOf = cachedKeys();
  return async (request) => {
    const now = settings();
    if (now === undefined) return undefined;
    const { answers } = now;
    const facts = createFacts(nothing);
    facts.client.set(request.client);
    facts.clientLength = request.client.length;
    facts.clientPort = request.clientPort;
    facts.transport = request.transport;
    facts.now = request.now;
    facts.keepalive = request.keepalive;
    facts.payloadLimit = now.udpPayload;
    facts.padding = now.padding;
    const exchange = new HandedExchange(request, answers, keysOf(answers), facts);
    const { name, unaccepted } = exchange;
    if (unaccepted !== undefined) refused.signature(name, { address: request.client }, unaccepted, request.now);
    if (exchange.fault !== Rcode.NOERROR) return exchange.reply(exchange.fault);
    const handler = handlerOf(handlers, exchange.opcode);
    if (handler === undefined) return exchange.reply(Rcode.NOTIMP);
    const answer = await inTime(guarded(handler, signedRequest(exchange, request), log), clock);
    return answer && exchange.reply(answer.rcode, answer.ede, answer.text);
  };
}

function handlerOf({ notify, update }: RequestHandlers, opcode: number): OpcodeHandler | undefined {
  if (opcode === Opcode.NOTIFY) return notify;
  return opcode === Opcode.UPDATE ? update : undefined;
}

function signedRequest(exchange: HandedExchange, request: HandedRequest): SignedRequest {
  const { end, name, type, class: qclass, key } = exchange;
  const { octets, client: address, clientPort: port, transport, certificate } = request;
  return { octets, end, name, type, class: qclass, peer: { address, port, transport, key, certificate } };
}

/** A mistake of ours that one request brings about must not end the server. */
async function guarded(
  handler: OpcodeHandler,
  request: SignedRequest,
  log: Pick<Log, 'error'>,
): Promise<RequestAnswer | undefined> {
  try {
    return await handler(request);
  } catch (error) {
    log.error({ err: error }, 'a NOTIFY or UPDATE could not be answered; please report this');
    return { rcode: Rcode.SERVFAIL };
  }
}

function inTime(answer: Promise<RequestAnswer | undefined>, clock: Clock): Promise<RequestAnswer | undefined> {
  return new Promise((resolve) => {
    const late = clock.timer(() => resolve({ rcode: Rcode.SERVFAIL }));
    late.set(HANDLER_TIME);
    void answer.then((value) => {
      late.clear();
      resolve(value);
    });
  });
}

/** The keys by name, made anew when the settings are others. */
function cachedKeys(): (settings: Settings) => TsigKeys {
  let of: Settings | undefined;
  let keys: TsigKeys = tsigKeys([]);
  return (settings) => {
    if (settings !== of) keys = tsigKeys(settings.tsigKeys);
    of = settings;
    return keys;
  };
}
