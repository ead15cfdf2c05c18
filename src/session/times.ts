/** The idle time of sessions while there are many of them, and the moments of each step while the server stops. Pure functions. */

/** The idle time shrinks while the connections in use grow from the first to the second of these parts of the limit. */
const SHRINK_FROM = 0.5;
const SHRINK_TO = 0.9;
/** Part of the limit from which on clients are asked to close (keepalive 0). */
export const SHED_FROM = 0.95;

/** Milliseconds at a load of `load`, the part of the limit that is used; between `idleTime` and `idleTimeMin`. */
export function idleTimeAt(load: number, { idleTime, idleTimeMin }: { idleTime: number; idleTimeMin: number }): number {
  if (load <= SHRINK_FROM) return idleTime;
  const part = Math.min(1, (load - SHRINK_FROM) / (SHRINK_TO - SHRINK_FROM));
  return Math.max(idleTimeMin, Math.round(idleTime - (idleTime - idleTimeMin) * part));
}

/**
 * Milliseconds without a query after which a session counts as quiet while the server stops. A guess: some round trips. A client
 * that waits for each answer before it asks again has then read the last one, with keepalive 0, and has asked again or closed.
 */
const QUIET = 250;
/** Part of the drain time: the longest time that a session has to be quiet; and the time that is kept to close those that never are. */
const PART = 0.25;
/** The most that is kept, in milliseconds: a client reads the last answers and closes. A guess: some round trips. */
const RESERVE = 500;

/** In milliseconds of the clock, but for `quiet`. */
export interface StopTimes {
  /** Milliseconds without a query after which a session is closed. */
  readonly quiet: number;
  /** From then on nothing more is read: queries that have been read are answered, and every session is closed. */
  readonly lastCall: number;
  /** Sessions that are still open then are cut off. */
  readonly end: number;
}

/**
 * For a server that stops `now` and gives its sessions `drainTime` milliseconds. A session that is closed at once loses the query
 * that is on its way at that moment. So answers first ask the clients to close (keepalive 0, RFC 7828 §3.3.2), and only quiet
 * sessions are closed.
 */
export function stopTimes(now: number, drainTime: number): StopTimes {
  const part = drainTime * PART;
  const end = now + drainTime;
  return { quiet: Math.min(QUIET, part), lastCall: end - Math.min(RESERVE, part), end };
}
