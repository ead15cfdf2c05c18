/**
 * The schema of adotd.yaml. Every key has its meaning; every limit has its unit, its bounds and the source of its number.
 * The tables of docs/configuration.md and `adotd schema` are made from this.
 */
import * as z from 'zod/mini';
import { DOT_PORT } from '../protocol/iana.js';
import { access } from './access.js';
import { crossMistakes } from './cross-checks.js';
import { domainName } from './domain-name.js';
import { limit } from './limit.js';
import { address, listenMistakes } from './listen-address.js';
import { metrics, metricsEndpoint, report } from './metrics.js';
import { rateLimit } from './rate-limit.js';
import { remotes, resolver } from './remotes.js';
import { sessions } from './sessions.js';
import { signals } from './signals/signals.js';
import { dnssec } from './signing/dnssec.js';
import { state } from './state.js';
import { dnstap, queryLog } from './tap.js';
import { transfer } from './transfer.js';
import { tsig } from './tsig.js';
import { zones } from './zones.js';

/** Text that fits a character-string (RFC 1035 §3.3). */
const characterString = z
  .string()
  .check(z.refine((text) => Buffer.byteLength(text) <= 255, { error: 'expected at most 255 octets' }));

const nsid = z.string().check(
  z.minLength(1),
  z.maxLength(128),
  z.refine((text) => !text.startsWith('0x') || /^0x([0-9a-fA-F]{2})+$/.test(text), {
    error: 'expected text, or an even number of hexadecimal digits after 0x',
  }),
);

const secret = z.string().check(z.regex(/^[0-9a-fA-F]{32}$/, { error: 'expected 32 hexadecimal digits' }));

const tls = z.prefault(
  z.strictObject({
    enabled: z._default(z.boolean(), true).register(z.globalRegistry, {
      description: 'Serve DNS over TLS (RFC 7858) on `tls_port`, and the STARTTLS upgrade on `port`.',
    }),
    certificates: z
      ._default(
        z
          .array(
            z.strictObject({
              cert: z.string().check(z.minLength(1)).register(z.globalRegistry, {
                description: 'PEM file: the certificate, then the certificates of the authorities that signed it.',
              }),
              key: z
                .string()
                .check(z.minLength(1))
                .register(z.globalRegistry, { description: 'PEM file: the private key of the certificate.' }),
            }),
          )
          .check(z.maxLength(1000)),
        [],
      )
      .register(z.globalRegistry, {
        description:
          'Certificates. The first is the default; SNI chooses among the others. One name may have several, for keys of different kinds: each client gets one that it can verify. If the list is empty, the server makes a self-signed certificate at its first start. Paths are relative to this file.',
      }),
    certs_folder: z._default(z.string().check(z.minLength(1)), 'certs').register(z.globalRegistry, {
      description:
        'Folder where the server keeps the certificate that it makes itself. Give each server one of its own. Relative to this file.',
    }),
    ticket_key_file: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
      description: 'File with the keys of session tickets, for servers that share an address. Relative to this file.',
    }),
    ticket_rotation: limit(
      's',
      60,
      604_800,
      43_200,
      'How long the server uses one key for session tickets. RFC 8446 §4.6.1 lets a ticket live seven days; half a day limits how many sessions a stolen key opens.',
    ),
    padding: z._default(z.enum(['never', 'if-asked', 'if-edns']), 'if-edns').register(z.globalRegistry, {
      description:
        'Which answers inside TLS are padded to a multiple of 468 octets (RFC 7830, RFC 8467). `if-edns`: all answers to clients that use EDNS, as RFC 9539 §3.5 recommends. `if-asked`: answers to padded queries.',
    }),
  }),
  {},
);

const starttls = z.prefault(
  z.strictObject({
    upgrade: z._default(z.enum(['any', 'dummy', 'off']), 'any').register(z.globalRegistry, {
      description:
        'Which first query of a TCP connection may start TLS (draft-ietf-dprive-start-tls-for-dns). `any`: a query with the TO bit. `dummy`: only STARTTLS/CH/TXT. `off`: none.',
    }),
    strict: z._default(z.boolean(), false).register(z.globalRegistry, {
      description:
        'Close a connection that continues in plaintext after the server has offered the upgrade, as the draft requires.',
    }),
    advertise_udp: z._default(z.enum(['if-asked', 'always', 'never']), 'if-asked').register(z.globalRegistry, {
      description:
        'The TO bit in UDP responses. `if-asked`: echo it to queries that have it. `always`: set it in every response with an OPT record (a SHOULD of the draft). The bit, 0x4000, is also CO of RFC 9824 (compact denial of existence): a client that sets CO reads the echo as CO.',
    }),
  }),
  {},
);

