/**
 * A client's session with a server over a stream: TCP, or TLS on top of it. Any number of queries may be outstanding
 * (RFC 7766 §6.2.1.1); answers are matched by ID and may come in any order (§7).
 */
import type { Duplex } from 'node:stream';
import { counted } from '../../errors.js';
import { type ClientClock, systemClock } from '../client-clock.js';
import { onAbort } from '../deadline.js';
import { ClientError, ClientErrorCode, fromSystem, inStep, type Step, systemCode, timedOut } from '../errors.js';
import type { Channel } from '../wire/edns.js';
import { Reassembly } from '../wire/framing.js';
import { decodeMessage, encodeQuery, type Message, type Query, randomId } from '../wire/message.js';
import type { AskOptions, ClientSessionOptions } from './ask-options.js';
import { MessageWriter } from './message-writer.js';
import { remember } from './remembered-ids.js';
import { judge, type Reply } from './reply.js';

/** A TLS close_notify, a FIN without one, or a RST. */
export type Ending = 'close_notify' | 'fin' | 'reset';

interface Pending {
  /** judge() for this query. */
  judged(octets: Buffer): Message;
  readonly began: number;
  readonly sent: number;
  readonly last: boolean;
  readonly step: Step;
  /** Whether more messages belong to the answer; begins to wait for the next one. */
  more(octets: Buffer): boolean;
  /** Stops waiting. */
  done(): void;
  resolve(reply: Reply): void;
  reject(error: ClientError): void;
}

/** Milliseconds that the server has to close its direction after we closed ours. */
const CLOSE_TIME = 1000;
/** Repeated answers in a row, without an awaited answer between them, after which a session is closed; a guess. */
const MAX_REPEATED = 100;

