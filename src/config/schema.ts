/**
 * The schema of adotd.yaml. Every key says what it means; every limit says its unit, its bounds and where the number comes
 * from. The reference in README.md and `adotd schema` are made from this.
 */
import * as z from 'zod';
import { access, zonePolicies } from './access.js';
import { domainName } from './domain-name.js';
import { limit } from './limit.js';
import { address, DNS_OVER_TLS, listenMistakes } from './listen-address.js';
import { metrics, metricsEndpoint } from './metrics.js';
import { rateLimit } from './rate-limit.js';
import { sessions } from './sessions.js';
import { dnstap, queryLog } from './tap.js';

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
    policies: zonePolicies,
  })
  .prefault({});

const tls = z
  .strictObject({
    enabled: z.boolean().default(true).meta({
      description: 'Serve DNS over TLS on `tls_port` (RFC 7858), and the STARTTLS upgrade on `port`.',
    }),
    certificates: z
      .array(
        z.strictObject({
          cert: z.string().min(1).meta({ description: 'PEM file with the certificate, then those that signed it.' }),
          key: z.string().min(1).meta({ description: 'PEM file with its private key.' }),
        }),
      )
      .max(1000)
      .default([])
      .meta({
        description:
          'Certificates; the first is the default, the others are chosen by SNI. None: one that signs itself is made at the first start. Paths are relative to this file.',
      }),
    certs_folder: z.string().min(1).default('certs').meta({
      description: 'Where the certificate is kept that the server makes itself; relative to this file.',
    }),
    ticket_key_file: z.string().min(1).optional().meta({
      description:
        'File with keys of session tickets, for several machines that share an address; relative to this file.',
    }),
    ticket_rotation: limit(
      's',
      60,
      604_800,
      43_200,
      'How long one key of session tickets is used. RFC 8446 §4.6.1 allows tickets seven days; half a day keeps what a stolen key opens small.',
    ),
    padding: z.enum(['never', 'if-asked', 'if-edns']).default('if-edns').meta({
      description:
        'When answers inside TLS are padded to a multiple of 468 octets (RFC 7830, RFC 8467). `if-edns`: always but to clients without EDNS, as RFC 9539 §3.5 wants it.',
    }),
  })
  .prefault({});