const cookies = z.prefault(
  z.strictObject({
    mode: z._default(z.enum(['off', 'on', 'required']), 'on').register(z.globalRegistry, {
      description:
        'DNS cookies (RFC 7873, RFC 9018). `required`: a UDP query with a cookie option but without a valid server cookie gets BADCOOKIE.',
    }),
    secrets: z._default(z.array(secret).check(z.maxLength(4)), []).register(z.globalRegistry, {
      description:
        'Secrets of 32 hexadecimal digits. The server makes cookies with the first and accepts cookies made with any. Without `secrets` and `secret_file`, it makes a secret at each start.',
    }),
    secret_file: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
      description: 'File with one secret per line, for servers that share an address. Relative to this file.',
    }),
  }),
  {},
);

const control = z.prefault(
  z.strictObject({
    socket: z.optional(z.string().check(z.minLength(1))).register(z.globalRegistry, {
      description:
        'Unix socket for `adotd ctl`; only the user of the server may open it. Relative to this file. Default: `adotd.sock` in the folder that the service manager has made (`$RUNTIME_DIRECTORY`), else in one of the user: `$XDG_RUNTIME_DIR/adotd`, `/run/adotd` (root), `/run/adotd-UID` (a server that root starts and that becomes `user`), `/run/user/UID/adotd` or `/tmp/adotd-UID`. A further server of the same user makes `adotd-PID.sock`.',
    }),
  }),
  {},
);

const watch = z.prefault(
  z.strictObject({
    enabled: z._default(z.boolean(), true).register(z.globalRegistry, {
      description:
        'Load zones, certificates, keys and this file when they change. NSD, Knot and BIND wait for a command; adotd can load at once because a change with errors changes nothing. Replace files by renaming: if a file is written in place and the writer pauses for longer than `settle`, the server may read half of it.',
    }),
    settle: limit(
      'ms',
      10,
      60_000,
      500,
      'The server loads changes once nothing has changed for this long, and after ten times this long in any case. A guess: a checkout or an editor writes its files within that time.',
    ),
    poll: limit(
      's',
      0,
      86_400,
      0,
      'How often the server looks at all files, for file systems that report no changes (NFS). 0: only where the system cannot report changes, and then every 10 s.',
    ),
  }),
  {},
);

