/** The part of adotd.yaml about the limit on the rate of responses. */
import * as z from 'zod';
import { prefix } from './access.js';
import { limit } from './limit.js';

/** Seconds of debt: the most that `responses_per_second` and `all_per_second` make must fit 31 bits. */
const MAX_WINDOW = 3600;
const MAX_RATE = 100_000;

export const rateLimit = z
  .strictObject({
    mode: z.enum(['off', 'log', 'on']).default('off').meta({
      description:
        'Limit how many UDP responses a network is sent, so that forged queries do not make the server flood it. `log`: limit nothing, only count what would be. TCP, TLS and clients with a valid server cookie (RFC 7873) are not limited.',
    }),
    responses_per_second: limit(
      'responses',
      1,
      MAX_RATE,
      200,
      'Alike responses to one network: to the same name (names made by a wildcard, a DNAME or below a cut are one), NXDOMAIN from the same zone, or errors and refusals. Default as in NSD: far more than a resolver asks for one name, some 100 kB/s.',
    ),
    all_per_second: limit(
      'responses',
      0,
      MAX_RATE,
      0,
      'All responses to one network together, against forgers that go through many names; 0: no such limit. A large resolver asks for many names: some thousands at the least.',
    ),
    window: limit(
      's',
      1,
      MAX_WINDOW,
      15,
      'How much excess is remembered: a network that goes on beyond the limit gets nothing until it has been quiet for as long. Default as in BIND.',
    ),
    slip: limit(
      'responses',
      0,
      100,
      2,
      'Of so many limited responses one, at random, is sent without data, with TC and a server cookie, so that a resolver in that network asks over TCP; 0: none. Default as in BIND and NSD.',
    ),
    ipv4_prefix: limit('bits', 8, 32, 24, 'Bits of an IPv4 address that make a network. Default as in BIND and NSD.'),
    ipv6_prefix: limit('bits', 16, 128, 56, 'Bits of an IPv6 address that make a network: what one site usually gets.'),
    exempt: z
      .array(prefix)
      .max(50_000)
      .default([])
      .meta({ description: 'Addresses and prefixes that are never limited.' }),
    size: limit(
      'accounts',
      1024,
      4_194_304,
      65_536,
      'How many networks and names can be told apart at once; each takes 32 octets, in memory that all threads share. When more of them go beyond the limit at once, others are limited with them and have to ask over TCP. A guess.',
    ),
  })
  .prefault({});
