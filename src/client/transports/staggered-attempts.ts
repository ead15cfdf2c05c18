/**
 * Staggered attempts (RFC 8305 §5): the next one begins when the one before has failed, or is not done after its head start. An
 * attempt may be the opening of a session, or a query over several transports.
 */

import type { ClientClock } from '../client-clock.js';
import { onAbort } from '../deadline.js';

export interface StaggeredAttempt<T> {
  /**
   * Brings a result, or undefined if it fails. `signal` is aborted when another attempt was faster; then `run` itself gives
   * back all that it has taken. `hold` keeps the next attempt from beginning unless this one fails.
   */
  run(signal: AbortSignal, hold: () => void): Promise<T | undefined>;
  /** Called with the result of `run` if another attempt was faster and `run` had not seen the signal yet. */
  late?(done: T): void;
  /** Milliseconds from its beginning to that of the next one. 0 or less: both begin at once. */
  readonly headStart: number;
}

/**
 * Resolves with the first result, or with undefined when all attempts have failed. Rejects when one of them rejects, and with
 * CLIENT_ABORTED when `signal` is aborted. In each case the other attempts are aborted.
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
    /** Returns false when it was over before. */
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
