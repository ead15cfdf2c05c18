/**
 * A client's session with a server over a stream: TCP, or TLS on top of it. Any number of queries may be outstanding
 * (RFC 7766 §6.2.1.1); answers are matched by ID and may come in any order (§7).
 */
import type { Duplex } from 'node:stream';
import type { Channel } from './edns.js';
import { ClientError, ClientErrorCode, fromSystem, type Step, timedOut } from './errors.js';
import { framed, Reassembly } from './framing.js';
import { decodeMessage, encodeQuery, type Message, type Query, randomId } from './message.js';
import { judge, type Reply } from './reply.js';

export interface AskOptions {
  readonly timeoutMs: number;
  /** Bits of EDNS flags to set in addition. */
  readonly ednsFlags?: number;
  readonly step?: Step;
  /** Nothing is read behind the answer until `release()` or `detach()`. */
  readonly last?: boolean;
}

interface Pending {
  readonly query: Message;
  readonly began: number;
  readonly sent: number;
  readonly last: boolean;
  readonly step: Step;
  readonly timer: NodeJS.Timeout;
  resolve(reply: Reply): void;
  reject(error: ClientError): void;
}

/** Milliseconds that a server has to close after us. */
const CLOSE_TIME = 1000;

export class ClientSession {
  readonly #socket: Duplex;
  readonly #channel: Channel;
  readonly #about: string;
  readonly #reassembly = new Reassembly();
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = {
    data: (octets: Buffer): void => this.#received(octets),
    end: (): void => this.#fail(this.#closed('the server closed the connection')),
    close: (): void => this.#fail(this.#closed('the connection is closed')),
    error: (error: Error): void => this.#fail(this.#broken(error)),
  };
  #held = false;
  #unexpected = 0;
  #failure: ClientError | undefined;

  /** `about` names the server in messages. */
  constructor(socket: Duplex, encrypted: boolean, about: string) {
    this.#socket = socket;
    this.#channel = { stream: true, encrypted };
    this.#about = about;
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener);
  }

  /** Whether queries can still be sent. */
  get open(): boolean {
    return this.#failure === undefined;
  }

  get encrypted(): boolean {
    return this.#channel.encrypted;
  }

  /** Messages that answer none of our outstanding queries. */
  get unexpected(): number {
    return this.#unexpected;
  }

  /** Sends a query and waits for its answer. Rejects with a ClientError. */
  ask(query: Query, options: AskOptions): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      const wire = this.#encode(query, options.ednsFlags ?? 0);
      const sent = decodeMessage(wire);
      if (this.#pending.has(sent.id)) {
        reject(new ClientError(ClientErrorCode.INPUT, `a query with ID ${sent.id} is outstanding`));
        return;
      }
      const step = options.step ?? 'answer';
      const late = (): void => {
        this.#pending.delete(sent.id);
        const others = this.#unexpected === 0 ? '' : `; ${this.#unexpected} messages that answer nothing we asked`;
        reject(timedOut(this.#about, step, options.timeoutMs, `${others}${this.#reassembly.describe()}`));
      };
      const timer = setTimeout(late, options.timeoutMs);
      const began = performance.now();
      const last = options.last ?? false;
      this.#pending.set(sent.id, { query: sent, began, sent: wire.length, last, step, timer, resolve, reject });
      this.#socket.write(framed(wire));
    });
  }

  /** Goes on reading behind the answer to a query that was asked as the last one. */
  release(): void {
    this.#held = false;
    this.#read();
  }

  /** Gives the socket away. Returns how many octets came behind the last answer. */
  detach(): number {
    for (const [event, listener] of Object.entries(this.#listeners)) this.#socket.off(event, listener);
    this.#failure = this.#closed('the session was upgraded');
    return this.#reassembly.pending;
  }

  /** Closes our direction (inside TLS with close_notify) and waits, for a bounded time, for the server to close its own. */
  async close(): Promise<void> {
    this.#fail(this.#closed('the session was closed by the client'));
    if (this.#socket.closed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#socket.destroy(), CLOSE_TIME);
      this.#socket.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.resume();
      this.#socket.end();
    });
  }

  /** Closes at once. */
  destroy(): void {
    this.#fail(this.#closed('the session was closed by the client'));
    this.#socket.destroy();
  }

  #encode(query: Query, ednsFlags: number): Buffer {
    if (query.id !== undefined) return encodeQuery(query, this.#channel, ednsFlags);
    let id = randomId();
    while (this.#pending.has(id)) id = randomId();
    return encodeQuery({ ...query, id }, this.#channel, ednsFlags);
  }

  #received(octets: Buffer): void {
    this.#reassembly.push(octets);
    this.#read();
  }

  #read(): void {
    for (let message: Buffer | undefined; !this.#held && (message = this.#reassembly.next()); ) this.#take(message);
  }

  #take(octets: Buffer): void {
    const id = octets.length < 2 ? -1 : octets.readUInt16BE();
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      this.#unexpected++;
      return;
    }
    const milliseconds = performance.now() - pending.began;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    try {
      const message = judge(pending.query, octets);
      this.#held = pending.last;
      pending.resolve({ message, octets, sent: pending.sent, milliseconds });
    } catch (error) {
      pending.reject(fromSystem(error, this.#about, pending.step));
    }
  }

  #closed(reason: string): ClientError {
    return new ClientError(ClientErrorCode.CLOSED, `${this.#about}: ${reason}${this.#reassembly.describe()}`);
  }

  #broken(error: Error): ClientError {
    const detail = this.#reassembly.describe();
    if ('code' in error && String(error.code).startsWith('ERR_SSL')) {
      return new ClientError(ClientErrorCode.HANDSHAKE, `${this.#about}: TLS failed: ${error.message}${detail}`, {
        cause: error,
      });
    }
    const failure = fromSystem(error, this.#about, 'answer');
    return new ClientError(failure.code, `${failure.message}${detail}`, { cause: error, step: 'answer' });
  }

  /** The first reason stays; every outstanding query is told it. */
  #fail(error: ClientError): void {
    this.#failure ??= error;
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(this.#failure);
    }
    this.#pending.clear();
  }
}
