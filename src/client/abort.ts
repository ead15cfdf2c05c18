/** Giving up on request: what an AbortSignal means for a step of the client. */
import { ClientError, ClientErrorCode } from './errors.js';

/** The error of a step that was given up; `signal.reason` is its cause. */
export function aborted(signal: AbortSignal, about: string): ClientError {
  return new ClientError(ClientErrorCode.ABORTED, `${about}: given up on request`, { cause: signal.reason });
}

/** Calls `fire` when the signal is aborted; what is returned prevents that. Throws CLIENT_ABORTED when it already is. */
export function onAbort(
  signal: AbortSignal | undefined,
  about: string,
  fire: (error: ClientError) => void,
): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) throw aborted(signal, about);
  const listener = (): void => fire(aborted(signal, about));
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
