/** The end of waiting: at a moment in time, or when the caller's AbortSignal is aborted. */
import type { ClientClock } from './client-clock.js';
import { ClientError, ClientErrorCode, type Step, timedOut } from './errors.js';

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
 * Waits for `promise` until the deadline. If the deadline comes first, this calls `onGivenUp` and rejects with CLIENT_TIMED_OUT or
 * CLIENT_ABORTED of `step`.
 */
export function within<T>(
  promise: Promise<T>,
  deadline: Deadline,
  about: string,
  step: Step,
  onGivenUp?: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const milliseconds = left(deadline);
    const fail = (error: ClientError): void => {
      done();
      onGivenUp?.();
      reject(error);
    };
    const unlisten = onAbort(deadline.signal, about, fail);
    const stop = deadline.clock.after(milliseconds, () => fail(timedOut(about, step, milliseconds)));
    const done = (): void => {
      unlisten();
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

/** The error of a step that the caller gave up. */
function aborted(signal: AbortSignal, about: string): ClientError {
  return new ClientError(ClientErrorCode.ABORTED, `${about}: given up on request`, { cause: signal.reason });
}

/** The callbacks of each signal. One listener calls them all, since Node.js warns of more than ten listeners. */
const callbacksOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `fire` when the signal is aborted. The function that is returned takes the callback away. Throws CLIENT_ABORTED when the
 * signal is aborted already.
 */
export function onAbort(
  signal: AbortSignal | undefined,
  about: string,
  fire: (error: ClientError) => void,
): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) throw aborted(signal, about);
  const callbacks = callbacksOf.get(signal) ?? listen(signal);
  const callback = (): void => fire(aborted(signal, about));
  callbacks.add(callback);
  return () => void callbacks.delete(callback);
}

/** Adds the one listener. It stays as long as the signal does, and holds nothing when there are no callbacks. */
function listen(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>();
  callbacksOf.set(signal, callbacks);
  const listener = (): void => {
    for (const callback of callbacks) callback();
  };
  signal.addEventListener('abort', listener, { once: true });
  return callbacks;
}
