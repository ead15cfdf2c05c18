/** `adotd serve`: options over configuration, then the server until a signal ends it. */
import { basename, relative } from 'node:path';
import { describeIssues } from '../config/issues.js';
import { configPlaces, openConfig, rereadConfig } from '../config/load.js';
import { type Config, configSchema, defaultConfig } from '../config/schema.js';
import { AdotdError, ErrorCode } from '../errors.js';
import { createLog, type Log } from '../observe/log.js';
import { type InjectedFaults, runDaemon } from '../server/daemon.js';
import type { Server } from '../server/server.js';
import { endpointText } from '../transport/address.js';
import type { Endpoint } from '../transport/transport.js';
import type { Diagnostic } from '../zone/diagnostics.js';
import { Exit, type Options, parse, UsageError, type Verb, wholeNumber } from './arguments.js';
import { namedZones } from './named-zones.js';
import { loadProgress } from './progress.js';

const OPTIONS = {
  config: { type: 'string' },
  zones: { type: 'string' },
  zone: { type: 'string', multiple: true },
  listen: { type: 'string', multiple: true },
  port: { type: 'string' },
  'tls-port': { type: 'string' },
  certs: { type: 'string' },
  'control-socket': { type: 'string' },
  workers: { type: 'string' },
  strict: { type: 'boolean' },
  'log-format': { type: 'string' },
  'log-level': { type: 'string' },
  faults: { type: 'string' },
  'faults-seed': { type: 'string' },
  try: { type: 'boolean' },
} as const satisfies Options;

/** Remedies for an option that is given twice. */
const REMEDIES = {
  config: 'write all of it into one file',
  zones: 'put the zone files into one folder, or list them in a configuration (zones.files)',
  port: 'every address has the same port; another server can serve another one',
  'tls-port': 'every address has the same port; another server can serve another one',
};

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values'];

export const serve: Verb = {
  help: `usage: adotd serve [--config FILE] [--zones DIR] [--zone NAME=FILE]... [OPTION...]

Answers DNS queries from zone files over UDP, TCP (with STARTTLS) and TLS. Options override the configuration file.

  --config FILE          configuration (YAML); docs/configuration.md lists its keys
  --zones DIR            serve each *.zone file in this folder
  --zone NAME=FILE       serve this file, whatever it is called, as the zone NAME; may be repeated
  --listen ADDRESS       address to serve on; may be repeated (default 127.0.0.1)
  --port PORT            port for UDP and TCP; 0: a free port (default 53)
  --tls-port PORT        port for DNS over TLS; 0: a free port (default 853)
  --certs DIR            folder for the certificate that the server makes itself (default certs)
  --control-socket PATH  where adotd ctl asks and controls the server (default: found by adotd ctl; see
                         control.socket in docs/configuration.md)
  --workers N|auto|embedded
                         threads that answer: N for UDP, and N for TCP and TLS (default auto: one of each
                         per CPU); embedded: everything in one thread
  --strict               do not start if a zone has errors, or another file cannot be used
  --log-format json|pretty
  --log-level fatal|error|warn|info|debug|trace|silent
  --faults FILE          answer wrongly on purpose, by the rules in FILE (docs/faults.md); for tests only;
                         everything then runs embedded
  --faults-seed N        seed of random faults: the same seed gives the same faults (default 0)
  --try                  print three commands to try

Prints one line, "ready …", when every address answers. Signals: HUP loads changed files, USR1 logs statistics,
TERM and INT finish pending answers and stop the server.
`,
  options: OPTIONS,
  async run(words) {
    const { values, positionals } = parse('serve', words, OPTIONS, REMEDIES);
    if (positionals.length > 0) {
      throw new UsageError(
        `adotd serve: unexpected ${positionals[0]}; zones are given by --zones DIR or --zone NAME=FILE`,
      );
    }
    if (values.config === undefined && values.zones === undefined && values.zone === undefined) {
      throw new UsageError('adotd serve: nothing to serve; give --zones DIR, --zone NAME=FILE or --config FILE');
    }
    const file = values.config;
    const warnings: Diagnostic[] = [];
    const { config: base, pipe } =
      file === undefined ? { config: defaultConfig(), pipe: false } : openConfig(file, (one) => warnings.push(one));
    const config = overridden(base, values);
    const log = await createLog(config.log.level, config.log.format);
    const warn = ({ file, line, column, message }: Diagnostic): void =>
      log.warn({ file, line, column }, `${file}:${line}:${column}: ${message}`);
    warnings.forEach(warn);
    if (pipe)
      log.info(
        { file },
        'the configuration came from a pipe: it is not read again, and its paths are relative to here',
      );
    const read = (path: string): Config => asConfigError(() => overridden(rereadConfig(path, warn), values));
    const configFile =
      file === undefined || pipe ? undefined : { path: file, read: () => read(file), places: () => configPlaces(file) };
    const faults = await faultsOf(values, log);
    const ready = (server: Server): void => {
      process.stdout.write(readyLine(server));
      if (values.try) process.stdout.write(commandsToTry(server));
    };
    await runDaemon({ config, configFile, faults, log, progress: loadProgress(), ready });
    return Exit.OK;
  },
};

