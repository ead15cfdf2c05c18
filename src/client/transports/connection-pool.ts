/**
 * The sessions with one server over one transport, shared by all queries: reused while they are open, with many queries
 * outstanding in each (RFC 7766 §6.2.1), resumed by the newest ticket (RFC 7858 §3.4), closed by us when idle.
 *
 * A connection that is closed with queries outstanding is nothing unusual (RFC 7766 §6.2.4; the draft, §2.1.5): they are
 * asked again over a new one, each once; and again where the new one has answered something before it was closed, which is
 * how a server looks that closes after each answer. So is, once, what was asked over a session that has answered before and
 * has fallen silent, or has stopped within an answer.
 */
import type { ClientClock } from '../client-clock.js';
import type { PoolLimits } from '../client-settings.js';
import { type Deadline, left, within } from '../deadline.js';
import { ClientError, ClientErrorCode, fromSystem } from '../errors.js';
import type { OpenSession } from '../session/connect.js';
import type { Reply } from '../session/reply.js';
import type { TlsInfo, TlsTicket } from '../session/tls-connection.js';
import { keepaliveOf } from '../wire/edns.js';
import type { Query } from '../wire/message.js';

export interface PoolOptions extends PoolLimits {
  /** Names the server and transport in messages. */
  readonly about: string;
  readonly clock: ClientClock;
  /** There is nothing better behind it: a query that shared a silent session is asked once more, by itself. */
  readonly patient?: boolean;
  /** Opens a session within a time of its own. Rejects with a ClientError. */
  open(ticket: TlsTicket | undefined, signal: AbortSignal): Promise<OpenSession>;
}

export interface Unanswered {
  readonly error: ClientError;
  /** No session came about, or it never brought an answer: a fault of the transport, not of this query. */
  readonly neverAnswered: boolean;
}

/** What became of a query. */
export type Asked = { readonly reply: Reply; readonly tls: TlsInfo | undefined; readonly reused: boolean } | Unanswered;

/** A place for one query in an open session. Whoever has it asks over it or gives it back. */
export interface Place {
  readonly connection: Connection;
  readonly open: OpenSession;
  /** The session stays for others until it is found idle. */
  giveBack(): void;
}

/** A place, or why there is none. */
export type Reserved = { readonly place: Place } | Unanswered;

export interface ConnectionPool {
  /** Takes a place in an open session, waiting until the deadline for one to be opened. Never rejects. */
  reserve(deadline: Deadline): Promise<Reserved>;
  /** How the opening of a session ends that is under way: undefined, it is open, or was before. Never rejects. */
  outcome(): Promise<ClientError | undefined>;
  /**
   * Asks, waiting for each answer at most `answerMs`, and in all until the deadline. Over `place`, which is given back, and
   * over others when that is closed.
   */
  ask(query: Query, answerMs: number, deadline: Deadline, place?: Place): Promise<Asked>;
  /** Whether a session is open. */
  readonly live: boolean;
  /** Milliseconds since the opening of a session began that is under way, when none is open; 0: no opening is. */
  readonly waited: number;
  /** Whether anybody waits for an answer. */
  readonly busy: boolean;
  /** Closes all sessions; queries under way fail with CLIENT_ENDED. */
  close(): Promise<void>;
}

/** Queries that wait for a place. */
interface Waiter {
  /** There may be one. */
  go(): void;
  /** There will be none. */
  fail(error: unknown): void;
}

const NOBODY: Waiter = { go: () => {}, fail: () => {} };

interface Connection {
  readonly opening: Promise<OpenSession>;
  /** When that began. */
  readonly began: number;
  open: OpenSession | undefined;
  /** Queries that have a place in it, also while it is being opened. */
  inFlight: number;
  answered: number;
  /** Whether it has ever had a place for more than one at a time. */
  shared: boolean;
  /** Nothing more is to be asked over it. */
  draining: boolean;
  idleMs: number;
  stopIdle(): void;
}

/** The part of the server's idle time after which we close: before it does, so that no query crosses its FIN. */
const MARGIN = 0.9;

/** How often one query is asked again at most; a guess, for many queries and a server that closes after few answers. */
const MAX_CLOSES = 10;

const isClose = ({ code }: ClientError): boolean =>
  code === ClientErrorCode.RESET || code === ClientErrorCode.CLOSED || code === ClientErrorCode.HANDSHAKE;