export class ClientSession {
  readonly #socket: Duplex;
  readonly #channel: Channel;
  readonly #about: string;
  readonly #clock: ClientClock;
  readonly #notified: (() => boolean) | undefined;
  readonly #writer: MessageWriter;
  readonly #reassembly = new Reassembly();
  readonly #pending = new Map<number, Pending>();
  /** IDs of queries that were given up. Their answers may still come, so that no other query has these IDs. */
  readonly #given = new Set<number>();
  /** IDs whose answers have come. They may come once more. */
  readonly #answered = new Set<number>();
  readonly #listeners = {
    data: (octets: Buffer): void => this.#received(octets),
    end: (): void => this.#ended(),
    close: (): void => this.#fail(this.#closed('the connection is closed')),
    error: (error: Error): void => this.#fail(this.#broken(error)),
  };
  #held = false;
  #unexpected = 0;
  #repeated = 0;
  #failure: ClientError | undefined;
  #closedCleanly: boolean | undefined;
  #ending: Ending | undefined;
  #lastActive: number;
  #endedAt: number | undefined;
  #whenEnded: (() => void)[] = [];

  /** `about` names the server in messages. */
  constructor(socket: Duplex, encrypted: boolean, about: string, options: ClientSessionOptions = {}) {
    this.#socket = socket;
    this.#channel = { stream: true, encrypted };
    this.#about = about;
    this.#clock = options.clock ?? systemClock;
    this.#notified = options.notified;
    this.#writer = new MessageWriter(socket, encrypted);
    this.#lastActive = this.#clock.elapsed();
    for (const [event, listener] of Object.entries(this.#listeners)) socket.on(event, listener);
    // A destroyed socket emits no more events.
    if (socket.destroyed) this.#fail(this.#closed('the connection is closed'));
  }

  /** Whether queries can still be sent. */
  get open(): boolean {
    return this.#failure === undefined;
  }

  get encrypted(): boolean {
    return this.#channel.encrypted;
  }

  /** How many messages have answered no outstanding query. */
  get unexpected(): number {
    return this.#unexpected;
  }

  /** Whether the last message is incomplete. */
  get stalled(): boolean {
    return this.#reassembly.pending > 0;
  }

  /** How many queries wait for their answers. */
  get outstanding(): number {
    return this.#pending.size;
  }

  /**
   * Whether the server closed its direction cleanly: with a FIN rather than a reset, and inside TLS with a close_notify. Undefined until it
   * closes; if we closed first; and inside TLS unless the session was opened with `observeClose` (node:tls does not tell a close_notify
   * from a FIN).
   */
  get closedCleanly(): boolean | undefined {
    return this.#closedCleanly;
  }

  /**
   * How the server ended its direction, also when the client closed first. Undefined until it does. Inside TLS, only a reset is known
   * unless the session was opened with `observeClose`.
   */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** When the last query was sent or the last message came, on the clock's `elapsed`. The session is idle from then on. */
  get lastActive(): number {
    return this.#lastActive;
  }

  /** When it ended, on the clock's `elapsed`; undefined while queries can be sent. */
  get endedAt(): number | undefined {
    return this.#endedAt;
  }

  /** Calls `listener` when no more queries can be sent; at once if no more can be sent now. */
  onEnded(listener: () => void): void {
    if (this.#failure === undefined) this.#whenEnded.push(listener);
    else listener();
  }

  /** Sets whether the connection keeps the process alive. */
  keepAlive(alive: boolean): void {
    const { ref, unref } = this.#socket as { ref?: () => void; unref?: () => void };
    (alive ? ref : unref)?.call(this.#socket);
  }

  /** Sends a query and waits for its answer. Rejects with a ClientError. */
  ask(query: Query, options: AskOptions): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const step = options.step ?? 'answer';
      if (this.#failure !== undefined) return reject(inStep(this.#failure, step));
      const wire = this.#encode(query, options.ednsFlags ?? 0);
      const sent = decodeMessage(wire);
      if (this.#pending.has(sent.id) || (query.id !== undefined && this.#given.has(sent.id))) {
        reject(new ClientError(ClientErrorCode.INPUT, `the answer to a query with ID ${sent.id} is outstanding`));
        return;
      }
      const giveUp = (error: ClientError): void => {
        this.#pending.get(sent.id)?.done();
        this.#pending.delete(sent.id);
        remember(this.#given, sent.id);
        reject(error);
      };
      const late = (): void => {
        const others =
          this.#unexpected === 0 ? '' : `; ${counted(this.#unexpected, 'message')} with an answer to nothing we asked`;
        giveUp(timedOut(this.#about, step, options.timeoutMs, `${others}${this.#reassembly.describe()}`));
      };
      const unlisten = onAbort(options.signal, this.#about, giveUp);
      let stop = this.#clock.after(options.timeoutMs, late);
      const done = (): void => {
        unlisten();
        stop();
      };
      const more = (octets: Buffer): boolean => {
        if (options.more?.(octets, sent) !== true) return false;
        stop();
        stop = this.#clock.after(options.timeoutMs, late);
        return true;
      };
      const began = this.#clock.elapsed();
      this.#answered.delete(sent.id);
      const last = options.last ?? false;
      const judged = (octets: Buffer): Message =>
        options.more === undefined ? judge(sent, octets, query.tsig) : decodeMessage(octets);
      this.#pending.set(sent.id, { judged, more, began, sent: wire.length, last, step, done, resolve, reject });
      this.#lastActive = began;
      this.#writer.write(wire, () => this.#pending.has(sent.id));
    });
  }

  /** Reads on after the answer to a query that was asked as the last one. */
  release(): void {
    this.#held = false;
    this.#read();
  }

  /** Takes the session off its socket. Returns how many octets came after the last answer. */
  detach(): number {
    for (const [event, listener] of Object.entries(this.#listeners)) this.#socket.off(event, listener);
    this.#failure = this.#closed('the session was upgraded');
    return this.#reassembly.pending;
  }

  /** Closes our direction (inside TLS with close_notify), and waits at most a second for the server to close its own. */
  async close(): Promise<void> {
    this.#fail(this.#closed('the session was closed by the client'));
    if (this.#socket.closed) return;
    await new Promise<void>((resolve) => {
      const stop = this.#clock.after(CLOSE_TIME, () => this.#socket.destroy());
      this.#socket.once('close', () => {
        stop();
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
    while (this.#pending.has(id) || this.#given.has(id) || this.#answered.has(id)) id = randomId();
    return encodeQuery({ ...query, id }, this.#channel, ednsFlags);
  }

  #received(octets: Buffer): void {
    // Octets after the end belong to no query.
    if (this.#failure !== undefined) return;
    this.#reassembly.push(octets);
    const foreign = this.#reassembly.foreign(this.encrypted);
    if (foreign === undefined) this.#read();
    else this.#socket.destroy(new ClientError(ClientErrorCode.MALFORMED, `${this.#about}: ${foreign}`));
  }

  #read(): void {
    let message: Buffer | undefined;
    while (!this.#held && this.open && (message = this.#reassembly.next())) this.#take(message);
  }

  #take(octets: Buffer): void {
    this.#lastActive = this.#clock.elapsed();
    const id = octets.length < 2 ? -1 : octets.readUInt16BE();
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      this.#stray(id, octets.length);
      return;
    }
    const milliseconds = this.#clock.elapsed() - pending.began;
    this.#repeated = 0;
    try {
      if (pending.more(octets)) return;
      this.#over(id, pending);
      const message = pending.judged(octets);
      this.#held = pending.last;
      pending.resolve({ message, octets, sent: pending.sent, milliseconds });
    } catch (error) {
      this.#over(id, pending);
      const { code, message } = fromSystem(error, this.#about, pending.step);
      const options = { cause: error, step: pending.step };
      pending.reject(new ClientError(code, `${this.#about}: ${message}`, options));
    }
  }

  #over(id: number, pending: Pending): void {
    this.#pending.delete(id);
    pending.done();
    remember(this.#answered, id);
  }

  /**
   * A message that answers no outstanding query. A late or repeated answer does no harm. Any other message answers no question that was
   * ever asked here. On a stream nobody else can have sent it, so the server has confused its answers, and the right one will not come. If
   * one query is outstanding, it fails. If several are, the session ends, and they can be asked again elsewhere. (RFC 7766 §7 demands
   * matching by ID, and leaves open how to handle an ID without a match.)
   */
  #stray(id: number, length: number): void {
    if (this.#given.delete(id)) {
      remember(this.#answered, id);
      return;
    }
    this.#unexpected++;
    if (this.#answered.has(id) && ++this.#repeated <= MAX_REPEATED) return;
    const what = `a message of ${length} octets${id < 0 ? '' : `, ID ${id},`} came that answers nothing we asked`;
    const [only, another] = this.#pending;
    const error = new ClientError(ClientErrorCode.MISMATCH, `${this.#about}: ${what}`, { step: only?.[1].step });
    if (only === undefined || another !== undefined) {
      this.#fail(error);
      this.#socket.destroy();
      return;
    }
    const [asked, pending] = only;
    this.#pending.delete(asked);
    remember(this.#given, asked);
    pending.done();
    pending.reject(error);
  }

  #ended(): void {
    const notified = this.encrypted ? this.#notified?.() : false;
    if (notified !== undefined) this.#ending ??= notified ? 'close_notify' : 'fin';
    if (this.#failure === undefined) this.#closedCleanly = this.encrypted ? this.#notified?.() : true;
    this.#fail(this.#closed(`the server closed the connection${this.#silence}`));
  }

  /** A text about a connection that ends while somebody waits for an answer on it. */
  get #silence(): string {
    return this.#pending.size === 0 ? '' : this.#reassembly.silence(this.encrypted);
  }

  #closed(reason: string): ClientError {
    return new ClientError(ClientErrorCode.CLOSED, `${this.#about}: ${reason}${this.#reassembly.describe()}`);
  }

  #broken(error: Error): ClientError {
    const detail = this.#reassembly.describe();
    if (this.#failure === undefined) this.#closedCleanly = false;
    const failed = `${this.#about}: TLS failed: ${error.message}${detail}`;
    if (systemCode(error).startsWith('ERR_SSL'))
      return new ClientError(ClientErrorCode.HANDSHAKE, failed, { cause: error });
    const failure = fromSystem(error, this.#about, 'answer');
    const isReset = failure.code === ClientErrorCode.RESET;
    if (isReset) this.#ending ??= 'reset';
    return new ClientError(failure.code, `${failure.message}${isReset ? this.#silence : ''}${detail}`, {
      cause: error,
    });
  }

  /** Fails all outstanding queries. The first failure of a session remains its failure. */
  #fail(error: ClientError): void {
    this.#failure ??= error;
    this.#endedAt ??= this.#clock.elapsed();
    for (const pending of this.#pending.values()) {
      pending.done();
      pending.reject(inStep(this.#failure, pending.step));
    }
    this.#pending.clear();
    this.#writer.clear();
    const listeners = this.#whenEnded;
    this.#whenEnded = [];
    for (const listener of listeners) listener();
  }
}