/** Reads the faults to inject. Throws UsageError, ADOTD_FILE or ADOTD_CONFIG. */
async function faultsOf(values: Values, log: Log): Promise<InjectedFaults | undefined> {
  const { faults, 'faults-seed': seed } = values;
  if (faults === undefined && seed !== undefined)
    throw new UsageError('adotd serve: --faults-seed needs --faults FILE');
  if (faults === undefined) return undefined;
  const start = wholeNumber('serve', 'faults-seed', seed ?? '0', 0, 999_999_999);
  // Loaded only here: in production the code of faults is not even in memory.
  const { openFaults } = await import('./serve-faults.js');
  return openFaults(faults, start, log);
}

interface Flags {
  readonly zones?: string | undefined;
  readonly zone?: readonly string[] | undefined;
  readonly listen?: readonly string[] | undefined;
  readonly port?: string | undefined;
  readonly 'tls-port'?: string | undefined;
  readonly certs?: string | undefined;
  readonly 'control-socket'?: string | undefined;
  readonly workers?: string | undefined;
  readonly strict?: boolean | undefined;
  readonly 'log-format'?: string | undefined;
  readonly 'log-level'?: string | undefined;
}

/** The configuration, overridden by the flags. Throws UsageError. */
function overridden(config: Config, flags: Flags): Config {
  const number = (text: string): number | string => (/^[0-9]+$/.test(text) ? Number(text) : text);
  const whole = {
    ...config,
    // Only the folder and the files of the zones are replaced: the other settings refer to zones by name.
    ...((flags.zones ?? flags.zone) !== undefined && {
      zones: { ...config.zones, folder: flags.zones, files: namedZones('serve', flags.zone) },
    }),
    ...(flags.listen && { listen: flags.listen }),
    ...(flags.port !== undefined && { port: number(flags.port) }),
    ...(flags['tls-port'] !== undefined && { tls_port: number(flags['tls-port']) }),
    ...(flags.certs !== undefined && { tls: { ...config.tls, certs_folder: flags.certs } }),
    ...(flags['control-socket'] !== undefined && { control: { socket: flags['control-socket'] } }),
    ...(flags.workers !== undefined && { workers: number(flags.workers) }),
    ...(flags.strict && { strict: true }),
    log: { level: flags['log-level'] ?? config.log.level, format: flags['log-format'] ?? config.log.format },
  };
  const result = configSchema.safeParse(whole);
  if (result.success) return result.data;
  const lines = describeIssues(result.error.issues, whole).message.split('\n');
  throw new UsageError(lines.map((line) => `adotd serve: ${asFlag(line)}`).join('\n'));
}

/** While the server runs, a mistake is the configuration's: there is no command line. */
function asConfigError(read: () => Config): Config {
  try {
    return read();
  } catch (error) {
    throw error instanceof UsageError ? new AdotdError(ErrorCode.CONFIG, error.message) : error;
  }
}

/** `tls_port: found …` → `--tls-port: found …`. */
function asFlag(line: string): string {
  return line.replace(/^([a-z_.]+)(\[[0-9]+\])?:/, (_, key: string) => `--${key.replace(/[_.]/g, '-')}:`);
}

/** The line for standard output once everything answers. Of sockets that were handed over, any kind may be missing. */
function readyLine({ zoneCounts, udp, tcp, tls }: Server): string {
  const field = (name: string, endpoints: readonly Endpoint[]): string =>
    endpoints.length > 0 ? ` ${name}=${list(endpoints)}` : '';
  const count = (name: 'failed' | 'waiting'): string => (zoneCounts[name] > 0 ? ` ${name}=${zoneCounts[name]}` : '');
  const zones = `zones=${zoneCounts.served}${count('failed')}${count('waiting')}`;
  return `ready${field('udp', udp)}${field('tcp', tcp)}${field('tls', tls)} ${zones}\n`;
}

function list(endpoints: readonly Endpoint[]): string {
  return endpoints.map(({ address, port }) => endpointText(address, port)).join(',');
}

function commandsToTry(server: Server): string {
  const { names, signed } = server.zones;
  const [plain, secure] = [server.udp[0], server.tls[0]];
  if (plain === undefined || names.length === 0) return '';
  const at = ({ address, port }: Endpoint): string => `@${address} -p ${port}`;
  const name = (index: number): string => names[index % names.length] ?? '.';
  const starttls = `${ownCommand()} query ${name(2)} SOA @${plain.address} --port ${plain.port} --transport starttls`;
  return `try:
  dig +dnssec ${at(plain)} ${signed[0] ?? name(0)} SOA
  dig ${secure === undefined ? `+tcp ${at(plain)}` : `+tls ${at(secure)}`} ${name(1)} NS
  ${secure === undefined ? `dig ${at(plain)} ${name(2)} SOA` : starttls}
`;
}

/** The command that starts this program: `adotd` where it is installed, its file in a clone. */
function ownCommand(): string {
  const file = process.argv[1] ?? '';
  return basename(file) === 'adotd' ? 'adotd' : `node ${relative(process.cwd(), file)}`;
}
