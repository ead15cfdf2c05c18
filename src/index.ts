/**
 * The programmatic API: an authoritative nameserver inside of another program, on ports of its own choice. Everything runs
 * in the calling thread; several servers may run at once.
 */

import { describeIssues } from './config/load.js';
import { type Config, configSchema } from './config/schema.js';
import { type Log, silentLog } from './observe/log.js';
import { createServer } from './server/server.js';
import { type ZoneFile, zoneFilesOf, zonesOfConfig } from './server/zone-source.js';

export { AdotdError, ErrorCode } from './errors.js';
export type { Diagnostic } from './zone/diagnostics.js';

export interface StartOptions {
  /**
   * Zones in master file format, by name: `{ 'example.test': '@ SOA …' }`. White space that all lines begin with does not
   * count, so that a text may be indented like the code around it.
   */
  readonly zones?: Readonly<Record<string, string>>;
  /** A folder; each `*.zone` file in it is a zone. */
  readonly folder?: string;
  /** Zone files. */
  readonly files?: readonly string[];
  /** Addresses to listen on. Default: 127.0.0.1. */
  readonly listen?: readonly string[];
  /** UDP and TCP port. Default: 0, any that is free for both. */
  readonly port?: number;
  /** Port for DNS over TLS. Default: 0, any that is free. Counts only where `config.tls` is given. */
  readonly tlsPort?: number;
  /** Anything else that adotd.yaml can say, by the same keys. TLS is off unless `tls` is among them. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Serve although zones have errors: those are answered with SERVFAIL. Default: false, startServer rejects. */
  readonly lenient?: boolean;
  /** Where to log to. Default: nowhere. */
  readonly log?: Log;
}

export interface RunningServer extends AsyncDisposable {
  /** The first address listened on. */
  readonly address: string;
  /** Its ports; the same number. */
  readonly udp: number;
  readonly tcp: number;
  /** Its port for DNS over TLS; 0 when that is off. */
  readonly tls: number;
  /** Loads the zones anew; those with errors stay as they were. */
  reload(): Promise<void>;
  /** Stops listening, finishes what has begun, frees the ports. */
  close(): Promise<void>;
}

/**
 * Starts a server; it answers when the promise is fulfilled. Rejects with an AdotdError: ADOTD_LISTEN, ADOTD_FILE,
 * ADOTD_CONFIG, or ADOTD_ZONE_INVALID with a `diagnostics` list and one line `file:line:column: message` for each.
 */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const config = configOf(options);
  const server = await createServer({
    config,
    zones: () => [...zonesOf(options), ...zonesOfConfig(config)],
    log: options.log ?? silentLog,
    loader: { thread: false },
  });
  return {
    address: server.udp[0]?.address ?? '',
    udp: server.udp[0]?.port ?? 0,
    tcp: server.tcp[0]?.port ?? 0,
    tls: server.tls[0]?.port ?? 0,
    reload: async () => void (await server.reload()),
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

function configOf(options: StartOptions): Config {
  const given = {
    listen: options.listen ?? ['127.0.0.1'],
    port: options.port ?? 0,
    tls_port: options.tlsPort ?? 0,
    tls: { enabled: false },
    workers: 'embedded',
    strict: !options.lenient,
  };
  const whole = { ...given, ...options.config };
  const result = configSchema.safeParse(whole);
  if (!result.success) throw describeIssues(result.error.issues, whole);
  return result.data;
}

function zonesOf(options: StartOptions): ZoneFile[] {
  return [
    ...Object.entries(options.zones ?? {}).map(([name, text]) => ({ file: name, name, text: dedented(text) })),
    ...(options.folder === undefined ? [] : zoneFilesOf(options.folder)),
    ...(options.files ?? []).map((file) => ({ file })),
  ];
}

function dedented(text: string): string {
  const lines = text.split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const common = Math.min(...indents);
  return Number.isFinite(common) && common > 0 ? lines.map((line) => line.slice(common)).join('\n') : text;
}
