/**
 * The capabilities of servers: which of them upgrade or speak TLS, since when, and for how long this is believed; and which do not answer
 * over UDP. They are held in memory; capability-file.ts keeps them. They do not say which names were asked.
 *
 * There is one entry for each transport of an address and port:
 * - works: an answer came over it. Believed for the persistence of RFC 9539 §4.3 after the last answer. It is not noted for UDP,
 *   where it is the rule.
 * - fails: no session opened, or none brought an answer. Not tried again for an hour (the draft, §2.1.3). If it fails again
 *   after that hour, it is not tried for the damping time of RFC 9539 §4.3, a day. Both texts are followed because they differ: a day of
 *   cleartext is much for one lost handshake, and an hour is little for a server that will never speak TLS.
 */
import { SocketAddress } from 'node:net';
import { ClientErrorCode } from '../errors.js';
import {
  atLeastZero,
  callable,
  ipAddress,
  objectOf,
  oneOf,
  port,
  present,
  type Validators,
  whole,
  withMethods,
} from '../validation.js';

export type EncryptedTransport = 'tls' | 'starttls';

export interface CapabilityKey {
  readonly transport: EncryptedTransport | 'udp';
  /** An IP address. */
  readonly address: string;
  readonly port: number;
}

export interface Capability {
  readonly status: 'works' | 'fails';
  /** When it was first seen to be so, in milliseconds since 1970. */
  readonly since: number;
  /** When it was last seen to be so, in milliseconds since 1970. */
  readonly last: number;
  /** How often it failed in succession; 0 when it works. */
  readonly failures: number;
  /** Why it last failed. */
  readonly reason?: ClientErrorCode | undefined;
  /** When it last worked, in milliseconds since 1970, if it fails. */
  readonly worked?: number | undefined;
  /** STARTTLS: whether any first query is upgraded or only the dummy query, if a probe has found that out. */
  readonly mode?: 'any' | 'dummy' | undefined;
}

/** Milliseconds. */
export interface CapabilityTimes {
  /** How long success is believed. Default 3 days (RFC 9539 §4.3, "persistence"). */
  readonly persistence: number;
  /** How long a first failure is remembered. Default 1 hour (the draft, §2.1.3). */
  readonly failure: number;
  /** How long further failures in succession are remembered. Default 1 day (RFC 9539 §4.3, "damping"). */
  readonly damping: number;
}

export const CAPABILITY_TIMES: CapabilityTimes = { persistence: 259_200_000, failure: 3_600_000, damping: 86_400_000 };

/** Entries; a guess. They are 5,000 servers, and make a file of about 1.5 MB. */
const MAX_CAPABILITIES = 10_000;

export interface CapabilityCache {
  /** The capability that is believed now, if any. */
  get(key: CapabilityKey): Capability | undefined;
  /** When a transport that failed may be tried again, in milliseconds since 1970; undefined: now. */
  retryAt(key: CapabilityKey): number | undefined;
  /** Whether the transport has worked within the persistence, even if it fails now. */
  hasWorked(key: CapabilityKey): boolean;
  /** The transport brought an answer. */
  worked(key: CapabilityKey, mode?: 'any' | 'dummy'): void;
  /** The transport brought no answer. */
  failed(key: CapabilityKey, reason: ClientErrorCode): void;
  /** Forgets one transport, or everything. */
  forget(key?: CapabilityKey): void;
  /** Everything that is known now, the least recently seen first. */
  entries(): (readonly [CapabilityKey, Capability])[];
  /** Adds entries as they are. Of two entries for one key, the one with the later `last` wins. */
  restore(entries: Iterable<readonly [CapabilityKey, Capability]>): void;
  /** Calls `listener` after each change that is worth keeping. */
  onChange(listener: () => void): void;
}

export interface CapabilityCacheOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly times?: Partial<CapabilityTimes> | undefined;
  /** Most entries; the least recently seen go first. Default 10,000. */
  readonly max?: number | undefined;
}

export const capabilityCache = withMethods('get', 'retryAt', 'hasWorked', 'worked', 'failed');
export const capabilityTimes: Validators<CapabilityTimes> = {
  persistence: atLeastZero,
  failure: atLeastZero,
  damping: atLeastZero,
};
export const maxCapabilities = whole(0, 1_000_000);

const validateCacheOptions = objectOf<CapabilityCacheOptions>(
  { now: callable, times: objectOf(capabilityTimes), max: maxCapabilities },
  ['now'],
);

const noted = oneOf('tls', 'starttls', 'udp');
const validateKey = objectOf<CapabilityKey>({ transport: noted, address: ipAddress, port }, [
  'transport',
  'address',
  'port',
]);

const validateFailureCode = oneOf(...Object.values(ClientErrorCode));
const validateCapability = objectOf<Capability>(
  {
    status: oneOf('works', 'fails'),
    since: atLeastZero,
    last: atLeastZero,
    failures: atLeastZero,
    reason: validateFailureCode,
    worked: atLeastZero,
    mode: oneOf('any', 'dummy'),
  },
  ['status', 'since', 'last', 'failures'],
);

/** Milliseconds within which the same success is no news: every answer says that its transport works. */
const NEWS = 600_000;

