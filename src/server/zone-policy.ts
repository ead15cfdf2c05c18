/** The policy of a zone, from the policies of the configuration: transfers, NOTIFY, UPDATE, catalogs, serials. */
import { policyChoice, policyIndex } from '../config/policy-choice.js';
import { NAMESERVERS } from '../config/remotes.js';
import type { Config } from '../config/schema.js';
import { wantsSignals } from '../config/signals/signals.js';
import { zoneKey } from '../protocol/name.js';
import { typeByMnemonic } from '../protocol/rdata/table.js';
import type { DnssecPolicy } from './signing/dnssec-policy.js';
import { dnssecPolicies } from './signing/policies-of-config.js';

/** The records that a client may change. */
interface UpdateGrant {
  /** `name`: this name; `subdomain`: this name and those below it; `self`: the name of the client's key. */
  readonly match: 'name' | 'subdomain' | 'self';
  /** As zoneKey() writes it; of `self`, the name of the key. */
  readonly name: string;
  /** Numbers of types; undefined: all but NS and SOA. */
  readonly types: ReadonlySet<number> | undefined;
}

/** A client that may send UPDATE: it has the key, or it is the remote. */
export interface UpdateClient {
  /** As zoneKey() writes it. */
  readonly key: string | undefined;
  /** Name of a remote. */
  readonly remote: string | undefined;
  readonly allow: readonly UpdateGrant[];
}

/** Of a produced catalog's member. */
interface CatalogMembership {
  /** The catalog, as zoneKey() writes it. */
  readonly zone: string;
  readonly group: string | undefined;
  /** The catalog that the member is going to (coo), as zoneKey() writes it. */
  readonly owner: string | undefined;
}

export type SerialPolicy = 'keep' | 'increment' | 'unixtime' | 'date';

/** Plain data. Zones that share a policy share the object. */
export interface EffectivePolicy {
  readonly transfer: {
    /** Names of remotes that may transfer the zone. */
    readonly to: readonly string[];
    readonly requireTls: boolean;
  };
  readonly notify: {
    /** Names of remotes. */
    readonly remotes: readonly string[];
    /** Whether the nameservers of the zone are notified as well. */
    readonly nameservers: boolean;
  };
  readonly update: readonly UpdateClient[];
  readonly catalog: CatalogMembership | undefined;
  readonly serial: SerialPolicy;
  readonly zonemd: 'auto' | 'remove';
  /** The signals of DNS over TLS that are added for the names of this server. */
  readonly signals: { readonly tlsa: boolean; readonly svcb: boolean };
  /** undefined: the zone is not signed here. */
  readonly dnssec: DnssecPolicy | undefined;
}

const NO_POLICY: EffectivePolicy = {
  transfer: { to: [], requireTls: false },
  notify: { remotes: [], nameservers: false },
  update: [],
  catalog: undefined,
  serial: 'keep',
  zonemd: 'auto',
  signals: { tlsa: false, svcb: false },
  dnssec: undefined,
};

/** The policies of zones: the result takes the key of a zone's name. */
export function zonePolicyOf(config: Pick<Config, 'zones' | 'dnssec'>): (zone: string) => EffectivePolicy {
  const { policies } = config.zones;
  const dnssecPolicy = dnssecPolicies(config);
  const effective = policies.map((policy) => effectivePolicy(policy, dnssecPolicy(policy.dnssec)));
  const choice = policyChoice(policies);
  return (zone) => effective[policyIndex(choice, zone)] ?? NO_POLICY;
}

type Policy = Config['zones']['policies'][number];

function effectivePolicy(policy: Policy, dnssec: DnssecPolicy | undefined): EffectivePolicy {
  const { transfer, notify, update, catalog, serial, zonemd, signals } = policy;
  const isChanged = update.length > 0 || dnssec !== undefined || wantsSignals(signals);
  return {
    transfer: { to: transfer?.to ?? [], requireTls: transfer?.require === 'tls' },
    notify: {
      remotes: notify.filter((name) => name !== NAMESERVERS),
      nameservers: notify.includes(NAMESERVERS),
    },
    update: update.map(updateClient),
    catalog:
      catalog === undefined
        ? undefined
        : {
            zone: zoneKey(catalog),
            group: policy.catalog_group,
            owner: policy.catalog_owner && zoneKey(policy.catalog_owner),
          },
    serial: serial ?? (isChanged ? 'increment' : 'keep'),
    zonemd,
    signals: { tlsa: signals?.tlsa === 'auto', svcb: signals?.svcb === 'auto' },
    dnssec,
  };
}

function updateClient({ key, remote, allow }: Policy['update'][number]): UpdateClient {
  const own = key && zoneKey(key);
  return {
    key: own,
    remote,
    allow: allow.map(({ name, subdomain, types }) => {
      const match = name !== undefined ? 'name' : subdomain !== undefined ? 'subdomain' : 'self';
      const numbers = types?.flatMap((text) => typeByMnemonic(text) ?? []);
      return { match, name: zoneKey(name ?? subdomain ?? own ?? '.'), types: numbers && new Set(numbers) };
    }),
  };
}
