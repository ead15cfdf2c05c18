/**
 * Time as the client sees it. Everything that waits or measures goes through a ClientClock, so that tests can move time by
 * hand. It is not the server's Clock: the client shares only the numbers of the IANA registries with the server.
 * The system clock uses the functions of Node's modules, because a program's tests may fake the global ones.
 */
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { withMethods } from './validation.js';

export interface ClientClock {
  /** Milliseconds since 1970. It dates the capabilities that are kept across processes. */
  now(): number;
  /** Milliseconds since some fixed moment; never runs backwards. */
  elapsed(): number;
  /**
   * Calls `fire` once after `milliseconds`. The function that is returned stops the timer. An idle timer does not keep the process
   * alive.
   */
  after(milliseconds: number, fire: () => void, idle?: boolean): () => void;
}

export const validateClock = withMethods('now', 'elapsed', 'after');

const wallTime: () => number = Date.now;
/** The longest timer of Node.js, in milliseconds. A longer one fires at once. */
const MAX_TIMER = 2 ** 31 - 1;

export const systemClock: ClientClock = {
  now: wallTime,
  elapsed: () => performance.now(),
  after(milliseconds, fire, idle = false) {
    const handle = setTimeout(fire, Math.min(milliseconds, MAX_TIMER));
    if (idle) handle.unref();
    return () => clearTimeout(handle);
  },
};
