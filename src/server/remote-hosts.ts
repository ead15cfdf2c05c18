/**
 * The addresses of remotes that are configured by names of hosts, for requests that come from them: looked up at the start, when the
 * configuration changes, and again when the TTL has passed. A request that had to wait for DNS would be an open door for floods, so senders
 * that are not known yet are refused.
 */
import { isIP } from 'node:net';
import type { Config } from '../config/schema.js';
import { messageOf } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Clock, Timer } from '../session/clock.js';
import { type Remote, remotesOf } from './remotes.js';
import { type LookUp, lookUpOf, NoAddress } from './secondaries/resolve-remote.js';

/** Seconds from one look to the next, at least and at most, for any TTL. Guesses. */
const LEAST_PAUSE = 10;
const LONGEST_PAUSE = 3600;
/** Seconds until the next look when there is no answer. A guess. */
const RETRY = 30;
/** Seconds that addresses count for when the resolvers do not answer any more. A guess: an outage of DNS is over by then. */
const KEPT = 3600;

type Hosts = Pick<Config, 'remotes' | 'resolver' | 'zones'>;

interface Host {
  readonly timer: Timer;
  addresses: readonly string[];
  /** Milliseconds: until then the addresses count without an answer. */
  until: number;
  /** It has been logged that it has no address. */
  isTold: boolean;
}

interface RemoteHostsParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Others in tests. */
  readonly lookUp?: typeof lookUpOf;
}

export class RemoteHosts {
  readonly #parts: RemoteHostsParts;
  readonly #hosts = new Map<string, Host>();
  readonly #listeners: (() => void)[] = [];
  #config: Hosts;
  #lookUp: LookUp;
  #remotes: ReadonlyMap<string, Remote>;

  constructor(config: Hosts, parts: RemoteHostsParts) {
    this.#parts = parts;
    this.#config = config;
    this.#lookUp = (parts.lookUp ?? lookUpOf)(config.resolver);
    this.#remotes = remotesOf(config);
    this.configure(config);
  }

  /** Follows a configuration: all names are looked up now. */
  configure(config: Hosts): void {
    this.#config = config;
    this.#lookUp = (this.#parts.lookUp ?? lookUpOf)(config.resolver);
    const wanted = matchedHosts(config);
    for (const [name, { timer }] of this.#hosts) {
      if (wanted.has(name)) continue;
      timer.clear();
      this.#hosts.delete(name);
    }
    for (const name of wanted) {
      const host = this.#hosts.get(name) ?? this.#newHost(name);
      host.isTold = false;
      void this.#look(name, host);
    }
    this.#changed();
  }

  /** A remote as requests are matched against it now. */
  get(name: string): Remote | undefined {
    return this.#remotes.get(name);
  }

  /** The configuration with the addresses of remotes in place of their names. A name without one stays: nobody matches it. */
  matching<C extends Pick<Config, 'remotes'>>(config: C): C {
    if (this.#hosts.size === 0) return config;
    const addressesOf = (host: string): readonly string[] => {
      const known = this.#hosts.get(host)?.addresses ?? [];
      return known.length === 0 ? [host] : known;
    };
    const remotes = config.remotes.map((remote) => ({ ...remote, addresses: remote.addresses.flatMap(addressesOf) }));
    return { ...config, remotes };
  }

  /** Calls `listener` when others match than before. */
  onChanged(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    for (const { timer } of this.#hosts.values()) timer.clear();
    this.#hosts.clear();
  }

  #newHost(name: string): Host {
    const host: Host = {
      timer: this.#parts.clock.timer(() => void this.#look(name, host)),
      addresses: [],
      until: 0,
      isTold: false,
    };
    this.#hosts.set(name, host);
    return host;
  }

  #changed(): void {
    this.#remotes = remotesOf(this.matching(this.#config));
    for (const listener of this.#listeners) listener();
  }

  async #look(name: string, host: Host): Promise<void> {
    const { clock } = this.#parts;
    const lookUp = this.#lookUp;
    host.timer.clear();
    try {
      const { addresses, ttl } = await lookUp(name);
      if (!this.#isAwaited(name, host, lookUp)) return;
      const pause = Math.min(Math.max(ttl, LEAST_PAUSE), LONGEST_PAUSE);
      host.until = clock.milliseconds() + (pause + KEPT) * 1000;
      host.timer.set(pause * 1000);
      this.#found(name, host, addresses);
    } catch (error) {
      if (!this.#isAwaited(name, host, lookUp)) return;
      host.timer.set(RETRY * 1000);
      // Without an answer, nobody has said that the addresses are others now.
      if (!(error instanceof NoAddress) && clock.milliseconds() < host.until) return;
      this.#lost(name, host, messageOf(error));
    }
  }

  /** Whether it is still wanted, and is not being looked up elsewhere since. */
  #isAwaited(name: string, host: Host, lookUp: LookUp): boolean {
    return this.#hosts.get(name) === host && this.#lookUp === lookUp;
  }

  #found(name: string, host: Host, found: readonly string[]): void {
    const addresses = [...new Set(found)].sort();
    if (host.isTold)
      this.#parts.log.info({ host: name, addresses }, `${name} has an address again: ${addresses.join(', ')}`);
    host.isTold = false;
    if (addresses.join() === host.addresses.join()) return;
    host.addresses = addresses;
    this.#changed();
  }

  #lost(name: string, host: Host, reason: string): void {
    const concerned = this.#config.remotes.filter(({ addresses }) => addresses.includes(name)).map((one) => one.name);
    if (!host.isTold) {
      const text = `${reason}; requests of ${concerned.join(', ')} from there are refused until it has one`;
      this.#parts.log.warn({ host: name, remotes: concerned }, text);
    }
    host.isTold = true;
    if (host.addresses.length === 0) return;
    host.addresses = [];
    this.#changed();
  }
}

/** The names of hosts from which requests may come: those of primaries, and of remotes that may transfer or change zones. */
function matchedHosts({ remotes, zones }: Hosts): Set<string> {
  const matched = new Set([
    ...[...zones.secondary, ...zones.catalogs].flatMap(({ from }) => from),
    ...zones.policies.flatMap(({ transfer, update }) => [
      ...(transfer?.to ?? []),
      ...update.flatMap(({ remote }) => remote ?? []),
    ]),
  ]);
  const hosts = remotes.filter(({ name }) => matched.has(name)).flatMap(({ addresses }) => addresses);
  return new Set(hosts.filter((host) => isIP(host.replace(/%.*$/, '')) === 0));
}
