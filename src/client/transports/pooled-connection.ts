/** One connection of a pool, and a query's place in it. */
import type { OpenSession } from '../session/connect.js';
import type { Reply } from '../session/reply.js';
import { keepaliveOf } from '../wire/edns.js';

export interface Connection {
  readonly opening: Promise<OpenSession>;
  /** When the opening began, on the clock's `elapsed`. */
  readonly began: number;
  /** Undefined while it is being opened. */
  open: OpenSession | undefined;
  /** Queries that have a place in it, also while it is being opened. */
  inFlight: number;
  answered: number;
  /** Whether several queries have ever had a place in it at the same time. */
  shared: boolean;
  /** No further queries are asked over it. */
  draining: boolean;
  idleMs: number;
  stopIdle(): void;
}

/** A place for one query in an open session. Its holder asks over it or gives it back. */
export interface Place {
  readonly connection: Connection;
  readonly open: OpenSession;
  /** The session stays open for other queries until its idle time is over. */
  giveBack(): void;
}

export function newConnection(opening: Promise<OpenSession>, began: number, idleMs: number): Connection {
  return {
    opening,
    began,
    open: undefined,
    inFlight: 0,
    answered: 0,
    shared: false,
    draining: false,
    idleMs,
    stopIdle: () => {},
  };
}

/** The part of the server's idle time after which we close: before the server does, so that no query crosses its FIN. */
const MARGIN = 0.9;

/** Takes over the server's idle time (RFC 7828 §3.4); 0 asks us to close as soon as nothing is outstanding. */
export function applyKeepalive(connection: Connection, reply: Reply, maxIdleMs: number): void {
  const keepalive = keepaliveOf(reply.message.edns);
  if (keepalive === 0) connection.draining = true;
  else if (keepalive !== undefined) connection.idleMs = Math.min(keepalive * MARGIN, maxIdleMs);
}
