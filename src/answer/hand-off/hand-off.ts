/** How a transport hands off the requests that respond() does not answer. */
import type { Facts } from '../facts.js';
import { DROP, type Responder } from '../respond.js';
import type { HandedReply } from './handed-reply.js';
import type { HandedRequest, RequestHandler } from './handed-request.js';

/** Requests of one thread that may wait for their replies at the same time. A guess: more honest ones than a batch would bring. */
export const MOST_HANDED = 64;

/** Takes the reply; undefined: the request gets no response. */
type Done = (reply: HandedReply | undefined) => void;

/** The requests of a thread that were handed off and wait for their replies. */
export class HandOff {
  readonly #handle: RequestHandler;
  #out = 0;
  /** Those of streams that wait for their turn, in order. */
  readonly #queue = new Set<() => void>();
  #emptied: (() => void)[] = [];

  constructor(handle: RequestHandler) {
    this.#handle = handle;
  }

  /** Hands a request off. Returns false when MOST_HANDED requests wait already: it is dropped then. */
  try(request: HandedRequest, done: Done): boolean {
    if (this.#out >= MOST_HANDED) return false;
    this.#out++;
    // The reply must not come before the caller has kept the values that it needs.
    void this.#handle(request).then((reply) => this.#done(reply, done));
    return true;
  }

  /**
   * Hands a request off as soon as there is room: its connection waits. Returns a function that takes it back, if it has not been handed
   * off: a connection that is gone must not leave its request behind.
   */
  queue(request: HandedRequest, done: Done): () => void {
    const turn = (): void => void this.try(request, done);
    if (this.#queue.size > 0 || !this.try(request, done)) this.#queue.add(turn);
    return () => this.#queue.delete(turn);
  }

  /** Fulfilled when no request waits. */
  emptied(): Promise<void> {
    if (this.#out === 0) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  #done(reply: HandedReply | undefined, done: Done): void {
    this.#out--;
    // Before the reply is given: otherwise its connection could hand off the next request, and take the place that another one waits for.
    this.#next();
    done(reply);
    if (this.#out === 0) for (const resolve of this.#emptied.splice(0)) resolve();
  }

  /** Hands off the one that waits longest. */
  #next(): void {
    const [turn] = this.#queue;
    if (turn === undefined) return;
    this.#queue.delete(turn);
    turn();
  }
}

/** Of a request that gets no response. */
const NO_REPLY: HandedReply = { octets: new Uint8Array(0), rcode: 0, ede: -1, signed: 0 };

/** Where nothing is handed off: requests get no response. */
export const NO_HAND_OFF = new HandOff(async () => undefined);

/**
 * Answers a request with its reply; returns the result of respond(). `facts`: those of the thread, with the time of now; `waited`:
 * milliseconds. Without a reply it is dropped.
 */
export function answerHanded(
  respond: Responder['respond'],
  facts: Facts,
  request: HandedRequest,
  reply: HandedReply | undefined,
  waited: number,
  out: Uint8Array,
  at: number,
  capacity: number,
): number {
  const { octets, client } = request;
  facts.client.set(client);
  facts.clientLength = client.length;
  facts.clientPort = request.clientPort;
  facts.transport = request.transport;
  facts.reply = reply ?? NO_REPLY;
  facts.waited = waited;
  try {
    return Math.max(DROP, respond(octets, 0, octets.length, facts, out, at, capacity));
  } finally {
    facts.reply = undefined;
    facts.waited = 0;
  }
}

/** Copies the request of `length` octets at `octets[at]`, with its facts. */
export function handedRequest(octets: Uint8Array, at: number, length: number, facts: Facts): HandedRequest {
  const { clientPort, transport, now, keepalive, certificate } = facts;
  const client = Uint8Array.from(facts.client.subarray(0, facts.clientLength));
  const copy = Uint8Array.from(octets.subarray(at, at + length));
  return { octets: copy, client, clientPort, transport, now, keepalive, ...(certificate && { certificate }) };
}