const log = z.prefault(
  z.strictObject({
    level: z
      ._default(z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']), 'info')
      .register(z.globalRegistry, {
        description: 'The least severe messages that are logged. The log goes to standard error.',
      }),
    format: z
      ._default(z.enum(['json', 'pretty']), 'json')
      .register(z.globalRegistry, { description: '`json`: one JSON object per line. `pretty`: lines for people.' }),
  }),
  {},
);

/** A user or a group of the system: its name or its number. */
const account = z.union([z.string().check(z.minLength(1)), z.int().check(z.gte(0), z.lte(4_294_967_294))], {
  error: 'expected a name or a number',
});

/** The schema of the whole file. */
export const configSchema = z
  .strictObject({
    listen: z
      ._default(
        z.array(address).check(
          z.minLength(1),
          z.maxLength(64),
          z.refine((list) => new Set(list).size === list.length, { error: 'expected each address once' }),
        ),
        ['127.0.0.1'],
      )
      .register(z.globalRegistry, {
        description:
          'Addresses to serve on, over UDP, TCP and TLS. On a host with several addresses, list them instead of `0.0.0.0`.',
      }),
    port: limit('port', 0, 65_535, 53, 'Port for UDP and TCP; 0 takes a free port.'),
    tls_port: limit('port', 0, 65_535, DOT_PORT, 'Port for DNS over TLS (RFC 7858); 0 takes a free port.'),
    workers: z
      ._default(
        z.union([z.enum(['auto', 'embedded']), z.int().check(z.gte(1), z.lte(256))], {
          error: 'expected auto, embedded or a number from 1 to 256',
        }),
        'auto',
      )
      .register(z.globalRegistry, {
        description:
          'Threads that answer: this many for UDP and as many for TCP and TLS. `auto`: one of each per CPU. `embedded`: everything in one thread. Threads need Linux and the optional package koffi; without them, everything runs embedded.',
      }),
    streams: z._default(z.enum(['auto', 'epoll', 'node']), 'auto').register(z.globalRegistry, {
      description:
        "What the threads for TCP and TLS call. `epoll`: the C library, and the OpenSSL inside of Node.js; it costs less CPU and memory, and when the server closes a TLS session, TIME_WAIT is the client's. `node`: node:net and node:tls. `epoll` is tried out at the start; where it fails, `node` is used, and the log says why. `auto`: the same, but the log does not warn.",
    }),
    user: z.optional(account).register(z.globalRegistry, {
      description:
        'User that the server changes to, by name or number, once it has bound its addresses and read certificates and zones. Start it as root for this; it gives up all privileges. This user must be able to read the zones and certificates, because the server reads them again later.',
    }),
    group: z.optional(account).register(z.globalRegistry, {
      description:
        'Group that the server changes to, by name or number, instead of the primary group of `user`. Needs `user`.',
    }),
    strict: z._default(z.boolean(), false).register(z.globalRegistry, {
      description:
        'Do not start if something that is named here cannot be used: a zone, a certificate, a file of keys or secrets, the query log, the metrics address. By default, such a zone is answered with SERVFAIL, and everything else is served.',
    }),
    state,
    remotes,
    resolver,
    transfer,
    zones,
    dnssec,
    signals,
    nsec3_max_iterations: limit(
      'iterations',
      0,
      2500,
      150,
      'Zones whose NSEC3 records have more iterations are not loaded: each iteration costs every negative answer a hash. RFC 9276 recommends 0; 150 is the limit that resolvers first agreed on.',
    ),
    minimal_responses: z._default(z.boolean(), true).register(z.globalRegistry, {
      description:
        'Leave out additional records, except glue and the addresses of nameservers in an answer to an NS query.',
    }),
    any: z._default(z.enum(['minimal', 'full']), 'minimal').register(z.globalRegistry, {
      description: 'The answer to QTYPE ANY. `minimal`: one RRset (RFC 8482 §4.1). `full`: all RRsets.',
    }),
    udp: z.prefault(
      z.strictObject({
        payload: limit(
          'octets',
          512,
          4096,
          1232,
          'The longest UDP response (RFC 6891 §6.2.5). 1232 octets fit the smallest IPv6 MTU without fragments (RFC 9715).',
        ),
        receive_buffer: limit(
          'octets',
          65_536,
          268_435_456,
          4_194_304,
          'Room for queries that wait on each UDP socket of a thread. Embedded, the server asks for 4 MiB. The default holds 10,000 queries (measured): as many as one CPU answers in 30 ms. Only root (CAP_NET_ADMIN) gets more than `net.core.rmem_max`.',
        ),
        send_buffer: limit(
          'octets',
          65_536,
          268_435_456,
          4_194_304,
          'Room for answers that the network has not taken yet. Limited by `net.core.wmem_max`.',
        ),
      }),
      {},
    ),
    tcp: z.prefault(
      z.strictObject({
        fast_open: limit(
          'connections',
          0,
          4096,
          256,
          'Connections that may wait with TCP Fast Open (RFC 7413), which saves a round trip. 0 turns it off. Needs Linux, koffi and `net.ipv4.tcp_fastopen = 3`. A guess.',
        ),
      }),
      {},
    ),
    access: z.prefault(access('answers from this server'), {}),
    rate_limit: rateLimit,
    tls,
    starttls,
    sessions,
    cookies,
    tsig,
    nsid: z.optional(nsid).register(z.globalRegistry, {
      description:
        'The answer to NSID (RFC 5001): text, or octets as `0x` and hexadecimal digits. Without it, the server ignores the option.',
    }),
    version: z.optional(characterString).register(z.globalRegistry, {
      description: 'Text of `version.bind` and `version.server` (RFC 4892). Without it, they are REFUSED.',
    }),
    hostname: z.optional(characterString).register(z.globalRegistry, {
      description: 'Text of `hostname.bind` and `id.server` (RFC 4892). Without it, they are REFUSED.',
    }),
    report_agent: z
      .optional(domainName)
      .register(z.globalRegistry, { description: 'Agent domain for DNS error reports (RFC 9567).' }),
    control,
    watch,
    log,
    query_log: queryLog,
    dnstap,
    metrics,
    report,
  })
  .check(
    z.superRefine((config, context) => {
      const { listen, port, tls_port: tlsPort, tls, metrics } = config;
      const listening = { listen, port, tlsPort: tls.enabled ? tlsPort : 0, metrics: metricsEndpoint({ metrics }) };
      for (const { path, message } of listenMistakes(listening)) {
        context.addIssue({ code: 'custom', path: [...path], message });
      }
    }),
    z.superRefine((config, context) => {
      for (const { path, message } of crossMistakes(config)) {
        context.addIssue({ code: 'custom', path: [...path], message });
      }
    }),
  );

/** The configuration with all defaults filled in. */
export type Config = z.output<typeof configSchema>;

/** The configuration of a server without a file. */
export function defaultConfig(): Config {
  return configSchema.parse({});
}
