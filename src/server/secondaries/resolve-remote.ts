/** Addresses of remotes that are configured by their host names. */
import { Resolver } from 'node:dns/promises';
import { AdotdError, ErrorCode, systemReason } from '../../errors.js';
import type { Resolve } from './primary.js';

/** Milliseconds for one question, and how often it is sent. Guesses. */
const TIMEOUT = 3000;
const TRIES = 2;

interface HostAddresses {
  /** IPv6 addresses come first. */
  readonly addresses: readonly string[];
  /** Seconds that they count for. */
  readonly ttl: number;
}

/** Looks up a host name. Rejects with ADOTD_TRANSFER: a NoAddress when DNS says that it has none. */
export type LookUp = (name: string) => Promise<HostAddresses>;

/** DNS says that a name has no address, or is not there. */
export class NoAddress extends AdotdError {}

/** The error codes of node:dns when the name, or its address, does not exist. */
const NOTHING: readonly unknown[] = ['ENOTFOUND', 'ENODATA'];

/** Asks the resolvers with these addresses (`192.0.2.53`, `[2001:db8::53]:5353`); none: those of the system. */
export function lookUpOf(servers: readonly string[]): LookUp {
  const resolver = new Resolver({ timeout: TIMEOUT, tries: TRIES });
  if (servers.length > 0) resolver.setServers(servers);
  return async (name) => {
    const asked = [resolver.resolve6(name, { ttl: true }), resolver.resolve4(name, { ttl: true })];
    const answers = await Promise.allSettled(asked);
    const records = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (records.length > 0)
      return { addresses: records.map(({ address }) => address), ttl: Math.min(...records.map(({ ttl }) => ttl)) };
    const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    const reasons = failures.map((failure) => systemReason(failure));
    const reason = [...new Set(reasons)].join(', ') || 'it has none';
    const isNone = failures.every((failure: { readonly code?: unknown }) => NOTHING.includes(failure.code));
    const Kind = isNone ? NoAddress : AdotdError;
    throw new Kind(ErrorCode.TRANSFER, `found no address of ${name}: ${reason}`);
  };
}

/** The same without TTLs. */
export function resolverOf(servers: readonly string[]): Resolve {
  const lookUp = lookUpOf(servers);
  return async (name) => (await lookUp(name)).addresses;
}
