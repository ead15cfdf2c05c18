/** Waiting that ends: by a moment in time, or when the caller gives up. */
import { onAbort } from './abort.js';
import type { ClientClock } from './client-clock.js';
import { type ClientError, type Step, timedOut } from './errors.js';

export interface Deadline {
  readonly clock: ClientClock;
  /** On the clock's `elapsed`. */
  readonly at: number;
  readonly signal: AbortSignal | undefined;
}

/** Milliseconds until the deadline; not below 0. */
export function left(deadline: Deadline): number {
  return Math.max(0, deadline.at - deadline.clock.elapsed());
}

/**
 * What `promise` brings, unless the deadline comes first: then CLIENT_TIMED_OUT or CLIENT_ABORTED, of `step`. `over` is
 * told, so that nobody goes on for nothing.
 */
export function within<T>(
  promise: Promise<T>,
  deadline: Deadline,
  about: string,
  step: Step,
  over?: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const milliseconds = left(deadline);
    const fail = (error: ClientError): void => {
      done();
      over?.();
      reject(error);
    };
    const deaf = onAbort(deadline.signal, about, fail);
    const stop = deadline.clock.after(milliseconds, () => fail(timedOut(about, step, milliseconds)));
    const done = (): void => {
      deaf();
      stop();
    };
    promise.then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(error);
      },
    );
  });
}
