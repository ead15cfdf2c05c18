/**
 * The schema of adotd.yaml. Every key says what it means; every limit says its unit, its bounds and where the number comes
 * from. The reference in README.md and `adotd schema` are made from this.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { AdotdError } from '../errors.js';
import { nameFromText } from '../protocol/name.js';

/** A whole number within bounds; `unit` is shown in the reference. */
function limit(unit: string, min: number, max: number, fallback: number, reason: string) {
  return z.number().int().min(min).max(max).default(fallback).meta({ description: reason, unit });
}

const address = z.string().refine((text) => isIP(text) !== 0, { error: 'expected an IPv4 or IPv6 address' });

const domainName = z.string().refine(isDomainName, { error: 'expected a domain name' });

function isDomainName(text: string): boolean {
  try {
    return nameFromText(text).length > 0;
  } catch (error) {
    if (error instanceof AdotdError) return false;
    throw error;
  }
}

/** Text that fits a character-string (RFC 1035 §3.3). */
const characterString = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= 255, { error: 'expected at most 255 octets' });

const nsid = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => !text.startsWith('0x') || /^0x([0-9a-fA-F]{2})+$/.test(text), {
    error: 'expected text, or an even number of hexadecimal digits after 0x',
  });

const secret = z.string().regex(/^[0-9a-fA-F]{32}$/, { error: 'expected 32 hexadecimal digits' });

const zones = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Folder whose `*.zone` files are zones; relative to this file.' }),
    files: z
      .array(
        z.strictObject({
          name: domainName.optional().meta({
            description: 'Origin before any `$ORIGIN`; taken from the file name when absent.',
          }),
          file: z.string().min(1).meta({ description: 'Zone file; relative to this file.' }),
        }),
      )
      .default([])
      .meta({ description: 'Zone files, besides those of the folder.' }),
  })
  .prefault({});

const sessions = z
  .strictObject({
    idle_timeout: limit(
      's',
      1,
      3600,
      10,
      'A connection without a whole message for so long is closed (RFC 7766 §6.2.3). Default as in Knot; RFC 7766 asks for "a few seconds".',
    ),
    message_timeout: limit(
      's',
      1,
      3600,
      5,
      'Time from the first octet of a message to its last, against clients that send octet by octet. A guess.',
    ),
    drain_timeout: limit(
      's',
      1,
      60,
      2,
      'Time that a closing connection has to take the last answers and to close. A guess: some round trips.',
    ),
    max: limit(
      'connections',
      1,
      1_000_000,
      10_000,
      'TCP connections in all; one takes a file descriptor and about 4 kB. A guess: half of the usual limit on descriptors.',
    ),
    max_per_client: limit(
      'connections',
      1,
      1_000_000,
      1000,
      'TCP connections of one IPv4 address or one IPv6 /56 (RFC 7766 §6.2.2). A tenth of the default of `max`, so that one client cannot keep the others out.',
    ),
    write_buffer: limit(
      'octets',
      65_536,
      16_777_216,
      262_144,
      'Answers that may wait for a client that does not read; nothing more is read from it meanwhile. Default: four of the longest messages.',
    ),
  })
  .prefault({});

const cookies = z
  .strictObject({
    mode: z.enum(['off', 'on', 'required']).default('on').meta({
      description:
        'DNS cookies (RFC 7873, RFC 9018). `required`: a UDP query with a cookie option but no valid server cookie gets BADCOOKIE.',
    }),
    secrets: z.array(secret).max(4).default([]).meta({
      description:
        'Secrets of 32 hexadecimal digits; the first makes cookies, all are accepted. One is made at every start when there is neither this nor a file.',
    }),
    secret_file: z.string().min(1).optional().meta({
      description: 'File with one secret a line, for several machines that share an address; relative to this file.',
    }),
  })
  .prefault({});

const log = z
  .strictObject({
    level: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info')
      .meta({ description: 'What is logged to standard error.' }),
    format: z
      .enum(['json', 'pretty'])
      .default('json')
      .meta({ description: 'One JSON object a line, or lines for people.' }),
  })
  .prefault({});

/** The whole file. */
export const configSchema = z.strictObject({
  listen: z
    .array(address)
    .min(1)
    .max(64)
    .refine((list) => new Set(list).size === list.length, { error: 'expected each address once' })
    .default(['127.0.0.1'])
    .meta({
      description:
        'Addresses to serve on, for UDP and TCP alike. On a host with several, list them instead of `0.0.0.0`.',
    }),
  port: limit('port', 0, 65_535, 53, 'UDP and TCP port; 0 takes any that is free.'),
  tls_port: limit(
    'port',
    0,
    65_535,
    853,
    'Port for DNS over TLS (RFC 7858). Not served yet: accepted, and said in the log.',
  ),
  workers: z
    .union([z.enum(['auto', 'embedded']), z.number().int().min(1).max(256)], {
      error: 'expected auto, embedded or a number from 1 to 256',
    })
    .default('auto')
    .meta({ description: 'Threads that answer. Everything runs embedded, in one thread, for now.' }),
  strict: z
    .boolean()
    .default(false)
    .meta({ description: 'Do not start when a zone cannot be loaded. Otherwise that zone is answered with SERVFAIL.' }),
  zones,
  nsec3_max_iterations: limit(
    'iterations',
    0,
    2500,
    150,
    'Zones whose NSEC3 records have more are not loaded: each costs every negative answer a hash. RFC 9276 wants 0; 150 is the limit that resolvers first agreed on.',
  ),
  minimal_responses: z
    .boolean()
    .default(true)
    .meta({
      description: 'Leave out all additional records but glue, and the addresses of nameservers that are asked for.',
    }),
  any: z
    .enum(['minimal', 'full'])
    .default('minimal')
    .meta({ description: 'Answer QTYPE ANY with one RRset (RFC 8482 §4.1), or with all of them.' }),
  udp: z
    .strictObject({
      payload: limit(
        'octets',
        512,
        4096,
        1232,
        'Longest UDP response (RFC 6891 §6.2.5). 1232 fits the smallest IPv6 MTU without fragments (RFC 9715).',
      ),
    })
    .prefault({}),
  sessions,
  cookies,
  nsid: nsid.optional().meta({
    description: 'What NSID answers (RFC 5001): text, or octets as `0x` and hexadecimal digits. Ignored when absent.',
  }),
  version: characterString
    .optional()
    .meta({ description: 'Text of `version.bind` and `version.server` (RFC 4892). REFUSED when absent.' }),
  hostname: characterString
    .optional()
    .meta({ description: 'Text of `hostname.bind` and `id.server` (RFC 4892). REFUSED when absent.' }),
  report_agent: domainName.optional().meta({ description: 'Agent domain for DNS error reports (RFC 9567).' }),
  log,
});

/** The configuration with all defaults filled in. */
export type Config = z.output<typeof configSchema>;

/** What is used when there is no file. */
export function defaultConfig(): Config {
  return configSchema.parse({});
}
