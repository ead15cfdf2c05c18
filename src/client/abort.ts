/** Giving up on request: what an AbortSignal means for a step of the client. */
import { ClientError, ClientErrorCode } from './errors.js';

/** The error of a step that was given up; `signal.reason` is its cause. */
export function aborted(signal: AbortSignal, about: string): ClientError {
  return new ClientError(ClientErrorCode.ABORTED, `${about}: given up on request`, { cause: signal.reason });
}

/** Of each signal that is waited for: whom to tell. One listener tells them all, since Node warns of more than ten. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `fire` when the signal is aborted; what is returned prevents that. Throws CLIENT_ABORTED when it already is. */
export function onAbort(
  signal: AbortSignal | undefined,
  about: string,
  fire: (error: ClientError) => void,
): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) throw aborted(signal, about);
  const told = waiting.get(signal) ?? listening(signal);
  const tell = (): void => fire(aborted(signal, about));
  told.add(tell);
  return () => void told.delete(tell);
}

/** The listener stays: it holds nothing when nobody waits, and goes with the signal. */
function listening(signal: AbortSignal): Set<() => void> {
  const told = new Set<() => void>();
  waiting.set(signal, told);
  const listener = (): void => {
    for (const tell of told) tell();
  };
  signal.addEventListener('abort', listener, { once: true });
  return told;
}
