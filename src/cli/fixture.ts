/** `adotd fixture`: a server for the tests of programs in any language, for as long as its standard input is open. */
import { readFileSync, writeFileSync } from 'node:fs';
import { AdotdError, ErrorCode } from '../errors.js';
import { readFaults } from '../fixture/fault-file.js';
import { type RunningServer, startServer } from '../fixture/start.js';
import { Exit, type Options, parse, UsageError, type Verb } from './arguments.js';

const OPTIONS = {
  zone: { type: 'string', multiple: true },
  zones: { type: 'string' },
  faults: { type: 'string' },
  listen: { type: 'string', multiple: true },
  port: { type: 'string', default: '0' },
  'tls-port': { type: 'string', default: '0' },
  'no-tls': { type: 'boolean' },
  'tls-name': { type: 'string', multiple: true },
  'ca-file': { type: 'string' },
  detached: { type: 'boolean' },
} as const satisfies Options;

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values'];

export const fixture: Verb = {
  help: `usage: adotd fixture [--zone NAME=FILE]... [--zones DIR] [OPTION...]

Serves zones to the tests of a program, on free ports of 127.0.0.1, all in one thread. Prints one line of JSON once it
answers, and ends when its standard input is closed, or at TERM or INT: so it never outlives the test that started it.

  --zone NAME=FILE     serve FILE, in master file format, as the zone NAME; may be repeated; SOA and NS may be left out
  --zones DIR          serve each *.zone file of this folder
  --faults FILE        what goes wrong: a list of rules (YAML); docs/faults.md lists them
  --listen ADDRESS     address to serve on, may be repeated (default 127.0.0.1)
  --port PORT          UDP and TCP port (default 0, any that is free)
  --tls-port PORT      port for DNS over TLS (default 0, any that is free)
  --no-tls             neither DNS over TLS nor STARTTLS
  --tls-name NAME      a name that the certificate is for, besides localhost and the nameservers; may be repeated
  --ca-file FILE       write the authority of the certificate to this file, in PEM, for programs that want a file
  --detached           go on when standard input is closed, until TERM or INT: for containers that have none

The line: {"address": …, "udp": PORT, "tcp": PORT, "tls": PORT, "ca": PEM, "pins": [BASE64…], "tlsa": [TEXT…], "pid": N}.
Key and certificate are made at the start and kept nowhere. A zone with errors ends the command with exit status 1.
`,
  async run(words) {
    const { values, positionals } = parse('fixture', words, OPTIONS);
    if (positionals.length > 0) throw wrong(`unexpected ${positionals[0]}; zones are given by --zone NAME=FILE`);
    if (values.zone === undefined && values.zones === undefined)
      throw wrong('nothing to serve; give --zone NAME=FILE or --zones DIR');
    // Before the zones are loaded: standard input may be closed, and signals come, at any time.
    const end = whenOver(values.detached);
    try {
      await using server = await start(values);
      const facts = factsOf(server);
      if (values['ca-file'] !== undefined) writeAuthority(values['ca-file'], facts.ca);
      process.stdout.write(`${JSON.stringify(facts)}\n`);
      await end;
    } finally {
      // What is left open would keep the process: a terminal, or the parent's end of a pipe.
      process.stdin.destroy();
    }
    return Exit.OK;
  },
};

function wrong(message: string): UsageError {
  return new UsageError(`adotd fixture: ${message}`);
}

/** Fulfilled at the signals that end programs, and unless it is detached when standard input ends or fails. */
function whenOver(detached = false): Promise<void> {
  return new Promise((resolve) => {
    const over = detached ? () => {} : resolve;
    for (const event of ['end', 'close', 'error'] as const) process.stdin.on(event, () => over());
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve());
    process.stdin.resume();
  });
}

async function start(values: Values): Promise<RunningServer> {
  return startServer({
    zones: Object.fromEntries((values.zone ?? []).map(zoneOf)),
    folder: values.zones,
    listen: values.listen,
    port: portOf('port', values.port),
    tlsPort: portOf('tls-port', values['tls-port']),
    tls: !values['no-tls'],
    tlsNames: values['tls-name'],
    faults: values.faults === undefined ? [] : readFaults(values.faults),
  });
}

function portOf(option: string, text: string): number {
  if (!/^[0-9]{1,5}$/.test(text) || Number(text) > 65_535)
    throw wrong(`--${option}: found ${text}, expected a number from 0 to 65535`);
  return Number(text);
}

/** `example.test=FILE` → its name and text. */
function zoneOf(word: string): [string, string] {
  const at = word.indexOf('=');
  const [name, file] = [word.slice(0, at), word.slice(at + 1)];
  if (at < 1 || file === '') throw wrong(`--zone: found ${word}, expected NAME=FILE`);
  return [name, textOf(file)];
}

function factsOf({ address, udp, tcp, tls, ca, pins, tlsa }: RunningServer) {
  return { address, udp, tcp, tls, ca, pins, tlsa, pid: process.pid };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

function writeAuthority(file: string, ca: string): void {
  try {
    writeFileSync(file, ca);
  } catch (error) {
    throw new AdotdError(ErrorCode.FILE, `cannot write ${file}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
