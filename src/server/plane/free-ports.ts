/** Ports that the system chooses have to be free for several protocols and addresses, and it looks at one of them only. */
import { codeOf, isError } from '../../errors.js';

/** Attempts with other ports when those that the system chose are taken elsewhere. */
const ATTEMPTS = 20;

/**
 * Returns whether an error of binding `ports` calls for other ports: one of them is 0, and the port that the system chose for it is taken.
 */
export function freePortRetry(ports: readonly number[]): (error: unknown) => boolean {
  let attempts = 1;
  return (error) =>
    ports.includes(0) && isError(error) && codeOf(error.cause) === 'EADDRINUSE' && attempts++ < ATTEMPTS;
}
