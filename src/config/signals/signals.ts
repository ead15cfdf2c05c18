/** The keys of adotd.yaml for signals: records that tell resolvers that this server speaks DNS over TLS. */
import * as z from 'zod/mini';
import { domainName } from '../domain-name.js';
import { limit } from '../limit.js';

/** The option that drafts leave open: 65001 to 65534 are for local and experimental use (RFC 6891 §9). */
const LOCAL_OPTION = 65_001;
/** `oots`, as IANA has registered it on first come, first served terms. */
const OOTS_KEY = 12;

/** Names of one server. A guess. */
const MAX_NAMES = 100;

export const signals = z.prefault(
  z.strictObject({
    names: z._default(z.array(domainName).check(z.maxLength(MAX_NAMES)), []).register(z.globalRegistry, {
      description:
        'Names that NS records have for this server, such as `ns1.example.net`. Zones whose policy has `signals` get records for those of them that lie in the zone.',
    }),
    port: limit(
      'port',
      0,
      65_535,
      0,
      'The port of DNS over TLS as resolvers reach it, where another one is forwarded to `tls_port`. 0: `tls_port`.',
    ),
    ttl: limit(
      's',
      1,
      604_800,
      3600,
      'TTL of the records. A certificate with another key is served two TTLs after its TLSA record is out. Short enough to change keys within a day, long enough to be cached. A guess.',
    ),
    oots: z
      .optional(
        z.strictObject({
          do53: limit('%', 0, 100, 100, 'How much of all queries to this server it could answer over UDP and TCP.'),
          dot: limit('%', 0, 100, 0, 'How much of all queries to this server it could answer over TLS.'),
        }),
      )
      .register(z.globalRegistry, {
        description:
          'Tell resolvers how much of their queries each transport can take (OOTS, draft-johani-dnsop-transport-signaling-03): the SVCB records have it, and clients that ask by an EDNS option get the NS and SVCB records with any answer of a zone that one of `signals.names` serves. Independent percentages; unset: off.',
      }),
    oots_option: limit(
      'code',
      1,
      65_534,
      LOCAL_OPTION,
      'Number of that EDNS option. IANA has not assigned one; the default is for local and experimental use, and what the authors of the draft use.',
    ),
    oots_key: limit(
      'key',
      7,
      65_534,
      OOTS_KEY,
      'Number of the key `oots` in SVCB records (draft-johani-dnsop-svcb-oots-00).',
    ),
  }),
  {},
);

/** A schema of its own for each key: a text registered for one key would replace that of the other. */
const which = () => z._default(z.enum(['off', 'auto']), 'off');

/** `zones.policies[].signals`. */
export const zoneSignals = z
  .strictObject({
    tlsa: which().register(z.globalRegistry, {
      description:
        'TLSA records `3 1 1` (RFC 6698, RFC 7671) of the certificates that are served under the name. Resolvers believe them in signed zones only.',
    }),
    svcb: which().register(z.globalRegistry, {
      description:
        'An SVCB record (RFC 9461) with `alpn=dot`, the port where it is not 853, and the addresses that the name has in the zone.',
    }),
  })
  .register(z.globalRegistry, {
    description:
      'Add records for the names in `signals.names` to these zones: `auto` adds what is really served, and changes it with the certificate. Where the zone has records of its own, they win. Needs `state`; the zone file is not written.',
  });

/** Whether records are to be added. */
export function wantsSignals(policy: z.output<typeof zoneSignals> | undefined): boolean {
  return policy?.tlsa === 'auto' || policy?.svcb === 'auto';
}
