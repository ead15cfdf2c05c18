/** The keys of adotd.yaml for policies: rules for zones, by their names. policy-choice.ts says which policy a zone has. */
import * as z from 'zod/mini';
import { zoneKey } from '../protocol/name.js';
import { isMetaType, typeByMnemonic } from '../protocol/rdata/table.js';
import { access } from './access.js';
import { domainName } from './domain-name.js';
import { zoneSignals } from './signals/signals.js';

/** Policies, and zones of one policy. A guess. */
const MAX_POLICIES = 1000;
export const MAX_ZONES = 100_000;
/** Remotes of one list, and rules of UPDATE of one policy. A guess. */
const MAX_REMOTES = 1000;
const MAX_RULES = 10_000;

/** The checks of signed zones when they are loaded. */
export const dnssecCheck = z.enum(['off', 'expiry', 'full']);

/** A name of `remotes`; cross-checks.ts looks it up. */
export const remoteName = z.string().check(z.minLength(1));

const recordType = z.string().check(
  z.refine(
    (text) => {
      const type = typeByMnemonic(text);
      return type !== undefined && !isMetaType(type);
    },
    { error: 'expected a type of records, such as TXT or TYPE65534' },
  ),
);

const grant = z
  .strictObject({
    name: z.optional(domainName).register(z.globalRegistry, { description: 'This name only.' }),
    subdomain: z.optional(domainName).register(z.globalRegistry, { description: 'This name and all names below it.' }),
    self: z.optional(z.literal(true)).register(z.globalRegistry, {
      description: 'The name that the key itself has, and no other.',
    }),
    types: z.optional(z.array(recordType).check(z.minLength(1), z.maxLength(100))).register(z.globalRegistry, {
      description:
        'Types of records. Default: all but NS and SOA. RRSIG, NSEC, NSEC3, NSEC3PARAM and ZONEMD are never changed.',
    }),
  })
  .check(
    z.superRefine(({ name, subdomain, self }, context) => {
      if ([name, subdomain, self].filter((given) => given !== undefined).length === 1) return;
      context.addIssue({ code: 'custom', message: 'expected one of name, subdomain and self' });
    }),
  );

const update = z
  .strictObject({
    key: z.optional(domainName).register(z.globalRegistry, {
      description: 'Key, one of `tsig`, that the request must be signed with.',
    }),
    remote: z.optional(remoteName).register(z.globalRegistry, {
      description: 'Or: one of `remotes`, all of which must match.',
    }),
    allow: z
      .array(grant)
      .check(z.minLength(1), z.maxLength(MAX_RULES))
      .register(z.globalRegistry, { description: 'What this client may change.' }),
  })
  .check(
    z.superRefine(({ key, remote, allow }, context) => {
      if ((key === undefined) === (remote === undefined))
        context.addIssue({ code: 'custom', message: 'expected either key or remote' });
      const index = allow.findIndex(({ self }) => self === true);
      if (key !== undefined || index < 0) return;
      const message = 'expected name or subdomain: a remote has no name of its own';
      context.addIssue({ code: 'custom', path: ['allow', index, 'self'], message });
    }),
  );

const transfer = z
  .strictObject({
    to: z.array(remoteName).check(z.minLength(1), z.maxLength(MAX_REMOTES)).register(z.globalRegistry, {
      description: 'Secondaries, from `remotes`, that may transfer these zones. Nobody else may.',
    }),
    require: z.optional(z.enum(['tls'])).register(z.globalRegistry, {
      description:
        'Transfer these zones inside TLS only (XoT, RFC 9103): on a port for TLS, with ALPN `dot`, not after STARTTLS.',
    }),
  })
  .register(z.globalRegistry, {
    description: 'Who may transfer these zones (AXFR and IXFR). Without it, nobody may.',
  });

