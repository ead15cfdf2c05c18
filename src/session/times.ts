/**
 * When what happens while the server stops. A session that is closed at once loses the query that crosses our closing on its
 * way; so answers ask the clients to close first (keepalive 0, RFC 7828 §3.3.2), and who is quiet is closed.
 */

/**
 * Milliseconds without a query after which a session is taken for quiet. A guess: some round trips, so that a client that waits
 * for an answer before it asks again has read it, with keepalive 0, and has asked or closed.
 */
const QUIET = 250;
/** Part of the drain time that a session need be quiet at most, and that is kept for closing those that never are. */
const PART = 0.25;
/** But no more than this is kept, in milliseconds: a client reads the last answers and closes. A guess: some round trips. */
const RESERVE = 500;

/** In milliseconds of the clock, but for `quiet`. */
export interface StopTimes {
  /** Milliseconds without a query after which a session is closed. */
  readonly quiet: number;
  /** From then on nothing more is read: what has been read is answered, and every session is closed. */
  readonly lastCall: number;
  /** What is still there then is cut off. */
  readonly end: number;
}

/** Of a server that stops `now` and gives its sessions `drainTime` milliseconds. */
export function stopTimes(now: number, drainTime: number): StopTimes {
  const part = drainTime * PART;
  const end = now + drainTime;
  return { quiet: Math.min(QUIET, part), lastCall: end - Math.min(RESERVE, part), end };
}
