/** The keys of adotd.yaml for zones and their sources. Their policies are in zone-policies.ts. */
import * as z from 'zod/mini';
import { domainName } from './domain-name.js';
import { dnssecCheck, MAX_ZONES, remoteName, zonePolicies } from './zone-policies.js';

/** Primaries of one zone. A guess. */
const MAX_PRIMARIES = 16;

const primaries = z
  .array(remoteName)
  .check(z.minLength(1), z.maxLength(MAX_PRIMARIES))
  .register(z.globalRegistry, { description: 'Primaries, from `remotes`. The first that answers is taken.' });

const secondary = z.strictObject({
  zones: z.array(domainName).check(z.minLength(1), z.maxLength(MAX_ZONES)).register(z.globalRegistry, {
    description: 'Zones that are transferred from primaries.',
  }),
  from: primaries,
});

const catalog = z.strictObject({
  zone: domainName.register(z.globalRegistry, {
    description:
      'A catalog zone (RFC 9432) that is transferred from primaries; its members become secondary zones. A policy applies to it and to members as to other zones.',
  }),
  from: primaries,
});

export const zones = z.prefault(
  z.strictObject({
    folder: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
      description: 'Folder of zones: each `*.zone` file in it is one, except hidden files. Relative to this file.',
    }),
    files: z
      ._default(
        z.array(
          z.strictObject({
            name: z.optional(domainName).register(z.globalRegistry, {
              description: 'Origin before any `$ORIGIN`. Default: the name of the file.',
            }),
            file: z
              .string()
              .check(z.minLength(1))
              .register(z.globalRegistry, { description: 'Zone file. Relative to this file.' }),
          }),
        ),
        [],
      )
      .register(z.globalRegistry, { description: 'Zone files outside the folder.' }),
    secondary: z
      ._default(z.array(secondary).check(z.maxLength(10_000)), [])
      .register(z.globalRegistry, { description: 'Zones that this server is a secondary for. They need `state`.' }),
    catalogs: z._default(z.array(catalog).check(z.maxLength(100)), []).register(z.globalRegistry, {
      description: 'Catalog zones that name zones to be secondary for. They need `state`.',
    }),
    public_catalogs: z._default(z.boolean(), false).register(z.globalRegistry, {
      description:
        'Answer queries for catalog zones to everybody. By default only remotes that may transfer a catalog get answers from it: it lists all zones.',
    }),
    dnssec_check: z._default(dnssecCheck, 'expiry').register(z.globalRegistry, {
      description:
        'What the server checks of signed zones when it loads them; it warns, and serves them all the same. `off`: nothing. `expiry`: whether signatures have expired, or will within a week. `full`: also whether every signature is valid, and NSEC, NSEC3 and ZONEMD records match the zone; that takes about 0.1 ms for each signature. `adotd check` always does all of it.',
    }),
    policies: zonePolicies,
  }),
  {},
);
