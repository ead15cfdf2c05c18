/**
 * Time as sessions and transports see it. Everything that waits or measures goes through a Clock, so that tests can move
 * time by hand (test/support/clock.ts). The machine's timers and clock are imported from
 * node's modules: a program's tests may fake the global ones, and a server inside that program still has to run.
 */
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

/** A timer that fires at most once per `set`. */
export interface Timer {
  /** Fires in `milliseconds`, and not at the time of an earlier `set`. */
  set(milliseconds: number): void;
  clear(): void;
}

export interface Clock {
  /** Whole seconds since 1970. */
  seconds(): number;
  /** Whole milliseconds since 1970; the same in all threads. */
  wallMilliseconds(): number;
  /** Milliseconds since some fixed moment; never runs backwards. */
  milliseconds(): number;
  /** A timer that is not running yet. */
  timer(fire: () => void): Timer;
}

/** Milliseconds since 1970, by the machine's clock. */
export const wallTime: () => number = Date.now;

/** The machine's time. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  seconds: () => Math.floor(wallTime() / 1000),
  wallMilliseconds: () => wallTime(),
  milliseconds: () => performance.now(),
  timer(fire) {
    let handle: NodeJS.Timeout | undefined;
    return {
      set(milliseconds) {
        clearTimeout(handle);
        handle = setTimeout(fire, milliseconds);
        handle.unref();
      },
      clear() {
        clearTimeout(handle);
        handle = undefined;
      },
    };
  },
};
