/**
 * Requests that the threads hand off, NOTIFY and UPDATE, in the control thread: their TSIG record is verified here, once, the handler of
 * the opcode decides, and the response is signed as the request was.
 */
import type { Settings } from '../answer/answer-settings.js';
import { createFacts, type Padding, Transport } from '../answer/facts.js';
import { HandedExchange } from '../answer/hand-off/handed-exchange.js';
import type { HandedRequest, RequestHandler } from '../answer/hand-off/handed-request.js';
import { Publisher } from '../image/catalog.js';
import type { Log } from '../observe/log.js';
import { Ede, Opcode, Rcode } from '../protocol/iana.js';
import { nameToText } from '../protocol/name.js';
import { type TsigKeys, tsigKeys } from '../protocol/tsig/tsig-key.js';
import type { Clock } from '../session/clock.js';
import { addressText } from '../session/describe.js';
import type { Peer } from '../transfer/peer.js';
import { RefusedRequests } from './refused-requests.js';
import { type Lateness, RequestTime } from './request-time.js';

/** A request that is well formed, and whose signature is valid if it has one. */
export interface SignedRequest {
  /** The whole message. */
  readonly octets: Uint8Array;
  /** The end of its records: the TSIG record begins there, if it has one. */
  readonly end: number;
  /** The name in its question or zone section, in wire format. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  readonly peer: Peer;
}

/** The answer to a request. */
export interface RequestAnswer {
  readonly rcode: number;
  /** Extended DNS error code (RFC 8914), and its text. */
  readonly ede?: number | undefined;
  readonly text?: string | undefined;
}

/**
 * Handles the requests of an opcode. undefined: the request gets no response. Its errors are logged, and answered SERVFAIL. `begin` is to
 * be called before anything is changed; when it returns false, the request has been given up, and nothing may be changed.
 */
export type OpcodeHandler = (request: SignedRequest, begin: () => boolean) => Promise<RequestAnswer | undefined>;

/** By opcode; one that is absent gets NOTIMP. A part that opens later enters its own handler. */
export interface RequestHandlers {
  notify?: OpcodeHandler | undefined;
  update?: OpcodeHandler | undefined;
}

/** The settings for making responses; they may change. */
interface RequestSettings {
  readonly answers: Settings;
  /** Octets: the UDP payload limit. */
  readonly udpPayload: number;
  readonly padding: Padding;
}

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
  const answered: RequestHandler = async (request) => {
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
    const time = new RequestTime();
    const handled = guarded(handler, signedRequest(exchange, request), time.begin, log);
    const answer = await time.limit(handled, clock, (lateness) => lateAnswer(lateness, exchange, request, log));
    return answer && exchange.reply(answer.rcode, answer.ede, answer.text);
  };
  return once(answered);
}

/**
 * A client without a response sends the same datagram again. While the first one is handled, both get its answer: prerequisites must not be
 * judged by changes of the request itself.
 */
function once(answered: RequestHandler): RequestHandler {
  const underWay = new Map<string, ReturnType<RequestHandler>>();
  return (request) => {
    const { transport, client, clientPort, octets } = request;
    if (transport !== Transport.UDP) return answered(request);
    const key = `${addressText(client)} ${clientPort} ${Buffer.from(octets).toString('latin1')}`;
    const reply = underWay.get(key) ?? answered(request).finally(() => underWay.delete(key));
    underWay.set(key, reply);
    return reply;
  };
}

/** The answer when the time is over; undefined, no response: it is not known yet whether anything is changed. */
function lateAnswer(
  lateness: Lateness,
  { name }: HandedExchange,
  { client }: HandedRequest,
  log: Pick<Log, 'warn'>,
): RequestAnswer | undefined {
  const [zone, from] = [nameToText(name), addressText(client)];
  const given = lateness === 'given-up';
  const what = given ? 'is given up, and answered SERVFAIL' : 'is being stored, and gets no response until it is known';
  log.warn({ zone, client: from }, `a request of ${from} for ${zone} takes too long: it ${what}`);
  return given ? { rcode: Rcode.SERVFAIL, ede: Ede.OTHER, text: 'it took too long; nothing is changed' } : undefined;
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
  begin: () => boolean,
  log: Pick<Log, 'error'>,
): Promise<RequestAnswer | undefined> {
  try {
    return await handler(request, begin);
  } catch (error) {
    log.error({ err: error }, 'a NOTIFY or UPDATE could not be answered; please report this');
    return { rcode: Rcode.SERVFAIL };
  }
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
