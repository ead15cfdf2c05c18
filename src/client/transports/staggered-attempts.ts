/**
 * Staggered attempts (RFC 8305 §5): the next one begins when the one before has failed, or is not done after a head start.
 * What the attempts are is not known here: connections to transports, and whole transports.
 */

import type { ClientClock } from '../client-clock.js';
import { onAbort } from '../deadline.js';

export interface StaggeredAttempt<T> {
  /**
   * Runs until it is done; undefined: it has failed. When `signal` is aborted, another one was faster, and what it is done
   * with is for itself to give back. `hold` takes the head start away: the next one begins only if this one fails.
   */
  run(signal: AbortSignal, hold: () => void): Promise<T | undefined>;
  /** Is given back what it was done with when that was the very moment of another one, before its signal was aborted. */
  late?(done: T): void;
  /** Milliseconds from its beginning to that of the next one; not above 0: both at once. */
  readonly headStart: number;
}

/**
 * What the first one that is done brings, the others aborted; undefined when all have failed. Rejects when one rejects, and
 * with CLIENT_ABORTED when `signal` is aborted; the others are aborted then too.
 */
export function runStaggered<T>(
  attempts: readonly StaggeredAttempt<T>[],
  clock: ClientClock,
  signal: AbortSignal | undefined,
  about: string,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const running = new Set<AbortController>();
    let begun = 0;
    let stop = (): void => {};
    let over = false;
    /** Whether it was not over before. */
    const end = (): boolean => {
      const now = !over;
      over = true;
      stop();
      unlisten();
      for (const controller of running) controller.abort(signal?.reason);
      return now;
    };
    const fail = (error: unknown): void => {
      if (end()) reject(error);
    };

    const begin = (): void => {
      stop();
      const attempt = attempts[begun++];
      if (attempt === undefined) {
        if (running.size === 0 && end()) resolve(undefined);
        return;
      }
      const controller = new AbortController();
      const latest = begun;
      const isLatest = (): boolean => !over && latest === begun;
      running.add(controller);
      let held = false;
      const hold = (): void => {
        held = true;
        if (isLatest()) stop();
      };
      attempt.run(controller.signal, hold).then((done) => {
        running.delete(controller);
        if (over) {
          if (done !== undefined) attempt.late?.(done);
        } else if (done !== undefined) {
          end();
          resolve(done);
        } else if (isLatest() || running.size === 0) begin();
      }, fail);
      if (held || begun === attempts.length) return;
      if (attempt.headStart <= 0) begin();
      else stop = clock.after(attempt.headStart, begin);
    };
    const unlisten = onAbort(signal, about, fail);
    begin();
  });
}
