/** The keys of adotd.yaml for response rate limiting. */
import * as z from 'zod/mini';
import { prefix } from './access.js';
import { limit } from './limit.js';

/** Seconds. The excess that is remembered, window × rate, has to fit 31 bits. */
const MAX_WINDOW = 3600;
const MAX_RATE = 100_000;

export const rateLimit = z.prefault(
  z.strictObject({
    mode: z._default(z.enum(['off', 'log', 'on']), 'off').register(z.globalRegistry, {
      description:
        'Limit how many UDP responses a network gets, so that forged queries cannot make the server flood it. `log`: limit nothing, only count. TCP, TLS, clients with a valid server cookie (RFC 7873) and signed queries (TSIG) are not limited.',
    }),
    responses_per_second: limit(
      'responses',
      1,
      MAX_RATE,
      200,
      'Similar responses to one network. Responses are similar if they are for the same name (names from one wildcard or DNAME, or below one zone cut, count as one), if they are NXDOMAIN from the same zone, or if they are errors and refusals. Default as in NSD: far more than a resolver asks for one name, some 100 kB/s.',
    ),
    all_per_second: limit(
      'responses',
      0,
      MAX_RATE,
      0,
      'All responses to one network, against forgers who use many names. 0: no such limit. A large resolver asks for many names: allow at least some thousands.',
    ),
    window: limit(
      's',
      1,
      MAX_WINDOW,
      15,
      'How long the server remembers an excess. A network that stays beyond the limit gets nothing until it has been quiet for this long. Default as in BIND.',
    ),
    slip: limit(
      'responses',
      0,
      100,
      2,
      '1 limited response in N, at random, is sent without data, with TC and a server cookie, so that a resolver in that network asks over TCP. 0: none. Default as in BIND and NSD.',
    ),
    ipv4_prefix: limit(
      'bits',
      8,
      32,
      24,
      'Length of the prefix that makes an IPv4 network. Default as in BIND and NSD.',
    ),
    ipv6_prefix: limit(
      'bits',
      16,
      128,
      56,
      'Length of the prefix that makes an IPv6 network. Default: the prefix that one site usually gets.',
    ),
    exempt: z
      ._default(z.array(prefix).check(z.maxLength(50_000)), [])
      .register(z.globalRegistry, { description: 'Addresses and prefixes without a limit.' }),
    size: limit(
      'accounts',
      1024,
      4_194_304,
      65_536,
      'How many networks and names the server can tell apart at once. Each takes 32 octets, in memory that all threads share. If more of them exceed the limit at once, some others are limited with them and have to ask over TCP. A guess.',
    ),
  }),
  {},
);
