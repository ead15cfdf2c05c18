/**
 * The connections to one server over one transport, shared by all queries. Sessions are reused while they are open, with many
 * queries outstanding in each (RFC 7766 §6.2.1), resumed by the newest ticket (RFC 7858 §3.4), and closed by us when idle.
 *
 * A server may close a connection with queries outstanding (RFC 7766 §6.2.4; the draft, §2.1.5). Each of them is asked again over
 * a new connection, once. It is asked again more often if the new connection has answered something before it was closed: some
 * servers close after each answer. A query is also asked again, once, if its session has answered before and has fallen
 * silent, or has stopped within an answer.
 */
import type { ClientClock } from '../client-clock.js';
import type { PoolLimits } from '../client-settings.js';
import { type Deadline, left } from '../deadline.js';
import { ClientError, ClientErrorCode, fromSystem } from '../errors.js';
import type { OpenSession } from '../session/connect.js';
import type { Reply } from '../session/reply.js';
import type { TlsInfo, TlsTicket } from '../session/tls-connection.js';
import type { Query } from '../wire/message.js';
import { Outage } from './outage.js';
import { PlaceQueue } from './place-queue.js';
import { applyKeepalive, type Connection, newConnection, type Place } from './pooled-connection.js';

interface PoolOptions extends PoolLimits {
  /** Names the server and transport in messages. */
  readonly about: string;
  readonly clock: ClientClock;
  /**
   * No transport is left behind this one: a query that shared a silent session is asked once more, by itself, and outages are
   * remembered here (outage.ts). Behind other transports stands cleartext, and the capabilities remember their failures.
   */
  readonly lastResort?: boolean;
  /** Opens a session within a time of its own. Rejects with a ClientError. */
  open(ticket: TlsTicket | undefined, signal: AbortSignal): Promise<OpenSession>;
}

export interface Unanswered {
  readonly error: ClientError;
  /**
   * No session opened, or the session never answered anything: the fault is the transport's, not this query's. False for a remembered
   * failure, which is no news.
   */
  readonly neverAnswered: boolean;
}

/** The outcome of a query. */
export type Asked = { readonly reply: Reply; readonly tls: TlsInfo | undefined; readonly reused: boolean } | Unanswered;

/** A place, or the reason why there is none. */
export type Reserved = { readonly place: Place } | Unanswered;

/** How often one query is asked at most; a guess, for many queries and a server that closes after few answers. */
const MAX_TRIES = 10;

const isClose = ({ code }: ClientError): boolean =>
  code === ClientErrorCode.RESET || code === ClientErrorCode.CLOSED || code === ClientErrorCode.HANDSHAKE;

