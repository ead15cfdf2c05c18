/** Addresses of remotes that are configured by their host names. */
import { Resolver } from 'node:dns/promises';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import type { Resolve } from './primary.js';

/** Milliseconds for one question, and how often it is sent. Guesses. */
const TIMEOUT = 3000;
const TRIES = 2;

/**
 * Resolves by the resolvers with these addresses (`192.0.2.53`, `[2001:db8::53]:5353`); none: those of the system. IPv6 addresses
 * come first.
 */
export function resolverOf(servers: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: TIMEOUT, tries: TRIES });
  if (servers.length > 0) resolver.setServers(servers);
  return async (name) => {
    const answers = await Promise.allSettled([resolver.resolve6(name), resolver.resolve4(name)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    const reasons = answers.flatMap((answer) => (answer.status === 'rejected' ? systemReason(answer.reason) : []));
    const reason = [...new Set(reasons)].join(', ') || 'it has none';
    throw new AdotdError(ErrorCode.TRANSFER, `found no address of ${name}: ${reason}`);
  };
}
