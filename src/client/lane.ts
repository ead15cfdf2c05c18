/**
 * The sessions with one server over one transport, shared by all queries: reused while they are open, with many queries
 * outstanding in each (RFC 7766 §6.2.1), resumed by the newest ticket (RFC 7858 §3.4), closed by us when idle.
 *
 * A connection that is closed with queries outstanding is nothing unusual (RFC 7766 §6.2.4; the draft, §2.1.5): they are
 * asked again over a new one, each once; and again where the new one has answered something before it was closed, which is
 * how a server looks that closes after each answer.
 */
import type { ClientClock } from './clock.js';
import type { OpenSession } from './connect.js';
import { type Deadline, left, within } from './deadline.js';
import { keepaliveOf } from './edns.js';
import { ClientError, ClientErrorCode, fromSystem } from './errors.js';
import type { Query } from './message.js';
import type { Reply } from './reply.js';
import type { TlsInfo, TlsTicket } from './tls.js';

export interface LaneLimits {
  /** Queries outstanding in one session. */
  readonly maxInFlight: number;
  /** Connections at once; a further one is opened only when the others have `maxInFlight` queries outstanding. */
  readonly maxConnections: number;
  /** Milliseconds after which an idle session is closed, when the server says nothing (RFC 7828). */
  readonly idleMs: number;
  /** The same at most, whatever the server says. */
  readonly maxIdleMs: number;
}

export interface LaneOptions extends LaneLimits {
  /** Names the server and transport in messages. */
  readonly about: string;
  readonly clock: ClientClock;
  /** Opens a session within a time of its own. Rejects with a ClientError. */
  open(ticket: TlsTicket | undefined, signal: AbortSignal): Promise<OpenSession>;
}

/** What became of a query. */
export type Asked =
  | { readonly reply: Reply; readonly tls: TlsInfo | undefined; readonly reused: boolean }
  | {
      readonly error: ClientError;
      /** No session came about, or it never brought an answer: a fault of the transport, not of this query. */
      readonly barren: boolean;
    };

export interface Lane {
  /** Asks, waiting for each answer at most `answerMs`, and in all until the deadline. */
  ask(query: Query, answerMs: number, deadline: Deadline): Promise<Asked>;
  /** Whether a session is open. */
  readonly live: boolean;
  /** Whether anybody waits for an answer. */
  readonly busy: boolean;
  /** Closes all sessions; queries under way fail with CLIENT_ENDED. */
  close(): Promise<void>;
}

interface Connection {
  readonly opening: Promise<OpenSession>;
  open: OpenSession | undefined;
  /** Queries that have a place in it, also while it is being opened. */
  inFlight: number;
  answered: number;
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

export function createLane(options: LaneOptions): Lane {
  const { about, clock, maxInFlight, maxConnections } = options;
  const connections = new Set<Connection>();
  const closings = new Set<Promise<void>>();
  const waiting: (() => void)[] = [];
  const opened = new AbortController();
  let ticket: TlsTicket | undefined;
  /** Queries that one connection is trusted with: falls when one is closed with queries outstanding, grows with answers. */
  let limit = maxInFlight;
  let ended = false;
  const endedError = (): ClientError => new ClientError(ClientErrorCode.ENDED, `${about}: the client was closed`);

  /** Lets as many go on as there are places for. */
  const wake = (): void => {
    const taking = [...connections].filter(({ draining }) => !draining);
    const places = taking.reduce((sum, { inFlight }) => sum + Math.max(0, limit - inFlight), 0);
    const fresh = Math.max(0, maxConnections - taking.length) * limit;
    for (const next of waiting.splice(0, ended ? waiting.length : places + fresh)) next();
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
      open: undefined,
      inFlight: 0,
      answered: 0,
      draining: false,
      idleMs: options.idleMs,
      stopIdle: () => {},
    };
    connections.add(connection);
    opening.then(
      (open) => {
        connection.open = open;
        open.session.onEnded(() => shut(connection));
        if (connection.inFlight === 0) rest(connection);
        wake();
      },
      () => {
        if (ticket === used) ticket = undefined;
        connections.delete(connection);
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
    if (one !== undefined) return one;
    const count = [...connections].filter(({ draining }) => !draining).length;
    return count < maxConnections ? start() : undefined;
  };

  /** A session with a place for one more query, which is taken. Rejects with a ClientError. */
  const acquire = async (deadline: Deadline): Promise<{ connection: Connection; open: OpenSession }> => {
    let connection = pick();
    while (connection === undefined) {
      let next = (): void => {};
      const turn = new Promise<void>((resolve) => {
        next = resolve;
        waiting.push(next);
      });
      await within(turn, deadline, about, 'connect', () => {
        if (waiting.includes(next)) waiting.splice(waiting.indexOf(next), 1);
        else wake();
      });
      if (ended) throw endedError();
      connection = pick();
    }
    connection.inFlight++;
    connection.stopIdle();
    try {
      const open = connection.open ?? (await within(connection.opening, deadline, about, 'connect'));
      open.session.keepAlive(true);
      return { connection, open };
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

  const ask = async (query: Query, answerMs: number, deadline: Deadline): Promise<Asked> => {
    for (let closes = 0; ; ) {
      let barren = ![...connections].some(({ answered }) => answered > 0);
      let place: { connection: Connection; open: OpenSession } | undefined;
      try {
        if (ended) throw endedError();
        place = await acquire(deadline);
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
          barren = connection.answered === 0;
          if (!(error instanceof ClientError) || ended) throw error;
          const progress = connection.answered - before;
          if (isClose(error) && left(deadline) > 0) {
            // Those that are asked again are kept apart, so that one the server cannot stand does no harm to others.
            limit = progress === 0 ? 1 : Math.min(limit, connection.answered);
            if (closes++ === 0 || (connection.answered > 0 && closes < MAX_CLOSES)) continue;
          }
          // Nothing came for all this time, or what is no answer: the session is not asked any more.
          const lost = error.code === ClientErrorCode.TIMED_OUT && progress === 0;
          const wrong = error.code === ClientErrorCode.MALFORMED || error.code === ClientErrorCode.MISMATCH;
          if (lost || wrong) connection.draining = true;
          throw error;
        }
      } catch (error) {
        return { error: ended ? endedError() : fromSystem(error, about, 'answer'), barren };
      } finally {
        if (place !== undefined) release(place.connection);
      }
    }
  };

  return {
    ask,
    get live() {
      return [...connections].some(({ open, draining }) => open !== undefined && !draining);
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