export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #connections = new Set<Connection>();
  readonly #closings = new Set<Promise<void>>();
  readonly #queue = new PlaceQueue();
  readonly #closed = new AbortController();
  readonly #outage: Outage;
  #ticket: TlsTicket | undefined;
  /** Queries that one connection may have outstanding. Falls when a connection is closed with some, grows with answers. */
  #limit: number;
  /** Whether the last opening succeeded. As long as it has not, one connection is tried for all waiting queries. */
  #proven = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#limit = options.maxInFlight;
    this.#outage = new Outage(options.clock);
  }

  /** Whether a session is open. */
  get live(): boolean {
    return [...this.#connections].some(({ open, draining }) => open !== undefined && !draining);
  }

  /** Milliseconds since the beginning of the opening that queries wait for; 0 when a session is open or none is being opened. */
  get waited(): number {
    const [oldest] = this.#connections;
    return oldest === undefined || this.#proven ? 0 : this.#options.clock.elapsed() - oldest.began;
  }

  /** Whether a query waits for an answer. */
  get busy(): boolean {
    return [...this.#connections].some(({ inFlight }) => inFlight > 0);
  }

  /** Takes a place in an open session; waits until the deadline for one to be opened. Never rejects. */
  async reserve(deadline: Deadline): Promise<Reserved> {
    const neverAnswered = this.#nothingAnswered();
    try {
      this.#throwIfClosed();
      return { place: await this.#acquire(deadline) };
    } catch (error) {
      return this.#unanswered(error, neverAnswered && this.#nothingAnswered());
    }
  }

  /** The error of the opening that is under way; undefined when it succeeds or none is under way. Never rejects. */
  async outcome(): Promise<ClientError | undefined> {
    const opening = [...this.#connections].find(({ open }) => open === undefined)?.opening;
    return await opening?.then(
      () => undefined,
      (error: unknown) => this.#unanswered(error, true).error,
    );
  }

  /**
   * Asks. Waits for each answer at most `answerMs`, and in all until the deadline. Asks over `first`, which it gives back, and over
   * other sessions when `first` is closed. Never rejects.
   */
  async ask(query: Query, answerMs: number, deadline: Deadline, first?: Place): Promise<Asked> {
    let reserved = first;
    for (let tries = 1; ; tries++) {
      let neverAnswered = this.#nothingAnswered();
      let place = reserved;
      reserved = undefined;
      try {
        this.#throwIfClosed();
        place ??= await this.#acquire(deadline);
        const { connection } = place;
        const before = connection.answered;
        try {
          return await this.#askOver(place, query, answerMs, deadline);
        } catch (error) {
          neverAnswered = connection.answered === 0;
          if (!(error instanceof ClientError) || this.#closed.signal.aborted) throw error;
          if (!this.#asksAgain(error, place, before, tries, left(deadline) > 0)) throw error;
        }
      } catch (error) {
        return this.#unanswered(error, neverAnswered);
      } finally {
        place?.giveBack();
      }
    }
  }

  /** Closes all sessions; queries under way fail with CLIENT_ENDED. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#wake();
    await Promise.allSettled([...this.#connections].map(({ opening }) => opening));
    for (const connection of this.#connections) this.#shut(connection);
    await Promise.all(this.#closings);
  }

  async #askOver(
    { connection, open }: Place,
    query: Query,
    answerMs: number,
    deadline: Deadline,
  ): Promise<Exclude<Asked, Unanswered>> {
    const before = connection.answered;
    const timeoutMs = Math.max(1, Math.min(answerMs, left(deadline)));
    const reply = await open.session.ask(query, { timeoutMs, signal: deadline.signal });
    connection.answered++;
    if (connection.answered >= 2 * this.#limit) this.#limit = Math.min(this.#options.maxInFlight, 2 * this.#limit);
    this.#ticket = open.ticket() ?? this.#ticket;
    applyKeepalive(connection, reply, this.#options.maxIdleMs);
    return { reply, tls: open.tls, reused: before > 0 };
  }

  /**
   * Whether a query is asked again that has failed with `error` over this place, after `tries` tries. `before`: the answers that the
   * connection had given when the query was sent. Lowers the limit where the connection lost several queries.
   */
  #asksAgain(
    error: ClientError,
    { connection, open }: Place,
    before: number,
    tries: number,
    hasTime: boolean,
  ): boolean {
    const progress = connection.answered - before;
    // A message came that may answer any of several queries. Only a query that is alone can know that it is meant.
    const mixedUp = error.code === ClientErrorCode.MISMATCH && !open.session.open;
    if (isClose(error) || mixedUp) {
      if (!hasTime) return false;
      // Queries that are asked again are kept apart: if the server cannot stand one of them, the others are not harmed.
      this.#limit = progress === 0 || mixedUp ? 1 : Math.min(this.#limit, connection.answered);
      return tries === 1 || ((connection.answered > 0 || mixedUp) && tries < MAX_TRIES);
    }
    const silent = error.code === ClientErrorCode.TIMED_OUT && progress === 0;
    const wrong = error.code === ClientErrorCode.MALFORMED || error.code === ClientErrorCode.MISMATCH;
    if (silent || wrong) connection.draining = true;
    // The path may be gone, or another query may be the cause: the server itself may have no fault.
    const excused = before > 0 || open.session.stalled || (this.#options.lastResort === true && connection.shared);
    if (!silent || !excused || !hasTime) return false;
    this.#limit = 1;
    return tries === 1;
  }

  /** Takes a place in a session. Rejects with a ClientError. */
  async #acquire(deadline: Deadline): Promise<Place> {
    const { about } = this.#options;
    let connection = this.#pick();
    while (connection === undefined) {
      await this.#queue.wait(deadline, about, () => this.#wake());
      this.#throwIfClosed();
      connection = this.#pick();
    }
    connection.inFlight++;
    connection.shared ||= connection.inFlight > 1;
    connection.stopIdle();
    try {
      const open = connection.open ?? (await this.#outage.wait(connection, deadline, about));
      open.session.keepAlive(true);
      return { connection, open, giveBack: this.#release.bind(this, connection) };
    } catch (error) {
      this.#release(connection);
      throw error;
    }
  }

  /**
   * A connection with a free place, if possible an open one; undefined: a query has to wait. Throws the failure of an outage that
   * lasts.
   */
  #pick(): Connection | undefined {
    const free = this.#usable().filter(({ inFlight }) => inFlight < this.#limit);
    const connection = free.find(({ open }) => open !== undefined) ?? free[0];
    if (connection !== undefined || this.#mayOpen() === 0) return connection;
    this.#outage.check();
    return this.#start();
  }

  #usable(): Connection[] {
    return [...this.#connections].filter(({ draining }) => !draining);
  }

  /** How many connections may be opened now. */
  #mayOpen(): number {
    const count = this.#usable().length;
    return this.#proven ? Math.max(0, this.#options.maxConnections - count) : count === 0 ? 1 : 0;
  }

  /** Lets as many queries go on as there are places. */
  #wake(): void {
    const limit = this.#limit;
    const free = this.#usable().reduce((sum, { inFlight }) => sum + Math.max(0, limit - inFlight), 0);
    this.#queue.wake(this.#closed.signal.aborted ? Number.POSITIVE_INFINITY : free + this.#mayOpen() * limit);
  }

  #start(): Connection {
    const ticket = this.#ticket;
    const { clock, idleMs } = this.#options;
    const connection = newConnection(this.#open(ticket), clock.elapsed(), idleMs);
    this.#connections.add(connection);
    connection.opening.then(
      (open) => this.#opened(connection, open),
      (error: unknown) => this.#failed(connection, ticket, error),
    );
    return connection;
  }

  #open(ticket: TlsTicket | undefined): Promise<OpenSession> {
    const { signal } = this.#closed;
    return this.#options.open(ticket, signal).catch((error: unknown) => {
      // A server that cannot use a ticket may fail rather than do a full handshake.
      if (ticket === undefined || !(error instanceof ClientError) || !isClose(error)) throw error;
      return this.#options.open(undefined, signal);
    });
  }

  #opened(connection: Connection, open: OpenSession): void {
    connection.open = open;
    this.#proven = true;
    this.#outage.ended();
    open.session.onEnded(() => this.#shut(connection));
    if (connection.inFlight === 0) this.#rest(connection);
    this.#wake();
  }

  #failed(connection: Connection, ticket: TlsTicket | undefined, error: unknown): void {
    if (this.#ticket === ticket) this.#ticket = undefined;
    this.#connections.delete(connection);
    this.#proven = this.#usable().some(({ open }) => open !== undefined);
    if (!this.#proven) {
      if (this.#options.lastResort) this.#outage.failed(error, connection.began);
      // Queries that have waited for this connection fail with it: if each tried for itself, it would wait as long again.
      this.#queue.fail(error);
    }
    this.#wake();
  }

  #release(connection: Connection): void {
    connection.inFlight--;
    if (connection.inFlight === 0 && connection.open?.session.open) this.#rest(connection);
    this.#wake();
  }

  /** Nothing is outstanding: closes the session at once if it is draining, otherwise after its idle time. */
  #rest(connection: Connection): void {
    connection.open?.session.keepAlive(false);
    if (connection.draining) this.#shut(connection);
    else connection.stopIdle = this.#options.clock.after(connection.idleMs, () => this.#shut(connection), true);
  }

  #shut(connection: Connection): void {
    connection.stopIdle();
    if (!this.#connections.delete(connection)) return;
    const session = connection.open?.session;
    if (session === undefined) return;
    this.#ticket = connection.open?.ticket() ?? this.#ticket;
    const closing = session.close().finally(() => this.#closings.delete(closing));
    this.#closings.add(closing);
    this.#wake();
  }

  #nothingAnswered(): boolean {
    return ![...this.#connections].some(({ answered }) => answered > 0);
  }

  #unanswered(error: unknown, neverAnswered: boolean): Unanswered {
    const { about } = this.#options;
    if (this.#closed.signal.aborted) return { error: endedError(about), neverAnswered };
    return {
      error: fromSystem(error, about, 'answer'),
      neverAnswered: neverAnswered && error !== this.#outage.error,
    };
  }

  #throwIfClosed(): void {
    if (this.#closed.signal.aborted) throw endedError(this.#options.about);
  }
}

function endedError(about: string): ClientError {
  return new ClientError(ClientErrorCode.ENDED, `${about}: the client was closed`);
}
