/** The keys of adotd.yaml for zone transfers: limits, and listeners that ask for a certificate. */
import * as z from 'zod/mini';
import { DOT_PORT } from '../protocol/iana.js';
import { limit } from './limit.js';
import { address } from './listen-address.js';

const listener = z.strictObject({
  address: address.register(z.globalRegistry, { description: 'Address to listen on.' }),
  port: limit('port', 0, 65_535, DOT_PORT, 'Port for DNS over TLS; 0 takes a free port.'),
  client_ca: z.string().check(z.minLength(1)).register(z.globalRegistry, {
    description:
      'PEM file with the authorities that sign certificates of clients. A client without such a certificate is not served. If the file cannot be used at the start, nobody is served on this address until a reload finds a good one. Relative to this file.',
  }),
});

export const transfer = z.prefault(
  z.strictObject({
    listen: z._default(z.array(listener).check(z.maxLength(16)), []).register(z.globalRegistry, {
      description:
        'Addresses for clients with a certificate (mutual TLS, RFC 9103 §9.3.3). They are apart from `listen`, so that no resolver is asked for a certificate.',
    }),
    max: limit(
      'transfers',
      1,
      10_000,
      50,
      'Zone transfers to secondaries at once. Each holds a version of its zone until it is sent. A guess.',
    ),
    max_per_peer: limit(
      'transfers',
      1,
      10_000,
      10,
      'The same for one address. A guess: no secondary keeps others out.',
    ),
    max_in: limit('transfers', 1, 1000, 10, 'Zone transfers from primaries at once. Default as in BIND.'),
    idle_timeout: limit(
      's',
      1,
      3600,
      60,
      'How long a transfer, in or out, may stand still: the peer reads or sends nothing. A guess: a link that is down for longer is cut anyway.',
    ),
    timeout: limit(
      's',
      10,
      86_400,
      7200,
      'How long one transfer, in or out, may take. Default as in BIND for transfers in.',
    ),
    max_octets: limit(
      'octets',
      65_536,
      68_719_476_736,
      2_147_483_648,
      'The largest transfer that is accepted from a primary. A guess: some ten million records.',
    ),
    min_refresh: limit(
      's',
      1,
      86_400,
      30,
      'The least time between two looks at a primary, whatever REFRESH and RETRY of the SOA record say; a zone that expires sooner is checked before that. A guess.',
    ),
    max_refresh: limit(
      's',
      60,
      2_419_200,
      604_800,
      'The longest time between two looks at a primary. A guess: a week.',
    ),
  }),
  {},
);
