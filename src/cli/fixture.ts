/** `adotd fixture`: a server for the tests of programs in any language, which runs as long as its standard input is open. */
import { writeFileSync } from 'node:fs';
import { AdotdError, ErrorCode, systemReason } from '../errors.js';
import type { RunningServer } from '../fixture/running-server.js';
import { startServer } from '../fixture/start.js';
import { SIGNINGS, type Signing } from '../fixture/zones/signing.js';
import { takeSignals } from '../server/process/signals.js';
import { Exit, type Options, parse, UsageError, type Verb, wholeNumber } from './arguments.js';
import { converse } from './fixture/conversation.js';
import { FollowedZones, readText } from './fixture/followed-zones.js';
import { runCommands } from './fixture/run-commands.js';
import { companion, environmentOf } from './fixture/run-program.js';
import { namedZones } from './named-zones.js';

const OPTIONS = {
  zone: { type: 'string', multiple: true },
  zones: { type: 'string' },
  dnssec: { type: 'string' },
  faults: { type: 'string' },
  seed: { type: 'string', default: '0' },
  listen: { type: 'string', multiple: true },
  config: { type: 'string' },
  port: { type: 'string' },
  'tls-port': { type: 'string' },
  'no-tls': { type: 'boolean' },
  'tls-name': { type: 'string', multiple: true },
  lenient: { type: 'boolean' },
  'ca-file': { type: 'string' },
  detached: { type: 'boolean' },
} as const satisfies Options;

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values'];
type Settings = Awaited<ReturnType<typeof settingsOf>>;

export const fixture: Verb = {
  help: `usage: adotd fixture [--zone NAME=FILE]... [--zones DIR] [OPTION...] [-- COMMAND [ARG...]]

Serves zones to the tests of a program, on free ports of 127.0.0.1, in one thread. Prints one line of JSON when it
answers. Ends when its standard input is closed, or at TERM or INT, so it never outlives the test that started it.

  --zone NAME=FILE     serve FILE, in master file format, as the zone NAME; may be repeated; SOA and NS may be left out
  --zones DIR          serve each *.zone file in this folder
  --dnssec SIGNING     sign the zones of --zone and set-zone: valid, expired, bogus; or unsigned, with a DS record alone
  --faults FILE        faults: a list of rules (YAML), described in docs/faults.md
  --seed N             seed of random faults: the same seed gives the same faults (default 0)
  --config FILE        settings of adotd.yaml; the options here override it
  --lenient            start even if zones have errors; those zones are answered with SERVFAIL
  --listen ADDRESS     address to serve on; may be repeated (default 127.0.0.1)
  --port PORT          port for UDP and TCP (default 0, a free port)
  --tls-port PORT      port for DNS over TLS (default 0, a free port)
  --no-tls             no DNS over TLS, no STARTTLS
  --tls-name NAME      a further name for the certificate, besides localhost and the nameservers; may be repeated
  --ca-file FILE       write the certificate of the CA to this file (PEM), for programs that need a file
  --detached           keep running when standard input is closed, until TERM or INT; for containers without one

The line: {"address": …, "udp": PORT, "tcp": PORT, "tls": PORT, "ca": PEM, "pins": [BASE64…], "tlsa": [TEXT…],
"ds": [TEXT…], "pid": N}. Keys and certificate are new at each start and are never written to disk. A zone with errors
ends the command with exit status 1.

With a COMMAND, the server runs as long as that does, and ends with its status. Nothing else is printed. The command finds
in its environment: ADOTD_ADDRESS, ADOTD_PORT (UDP and TCP), ADOTD_TLS_PORT, ADOTD_CA, ADOTD_CA_FILE (with --ca-file),
ADOTD_PINS, ADOTD_TLSA, ADOTD_DS (with --dnssec).

  adotd fixture --zones zones -- sh -c 'dig @$ADOTD_ADDRESS -p $ADOTD_PORT example.test SOA'

Without one, each line of standard input is a command, and each command is answered by a line on standard output. docs/testing.md
describes the commands: set-zone, remove-zone, add-record, remove-record, set-records, add-faults, clear-faults,
unused-faults, queries, clear-queries, wait-for-query, reload, facts, close.

  {"command":"set-zone","zone":"example.test","text":"www A 192.0.2.1"}       {"ok":true}
  {"command":"wait-for-query","id":1,"match":{"name":"www.example.test"}}     {"id":1,"ok":true,"query":{…}}
`,
  options: OPTIONS,
  async run(words) {
    const at = words.indexOf('--');
    const program = at < 0 ? undefined : words.slice(at + 1);
    const { values, positionals } = parse('fixture', at < 0 ? words : words.slice(0, at), OPTIONS, {
      zones: 'put the zone files into one folder, or give each by --zone NAME=FILE',
    });
    if (positionals.length > 0) {
      throw wrong(`unexpected ${positionals[0]}; zones are given by --zone NAME=FILE, a command to run behind --`);
    }
    const settings = await settingsOf(values);
    if (program === undefined) return serveConversation(settings, values);
    if (program.length === 0) throw wrong('found nothing behind --, expected a command to run');
    if (values.detached) throw wrong('--detached: a command behind -- ends the server already; leave one of them out');
    const beside = companion();
    await using server = await start(settings, values, new FollowedZones());
    // Awaited here: the server ends with this block.
    return await beside.run(program, environmentOf(server, values['ca-file']));
  },
};