const starttls = z
  .strictObject({
    upgrade: z.enum(['any', 'dummy', 'off']).default('any').meta({
      description:
        'Which first query of a TCP connection may start TLS (draft-ietf-dprive-start-tls-for-dns): any that has the TO bit, only STARTTLS/CH/TXT, or none.',
    }),
    strict: z.boolean().default(false).meta({
      description: 'Close a connection that goes on in plaintext after an upgrade was offered, as the draft has it.',
    }),
    advertise_udp: z.enum(['if-asked', 'always', 'never']).default('if-asked').meta({
      description:
        'TO in UDP responses: echoed to queries that have it, set whenever there is an OPT record (the draft’s SHOULD), or never. The bit, 0x4000, is also CO of RFC 9824 (compact denial of existence): whoever asks with CO reads the echo as that.',
    }),
    record_per_message: z.boolean().default(false).meta({
      description: 'One TLS record per answer on upgraded connections: getdns 0.5 loses answers that share one.',
    }),
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

const control = z
  .strictObject({
    socket: z.string().min(1).optional().meta({
      description:
        'Unix socket for `adotd ctl`, which only the user that the server runs as may open; relative to this file. Default: `adotd.sock` in the folder that the service manager made (`$RUNTIME_DIRECTORY`); none where there is no such folder.',
    }),
  })
  .prefault({});

const watch = z
  .strictObject({
    enabled: z.boolean().default(true).meta({
      description:
        'Load zones, certificates, keys and this file when they change. NSD, Knot and BIND wait to be told; here a change that has errors changes nothing, so that it is safe to follow it at once. Replace files by renaming: of one that is written in place, half may be read if the writer pauses for longer than `settle`.',
    }),
    settle: limit(
      'ms',
      10,
      60_000,
      500,
      'How long nothing may have changed before what changed is loaded, but no longer than ten times that. A guess: a checkout or an editor writes its files within it.',
    ),
    poll: limit(
      's',
      0,
      86_400,
      0,
      'Look at all files so often, for file systems that do not tell of changes (NFS); 0: only where the system cannot tell, then every 10 s.',
    ),
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

/** Of the system: a name, or its number. */
const account = z.union([z.string().min(1), z.number().int().min(0).max(4_294_967_294)], {
  error: 'expected a name or a number',
});

/** The whole file. */
export const configSchema = z
  .strictObject({
    listen: z
      .array(address)
      .min(1)
      .max(64)
      .refine((list) => new Set(list).size === list.length, { error: 'expected each address once' })
      .default(['127.0.0.1'])
      .meta({
        description:
          'Addresses to serve on, for UDP, TCP and TLS alike. On a host with several, list them instead of `0.0.0.0`.',
      }),
    port: limit('port', 0, 65_535, 53, 'UDP and TCP port; 0 takes any that is free.'),
    tls_port: limit('port', 0, 65_535, DNS_OVER_TLS, 'Port for DNS over TLS (RFC 7858); 0 takes any that is free.'),
    workers: z
      .union([z.enum(['auto', 'embedded']), z.number().int().min(1).max(256)], {
        error: 'expected auto, embedded or a number from 1 to 256',
      })
      .default('auto')
      .meta({
        description:
          'Threads that answer: so many for UDP, and as many for streams; `auto` is one for each CPU. `embedded`: all in one thread. Threads need Linux and the optional package koffi; without, everything runs embedded.',
      }),
    user: account.optional().meta({
      description:
        'Who the server becomes, by name or number, once its addresses are bound, certificates and zones read; for this it is started as root. All its privileges are given up. What is read again later (zones, certificates) must be readable to this user.',
    }),
    group: account.optional().meta({
      description: 'Group in place of the primary group of `user`, by name or number; needs `user`.',
    }),
    strict: z.boolean().default(false).meta({
      description: 'Do not start when a zone cannot be loaded. Otherwise that zone is answered with SERVFAIL.',
    }),
    zones,
    nsec3_max_iterations: limit(
      'iterations',
      0,
      2500,
      150,
      'Zones whose NSEC3 records have more are not loaded: each costs every negative answer a hash. RFC 9276 wants 0; 150 is the limit that resolvers first agreed on.',
    ),
    minimal_responses: z.boolean().default(true).meta({
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
        receive_buffer: limit(
          'octets',
          65_536,
          268_435_456,
          4_194_304,
          'Queries that may wait on each UDP socket of a thread; embedded, the system decides. Default: measured to hold 10,000 queries, 30 ms of all that one CPU can answer. Beyond `net.core.rmem_max` only root gets it (CAP_NET_ADMIN).',
        ),
        send_buffer: limit(
          'octets',
          65_536,
          268_435_456,
          4_194_304,
          'The same for answers that the network has not taken yet; limited by `net.core.wmem_max`.',
        ),
      })
      .prefault({}),
    tcp: z
      .strictObject({
        fast_open: limit(
          'connections',
          0,
          4096,
          256,
          'Connections that may wait with TCP Fast Open (RFC 7413), which saves a round trip; 0 turns it off. Needs Linux, koffi and net.ipv4.tcp_fastopen = 3. A guess.',
        ),
      })
      .prefault({}),
    access: access('answers from this server').prefault({}),
    rate_limit: rateLimit,
    tls,
    starttls,
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
    control,
    watch,
    log,
    query_log: queryLog,
    dnstap,
    metrics,
  })
  .superRefine((config, context) => {
    const { listen, port, tls_port: tlsPort, tls, metrics } = config;
    const listening = { listen, port, tlsPort: tls.enabled ? tlsPort : 0, metrics: metricsEndpoint({ metrics }) };
    for (const { path, message } of listenMistakes(listening)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  })
  .superRefine(({ tls: { enabled }, zones: { policies } }, context) => {
    policies.forEach((policy, index) => {
      if (policy.require !== 'tls' || enabled) return;
      const message = 'expected tls.enabled: true as well; without TLS these zones are never answered';
      context.addIssue({ code: 'custom', path: ['zones', 'policies', index, 'require'], message });
    });
  });

/** The configuration with all defaults filled in. */
export type Config = z.output<typeof configSchema>;

/** What is used when there is no file. */
export function defaultConfig(): Config {
  return configSchema.parse({});
}
