/**
 * Time as the client sees it. Everything that waits or measures goes through a ClientClock, so that tests can move time by
 * hand. (It is not the server's Clock: the client shares nothing with the server but the numbers of the IANA registries.)
 * The machine's own are those of node's modules and of this import, not the global ones, which a program's tests may fake.
 */
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { withMethods } from './validation.js';

export interface ClientClock {
  /** Milliseconds since 1970: what is remembered across processes is dated by it. */
  now(): number;
  /** Milliseconds since some fixed moment; never runs backwards. */
  elapsed(): number;
  /** Calls `fire` once in `milliseconds`; what is returned prevents that. An idle timer does not keep the process alive. */
  after(milliseconds: number, fire: () => void, idle?: boolean): () => void;
}

/** A clock of the caller's. */
export const validateClock = withMethods('now', 'elapsed', 'after');

const wallTime: () => number = Date.now;
/** Milliseconds that a timer of Node.js can have at most. */
const MAX_TIMER = 2 ** 31 - 1;

/** The machine's time. */
export const systemClock: ClientClock = {
  now: wallTime,
  elapsed: () => performance.now(),
  after(milliseconds, fire, idle = false) {
    // A longer one would fire at once.
    const handle = setTimeout(fire, Math.min(milliseconds, MAX_TIMER));
    if (idle) handle.unref();
    return () => clearTimeout(handle);
  },
};