/** Throws CLIENT_INPUT, and so do `worked`, `failed` and `restore` when the transport, the address or the port is no such thing. */
export function createCapabilityCache(options: CapabilityCacheOptions): CapabilityCache {
  validateCacheOptions(options, '');
  const { now } = options;
  const times = { ...CAPABILITY_TIMES, ...present(options.times) };
  const entries = createEntries(now, times, options.max ?? MAX_CAPABILITIES);
  const { current, believed, lifetime, lastWorked, put, known } = entries;
  const { changed, onChange } = createListeners();
  const forget = (key: CapabilityKey): void => {
    if (known.delete(textOf(key))) changed();
  };

  return {
    get: (key) => believed(current(key)),
    retryAt(key) {
      const capability = believed(current(key));
      return capability?.status === 'fails' ? capability.last + lifetime(capability) : undefined;
    },
    hasWorked: (key) => lastWorked(key) !== undefined,
    worked(key, mode) {
      validateKey(key, 'key');
      if (key.transport === 'udp') return forget(key);
      const before = current(key);
      const same = before?.status === 'works';
      // After the whole persistence success is learnt anew, so that transports before it in the order get their turn.
      const since = same && now() - before.since < times.persistence ? before.since : now();
      const next = mode ?? (same ? before.mode : undefined);
      if (same && since === before.since && next === before.mode && now() - before.last < NEWS) return;
      put(key, { status: 'works', since, last: now(), failures: 0, ...(next !== undefined && { mode: next }) });
      changed();
    },
    failed(key, reason) {
      validateKey(key, 'key');
      validateFailureCode(reason, 'reason');
      const before = current(key);
      const same = before?.status === 'fails';
      // Queries that were under way together are one failure.
      const again = same && believed(before) === undefined;
      const failures = same ? before.failures + (again ? 1 : 0) : 1;
      const worked = lastWorked(key);
      const since = same ? before.since : now();
      put(key, { status: 'fails', since, last: now(), failures, reason, ...(worked !== undefined && { worked }) });
      changed();
    },
    forget(key) {
      if (key !== undefined) return forget(key);
      known.clear();
      changed();
    },
    entries: () => [...known.values()].filter(([key]) => current(key) !== undefined || lastWorked(key) !== undefined),
    restore(entries) {
      for (const [key, capability] of entries) {
        validateKey(key, 'key');
        validateCapability(capability, 'capability');
        const before = known.get(textOf(key))?.[1];
        if (before === undefined || before.last < capability.last) put(key, capability);
      }
    },
    onChange,
  };
}

/** The entries, the least recently seen first, and how long each is believed. */
function createEntries(now: () => number, times: CapabilityTimes, max: number) {
  const known = new Map<string, readonly [CapabilityKey, Capability]>();
  const lifetime = ({ status, failures }: Capability): number =>
    status === 'works' ? times.persistence : failures > 1 ? times.damping : times.failure;
  /** When the transport last worked, if that is within the persistence. A failure does not take it back. */
  const lastWorked = (key: CapabilityKey): number | undefined => {
    const capability = known.get(textOf(key))?.[1];
    const last = capability?.status === 'works' ? capability.last : capability?.worked;
    return last !== undefined && now() >= last && now() - last < times.persistence ? last : undefined;
  };
  return {
    known,
    lifetime,
    lastWorked,
    /**
     * The entry, even if it is no longer believed: a failure stays known for its lifetime once more, so that the next one counts as
     * the second. An entry from the future was written by a clock that was wrong, and would be believed for ever; it is dropped.
     */
    current(key: CapabilityKey): Capability | undefined {
      const text = textOf(key);
      const capability = known.get(text)?.[1];
      if (capability === undefined) return undefined;
      const age = now() - capability.last;
      const keep = lifetime(capability) * (capability.status === 'fails' ? 2 : 1);
      if (age >= 0 && age < keep) return capability;
      if (lastWorked(key) === undefined) known.delete(text);
      return undefined;
    },
    believed: (capability: Capability | undefined): Capability | undefined =>
      capability !== undefined && now() - capability.last < lifetime(capability) ? capability : undefined,
    /** Puts the entry at the end, and drops the oldest ones beyond `max`. */
    put(key: CapabilityKey, capability: Capability): void {
      const text = textOf(key);
      known.delete(text);
      known.set(text, [{ ...key, address: canonical(key.address) }, capability]);
      for (const oldest of known.keys()) {
        if (known.size <= max) break;
        known.delete(oldest);
      }
    },
  };
}

function createListeners() {
  const listeners: (() => void)[] = [];
  return {
    onChange: (listener: () => void): void => void listeners.push(listener),
    changed(): void {
      for (const listener of listeners) {
        try {
          listener();
        } catch (error) {
          // The mistake is the caller's. It must not become the failure of a query.
          process.emitWarning(`a listener of the capability cache has thrown: ${String(error)}`, 'AdotdClientWarning');
        }
      }
    },
  };
}

function canonical(address: string): string {
  // SocketAddress drops the zone; the same address in two networks is two servers.
  const [plain = '', zone] = address.split('%');
  try {
    const family = plain.includes(':') ? 'ipv6' : 'ipv4';
    return `${new SocketAddress({ address: plain, family }).address}${zone === undefined ? '' : `%${zone}`}`;
  } catch {
    return address;
  }
}

function textOf({ transport, address, port }: CapabilityKey): string {
  return `${transport} ${canonical(address)} ${port}`;
}
