/** The nameservers that are told of new versions of a zone: the remotes of its policy, and the nameservers of the zone. */
import { isIP, isIPv6 } from 'node:net';
import { NAMESERVERS } from '../../config/remotes.js';
import type { Config } from '../../config/schema.js';
import { messageOf } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { zoneKey } from '../../protocol/name.js';
import type { TsigKey } from '../../protocol/tsig/tsig-key.js';
import { interfaces } from '../../transport/interfaces.js';
import { configuredKey } from '../plane/tsig-secrets.js';
import { type EffectivePolicy, zonePolicyOf } from '../zone-policy.js';
import type { NotifyTarget } from './notify-sender.js';

/** The port of nameservers that only NS records name. */
const DNS = 53;
const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];

export class NotifyTargets {
  readonly #policyOf: (zone: string) => EffectivePolicy;
  readonly #remotes: ReadonlyMap<string, NotifyTarget>;
  readonly #own: ReadonlySet<string>;

  /** A key whose file cannot be used is left out, and the log says so. */
  constructor(config: Config, log: Pick<Log, 'warn'>, readInterfaces = interfaces) {
    this.#policyOf = zonePolicyOf(config);
    const keys = new Map(config.tsig.map((key) => [zoneKey(key.name), key]));
    this.#remotes = new Map(
      config.remotes.map(({ name, addresses: hosts, port, source: sources, key }) => {
        const own = key === undefined ? undefined : usableKey(keys.get(zoneKey(key)), key, name, log);
        return [name, { name, hosts, port, sources, key: own }];
      }),
    );
    // Only the nameservers of a zone may be this server by mistake.
    const wanted = config.port === DNS && config.zones.policies.some(({ notify }) => notify.includes(NAMESERVERS));
    this.#own = new Set(wanted ? ownAddresses(config.listen, log, readInterfaces) : []);
  }

  /** Those of a zone, by its key; `nameservers`: reads the names of its NS records without MNAME. */
  of(zone: string, nameservers: () => readonly string[]): NotifyTarget[] {
    const { remotes, nameservers: wanted } = this.#policyOf(zone).notify;
    const listed = remotes.flatMap((name) => this.#remotes.get(name) ?? []);
    const named = wanted ? nameservers().map(nameserver) : [];
    return [...listed, ...named].filter(({ hosts }) => hosts.length > 0);
  }

  /** Whether an address is one of this server: the server does not tell itself. */
  isOwn(address: string, port: number): boolean {
    return port === DNS && this.#own.has(address);
  }
}

function nameserver(host: string): NotifyTarget {
  return { name: `${host} (NS)`, hosts: [host.replace(/\.$/, '')], port: DNS, sources: [], key: undefined };
}

function usableKey(
  key: Config['tsig'][number] | undefined,
  name: string,
  remote: string,
  log: Pick<Log, 'warn'>,
): TsigKey | undefined {
  const unsigned = (reason: string): undefined => {
    log.warn({ remote }, `NOTIFY to ${remote} is not signed: ${reason}`);
  };
  if (key === undefined) return unsigned(`its key ${name} cannot be used`);
  try {
    return configuredKey(key);
  } catch (error) {
    return unsigned(messageOf(error));
  }
}

function ownAddresses(listen: readonly string[], log: Pick<Log, 'warn'>, readInterfaces: typeof interfaces): string[] {
  const wildcards = listen.filter((address) => WILDCARDS.includes(address));
  const listed = listen.filter((address) => !WILDCARDS.includes(address));
  if (wildcards.length === 0) return listed;
  const found = readInterfaces();
  if (typeof found === 'string') {
    const text = `the addresses of this machine cannot be read (${found}): if it is a nameserver of a zone, it sends NOTIFY to itself; list them in \`listen\` in place of a wildcard`;
    log.warn({ listen }, text);
    return listed;
  }
  const versions = wildcards.map((address) => (isIPv6(address) ? 6 : 4));
  const addresses = Object.values(found).flatMap((all = []) => all.map(({ address }) => address));
  return [...listed, ...addresses.filter((address) => versions.some((version) => version === isIP(address)))];
}