export function createConnectionPool(options: PoolOptions): ConnectionPool {
  const { about, clock, maxInFlight, maxConnections } = options;
  const connections = new Set<Connection>();
  const closings = new Set<Promise<void>>();
  const waiting: Waiter[] = [];
  const opened = new AbortController();
  let ticket: TlsTicket | undefined;
  /** Queries that one connection is trusted with: falls when one is closed with queries outstanding, grows with answers. */
  let limit = maxInFlight;
  /** Whether the last opening that was decided succeeded. As long as it is not, one is tried for all who wait. */
  let proven = false;
  let ended = false;
  const endedError = (): ClientError => new ClientError(ClientErrorCode.ENDED, `${about}: the client was closed`);

  const taken = (): Connection[] => [...connections].filter(({ draining }) => !draining);
  /** How many connections may be opened. */
  const fresh = (): number => {
    const count = taken().length;
    return proven ? Math.max(0, maxConnections - count) : count === 0 ? 1 : 0;
  };
  /** Lets as many go on as there are places for. */
  const wake = (): void => {
    const places = taken().reduce((sum, { inFlight }) => sum + Math.max(0, limit - inFlight), fresh() * limit);
    for (const { go } of waiting.splice(0, ended ? waiting.length : places)) go();
  };
  const shut = (connection: Connection): void => {
    connection.stopIdle();
    if (!connections.delete(connection)) return;
    const session = connection.open?.session;
    if (session === undefined) return;
    ticket = connection.open?.ticket() ?? ticket;
    const closing = session.close().finally(() => closings.delete(closing));
    closings.add(closing);
    wake();
  };

  const start = (): Connection => {
    const used = ticket;
    const opening = options.open(used, opened.signal).catch((error: unknown) => {
      // A server that cannot make anything of a ticket may fail rather than do a full handshake.
      if (used === undefined || !(error instanceof ClientError) || !isClose(error)) throw error;
      return options.open(undefined, opened.signal);
    });
    const connection: Connection = {
      opening,
      began: clock.elapsed(),
      open: undefined,
      inFlight: 0,
      answered: 0,
      shared: false,
      draining: false,
      idleMs: options.idleMs,
      stopIdle: () => {},
    };
    connections.add(connection);
    opening.then(
      (open) => {
        connection.open = open;
        proven = true;
        open.session.onEnded(() => shut(connection));
        if (connection.inFlight === 0) rest(connection);
        wake();
      },
      (error: unknown) => {
        if (ticket === used) ticket = undefined;
        connections.delete(connection);
        proven = taken().some(({ open }) => open !== undefined);
        // Who has waited for this one gets what it brought; each trying for itself would take as long again.
        if (!proven) for (const { fail } of waiting.splice(0)) fail(error);
        wake();
      },
    );
    return connection;
  };

  /** Nothing is outstanding: the session is closed, at once or when it stays so. */
  const rest = (connection: Connection): void => {
    connection.open?.session.keepAlive(false);
    if (connection.draining) shut(connection);
    else connection.stopIdle = clock.after(connection.idleMs, () => shut(connection), true);
  };
  const release = (connection: Connection): void => {
    connection.inFlight--;
    if (connection.inFlight === 0 && connection.open?.session.open) rest(connection);
    wake();
  };

  const pick = (): Connection | undefined => {
    const all = [...connections].filter((one) => !one.draining && one.inFlight < limit);
    const one = all.find(({ open }) => open !== undefined) ?? all[0];
    return one ?? (fresh() > 0 ? start() : undefined);
  };

  /** A session with a place for one more query, which is taken. Rejects with a ClientError. */
  const acquire = async (deadline: Deadline): Promise<Place> => {
    let connection = pick();
    while (connection === undefined) {
      let waiter: Waiter = NOBODY;
      const turn = new Promise<void>((go, fail) => {
        waiter = { go, fail };
        waiting.push(waiter);
      });
      await within(turn, deadline, about, 'connect', () => {
        const at = waiting.indexOf(waiter);
        if (at >= 0) waiting.splice(at, 1);
        else wake();
      });
      if (ended) throw endedError();
      connection = pick();
    }
    connection.inFlight++;
    connection.shared ||= connection.inFlight > 1;
    connection.stopIdle();
    try {
      const open = connection.open ?? (await within(connection.opening, deadline, about, 'connect'));
      open.session.keepAlive(true);
      const giveBack = release.bind(undefined, connection);
      return { connection, open, giveBack };
    } catch (error) {
      release(connection);
      throw error;
    }
  };

  /** What the server says of idle sessions (RFC 7828 §3.4): 0 asks to close as soon as nothing is outstanding. */
  const honour = (connection: Connection, reply: Reply): void => {
    const keepalive = keepaliveOf(reply.message.edns);
    if (keepalive === 0) connection.draining = true;
    else if (keepalive !== undefined) connection.idleMs = Math.min(keepalive * MARGIN, options.maxIdleMs);
  };

  const nothingAnswered = (): boolean => ![...connections].some(({ answered }) => answered > 0);
  const unanswered = (error: unknown, neverAnswered: boolean): Unanswered => ({
    error: ended ? endedError() : fromSystem(error, about, 'answer'),
    neverAnswered,
  });

  const ask = async (query: Query, answerMs: number, deadline: Deadline, first?: Place): Promise<Asked> => {
    let reserved = first;
    for (let closes = 0; ; ) {
      let neverAnswered = nothingAnswered();
      let place = reserved;
      reserved = undefined;
      try {
        if (ended) throw endedError();
        place ??= await acquire(deadline);
        const { connection, open } = place;
        const before = connection.answered;
        const timeoutMs = Math.max(1, Math.min(answerMs, left(deadline)));
        try {
          const reply = await open.session.ask(query, { timeoutMs, signal: deadline.signal });
          connection.answered++;
          if (connection.answered >= 2 * limit) limit = Math.min(maxInFlight, 2 * limit);
          ticket = open.ticket() ?? ticket;
          honour(connection, reply);
          return { reply, tls: open.tls, reused: before > 0 };
        } catch (error) {
          neverAnswered = connection.answered === 0;
          if (!(error instanceof ClientError) || ended) throw error;
          const progress = connection.answered - before;
          // Something came that may have been meant for any of them: only who is alone knows that it was meant for it.
          const mixedUp = error.code === ClientErrorCode.MISMATCH && !open.session.open;
          if ((isClose(error) || mixedUp) && left(deadline) > 0) {
            // Those that are asked again are kept apart, so that one the server cannot stand does no harm to others.
            limit = progress === 0 || mixedUp ? 1 : Math.min(limit, connection.answered);
            if (closes++ === 0 || ((connection.answered > 0 || mixedUp) && closes < MAX_CLOSES)) continue;
          }
          // Nothing came for all this time, or what is no answer: the session is not asked any more.
          const lost = error.code === ClientErrorCode.TIMED_OUT && progress === 0;
          const another = options.patient === true && connection.shared;
          if (lost && (before > 0 || open.session.stalled || another) && left(deadline) > 0) {
            // The path may be gone, or another query be the cause, and the server as well as ever.
            connection.draining = true;
            limit = 1;
            if (closes++ === 0) continue;
          }
          const wrong = error.code === ClientErrorCode.MALFORMED || error.code === ClientErrorCode.MISMATCH;
          if (lost || wrong) connection.draining = true;
          throw error;
        }
      } catch (error) {
        return unanswered(error, neverAnswered);
      } finally {
        place?.giveBack();
      }
    }
  };

  const reserve = async (deadline: Deadline): Promise<Reserved> => {
    const neverAnswered = nothingAnswered();
    try {
      if (ended) throw endedError();
      return { place: await acquire(deadline) };
    } catch (error) {
      return unanswered(error, neverAnswered && nothingAnswered());
    }
  };

  const outcome = async (): Promise<ClientError | undefined> => {
    const opening = [...connections].find(({ open }) => open === undefined)?.opening;
    return await opening?.then(
      () => undefined,
      (error: unknown) => unanswered(error, true).error,
    );
  };

  return {
    ask,
    reserve,
    outcome,
    get live() {
      return [...connections].some(({ open, draining }) => open !== undefined && !draining);
    },
    get waited() {
      const [oldest] = connections;
      return oldest === undefined || proven ? 0 : clock.elapsed() - oldest.began;
    },
    get busy() {
      return [...connections].some(({ inFlight }) => inFlight > 0);
    },
    async close() {
      ended = true;
      opened.abort();
      wake();
      await Promise.allSettled([...connections].map(({ opening }) => opening));
      for (const connection of connections) shut(connection);
      await Promise.all(closings);
    },
  };
}