/** Serves until the conversation on standard input and standard output is over. */
async function serveConversation(settings: Settings, values: Values): Promise<number> {
  // Before the zones are loaded: standard input may be closed at any time, and signals may arrive.
  const conversation = converse(process.stdin, process.stdout, values.detached);
  const end = (): void => conversation.end();
  takeSignals({ SIGTERM: end, SIGINT: end, SIGHUP: end, SIGUSR1() {} });
  try {
    const files = new FollowedZones();
    await using server = await start(settings, values, files);
    const facts = () => factsOf(server);
    process.stdout.write(`${JSON.stringify(facts())}\n`);
    await runCommands(conversation, { server, files, facts });
  } finally {
    // An open terminal or pipe would keep the process alive.
    process.stdin.destroy();
  }
  // Output that nobody reads would keep it alive, too.
  if (process.stdout.writableLength > 0) process.exit(Exit.OK);
  return Exit.OK;
}

function wrong(message: string): UsageError {
  return new UsageError(`adotd fixture: ${message}`);
}

/** The options of startServer(), except the zones. Throws UsageError, or the errors of the configuration and of the faults. */
async function settingsOf(values: Values) {
  const port = portOf('port', values.port);
  const tlsPort = portOf('tls-port', values['tls-port']);
  const seed = wholeNumber('fixture', 'seed', values.seed, 0, 999_999_999);
  const config = values.config === undefined ? {} : await settingsFrom(values.config);
  // startServer() prefers the configuration to its options; a command line prefers the options.
  const overridden = { listen: values.listen, port, tls_port: tlsPort };
  return {
    folder: values.zones,
    config: { ...config, ...Object.fromEntries(Object.entries(overridden).filter(([, value]) => value !== undefined)) },
    tls: !values['no-tls'],
    dnssec: signingOf(values.dnssec),
    tlsNames: values['tls-name'],
    lenient: values.lenient,
    seed,
    faults: values.faults === undefined ? [] : await faultsFrom(values.faults),
  };
}

/** The module that reads YAML is loaded only if there is a file to read. */
async function settingsFrom(file: string) {
  const { readSettings } = await import('./fixture/written-settings.js');
  return readSettings(file, (line) => void process.stderr.write(`${line}\n`));
}

async function faultsFrom(file: string) {
  const { readFaults } = await import('../fixture/faults/fault-file.js');
  return readFaults(file);
}

/** Starts the server, and writes its CA where that is wanted. */
async function start(settings: Settings, values: Values, files: FollowedZones): Promise<RunningServer> {
  const zones: Record<string, string> = {};
  for (const { name, file } of namedZones('fixture', values.zone)) {
    zones[name] = readText(file);
    files.follow(name, file, zones[name]);
  }
  const server = await startServer({ ...settings, zones });
  const caFile = values['ca-file'];
  if (caFile === undefined) return server;
  try {
    writeAuthority(caFile, server.ca);
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

function signingOf(text: string | undefined): Signing | undefined {
  const signing = SIGNINGS.find((one) => one === text);
  if (text === undefined || signing !== undefined) return signing;
  throw wrong(`--dnssec: found ${text}, expected one of ${SIGNINGS.join(', ')}`);
}

function portOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,5}$/.test(text) || Number(text) > 65_535)
    throw wrong(`--${option}: found ${text}, expected a number from 0 to 65535`);
  return Number(text);
}

function factsOf({ address, udp, tcp, tls, ca, pins, tlsa, ds }: RunningServer) {
  return { address, udp, tcp, tls, ca, pins, tlsa, ds, pid: process.pid };
}

function writeAuthority(file: string, ca: string): void {
  try {
    writeFileSync(file, ca);
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot write ${file}: ${systemReason(error)}`, { cause: error });
  }
}