const policy = z.strictObject({
  zones: z._default(z.array(domainName).check(z.maxLength(MAX_ZONES)), []).register(z.globalRegistry, {
    description:
      'Zones that the policy applies to, by name. `*.example.test` stands for all zones below example.test. A zone has one policy: that of its name, else of its group, else of the longest pattern, else the default. A policy does not apply to zones below those that it names.',
  }),
  groups: z
    ._default(z.array(z.string().check(z.minLength(1), z.maxLength(255))).check(z.maxLength(100)), [])
    .register(z.globalRegistry, {
      description:
        'Groups of members of the catalogs in `zones.catalogs` (RFC 9432 §4.3.2) that it applies to. Of several groups of a member, the first in the order of their octets counts that a policy has. Such a policy has no `update`, `signals` and `dnssec_check`: members come from a primary.',
    }),
  default: z._default(z.boolean(), false).register(z.globalRegistry, {
    description: 'It applies to all zones that no other policy names.',
  }),
  require: z.optional(z.enum(['tls'])).register(z.globalRegistry, {
    description:
      'Answer these zones inside TLS only. Over UDP, and over TCP before STARTTLS, they are REFUSED with the extended error 18 (Prohibited). `adotd check` reports what other zones give away about them.',
  }),
  access: z.optional(access('answers from these zones')).register(z.globalRegistry, {
    description: 'Clients that may ask for these zones. The `access` of the server must let them in as well.',
  }),
  dnssec_check: z.optional(dnssecCheck).register(z.globalRegistry, {
    description: 'As `zones.dnssec_check`, for these zones.',
  }),
  transfer: z.optional(transfer),
  notify: z._default(z.array(remoteName).check(z.maxLength(MAX_REMOTES)), []).register(z.globalRegistry, {
    description:
      'Remotes that are told of each new version (NOTIFY, RFC 1996). `ns` stands for the nameservers in the NS records of the zone, without MNAME of its SOA record and without this server.',
  }),
  update: z._default(z.array(update).check(z.maxLength(MAX_REMOTES)), []).register(z.globalRegistry, {
    description:
      'Clients that may change these zones (UPDATE, RFC 2136). Nobody else may. Needs `state`; the zone file is not written.',
  }),
  catalog: z.optional(domainName).register(z.globalRegistry, {
    description: 'These zones are members of this catalog zone (RFC 9432), which the server makes. Needs `state`.',
  }),
  catalog_group: z.optional(z.string().check(z.minLength(1), z.maxLength(255))).register(z.globalRegistry, {
    description: 'Group of these members (RFC 9432 §4.3.2): it tells consumers how to treat them.',
  }),
  catalog_owner: z.optional(domainName).register(z.globalRegistry, {
    description:
      'Catalog zone that these members are going to (property `coo`, RFC 9432 §4.3.1). Consumers of both catalogs then keep the zone.',
  }),
  serial: z.optional(z.enum(['keep', 'increment', 'unixtime', 'date'])).register(z.globalRegistry, {
    description:
      'How the serial of a changed zone is chosen. `keep`: the serial of the file. `increment`: one more. `unixtime`: seconds since 1970. `date`: YYYYMMDD and two digits. The last three take a later serial of the file as it is, and need `state`. Default: `increment` with `update`, `dnssec` or `signals`, else `keep`.',
  }),
  dnssec: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
    description:
      'Sign these zones by this policy of `dnssec.policies`. `default` is always there. `off`: do not sign them; a zone that is signed, and that the policy names itself, is unsigned once the parent has no DS record any more. Without it a signed zone stays as it is, with a warning. Needs `state`; the zone file is not written.',
  }),
  signals: z.optional(zoneSignals),
  zonemd: z._default(z.enum(['auto', 'remove']), 'auto').register(z.globalRegistry, {
    description:
      'What becomes of the digest of a zone (ZONEMD, RFC 8976) when the server changes it. `auto`: it is made anew. `remove`: it is removed.',
  }),
});

/** Keys that a policy with groups cannot have: they say nothing of zones that come from a primary, as members of catalogs do. */
const NOT_OF_MEMBERS = ['dnssec_check', 'update', 'signals'] as const;

/** Policies of zones. */
export const zonePolicies = z
  ._default(
    z.array(policy).check(
      z.maxLength(MAX_POLICIES),
      z.superRefine((policies, context) => {
        const seen = new Set<string>();
        policies.forEach(({ zones, groups, default: isDefault, ...own }, index) => {
          const refuse = (path: readonly PropertyKey[], message: string): void =>
            context.addIssue({ code: 'custom', path: [index, ...path], message });
          const once = (key: string): boolean => !seen.has(key) && seen.add(key) !== undefined;
          if (zones.length + groups.length === 0 && !isDefault)
            refuse(['zones'], 'expected names of zones, groups, or default: true');
          zones.forEach((name, at) => {
            if (!once(zoneKey(name))) refuse(['zones', at], 'expected each zone in one policy, once');
          });
          groups.forEach((group, at) => {
            if (!once(`group ${group}`)) refuse(['groups', at], 'expected each group in one policy, once');
          });
          if (isDefault && !once('default')) refuse(['default'], 'expected one default policy');
          for (const key of NOT_OF_MEMBERS) {
            const value = own[key];
            const isGiven = Array.isArray(value) ? value.length > 0 : value !== undefined;
            if (groups.length > 0 && isGiven)
              refuse([key], 'expected it in a policy without groups: members of catalogs come from a primary');
          }
          for (const key of ['catalog_group', 'catalog_owner'] as const)
            if (own[key] !== undefined && own.catalog === undefined) refuse([key], 'expected catalog as well');
        });
      }),
    ),
    [],
  )
  .register(z.globalRegistry, { description: 'Rules for zones, by their names.' });
