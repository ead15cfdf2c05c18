/** `adotd ctl`: operates a running server over its control socket. */
import { nearest } from '../config/nearest.js';
import { counted } from '../errors.js';
import type { Summary } from '../observe/counters/summary.js';
import type { CatalogStatus } from '../server/catalogs/consumed-catalogs.js';
import type { ServerStatus } from '../server/control/control-target.js';
import type { ReloadOutcome } from '../server/reload.js';
import type { RoundResult } from '../server/secondaries/secondary-host.js';
import type { ZoneStatus } from '../server/zones/zone-outcome.js';
import type { SessionsReport } from '../session/session-report.js';
import { Exit, FailedWith, type Options, parse, UsageError, type Verb, wholeNumber } from './arguments.js';
import { SYSTEM_SOCKET, socketOf } from './ctl/find-socket.js';
import { type ControlClient, controlClient } from './ctl-client.js';
import {
  catalogsText,
  outcomeLines,
  sessionsText,
  statusText,
  summaryTable,
  transferText,
  zonesText,
} from './ctl-text.js';
import { habitOfCommand } from './habits.js';

const OPTIONS = {
  socket: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean' },
  force: { type: 'boolean' },
  'allow-empty': { type: 'boolean' },
  full: { type: 'boolean' },
  longest: { type: 'string' },
  folder: { type: 'string' },
  above: { type: 'string', multiple: true },
  key: { type: 'string' },
  role: { type: 'string' },
  algorithm: { type: 'string' },
  compromised: { type: 'boolean' },
  'clock-is-right': { type: 'boolean' },
  timeout: { type: 'string', default: '10' },
} as const satisfies Options;

/** Exit statuses of `status`: those that monitoring plugins have. */
const StatusExit = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;

interface Call {
  readonly client: ControlClient;
  readonly socket: string;
  readonly config: string | undefined;
  /** The argument of the command. */
  readonly word: string | undefined;
  /** Of an action, the argument behind the word. */
  readonly object: string | undefined;
  readonly json: boolean;
  readonly force: boolean;
  readonly allowEmpty: boolean;
  readonly full: boolean;
  readonly longest: string | undefined;
}

interface Command {
  /** Whether the command takes an argument; `action`: none, or a word and an argument of that. */
  readonly argument: 'none' | 'optional' | 'required' | 'action';
  /** Fulfilled with the exit status. */
  run(call: Call): Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  status: {
    argument: 'none',
    async run(call) {
      const status = (await call.client.json('GET', '/status')) as ServerStatus;
      print(call, status, (all) => statusText(all, Date.now() / 1000));
      return StatusExit[status.health];
    },
  },
  health: {
    argument: 'none',
    async run(call) {
      // Loaded only here: the client library takes longer to load than everything else.
      const { healthOf } = await import('./ctl-health.js');
      const health = await healthOf(call.client, call.socket, call.config);
      print(call, health, ({ answers, problems }) =>
        [...answers.map((place) => `answers: ${place}\n`), ...problems.map((text) => `PROBLEM: ${text}\n`)].join(''),
      );
      return health.problems.length === 0 ? Exit.OK : Exit.FAILED;
    },
  },
  'zone-status': {
    argument: 'optional',
    async run(call) {
      const zones = await call.client.json('GET', zonePath(call.word));
      const list = (Array.isArray(zones) ? zones : [zones]) as ZoneStatus[];
      print(call, list, (all) => zonesText(all, Date.now() / 1000));
      return list.every(({ state }) => state === 'served') ? Exit.OK : Exit.FAILED;
    },
  },
  reload: {
    argument: 'optional',
    async run(call) {
      const body = { zone: call.word, force: call.force || undefined, allow_empty: call.allowEmpty || undefined };
      const outcome = (await call.client.json('POST', '/reload', body)) as ReloadOutcome;
      print(call, outcome, outcomeLines);
      const { counts, errors } = outcome;
      return errors.length === 0 && counts.kept === 0 && counts.failed === 0 ? Exit.OK : Exit.FAILED;
    },
  },
  notify: {
    argument: 'required',
    async run(call) {
      const answer = (await call.client.json('POST', '/notify', { zone: call.word })) as { targets: number };
      print(call, answer, ({ targets }) =>
        targets === 0
          ? `nobody is to be told of ${call.word}: its policy has no \`notify\`\n`
          : `NOTIFY of ${call.word} goes to ${counted(targets, 'server')}\n`,
      );
      return answer.targets === 0 ? Exit.FAILED : Exit.OK;
    },
  },
  transfer: {
    argument: 'required',
    async run(call) {
      const body = { zone: call.word, full: call.full || undefined };
      const result = (await call.client.json('POST', '/transfer', body)) as RoundResult;
      print(call, result, (done) => transferText(call.word ?? '', done));
      return result.isConfirmed ? Exit.OK : Exit.FAILED;
    },
  },
  'state accept-file': {
    argument: 'required',
    async run(call) {
      const outcome = (await call.client.json('POST', '/accept-file', { zone: call.word })) as ReloadOutcome;
      print(call, outcome, outcomeLines);
      return outcome.errors.length === 0 && outcome.counts.kept + outcome.counts.failed === 0 ? Exit.OK : Exit.FAILED;
    },
  },
  catalog: {
    argument: 'action',
    async run(call) {
      const { client, word, object } = call;
      if (word === undefined) {
        const list = (await client.json('GET', '/catalogs')) as CatalogStatus[];
        print(call, list, catalogsText);
        return list.every(({ state }) => state === 'followed') ? Exit.OK : Exit.FAILED;
      }
      if (word !== 'accept' || object === undefined)
        throw new UsageError(`adotd ctl catalog: expected nothing, or accept and the name of a catalog`);
      const { accepted } = (await client.json('POST', '/catalogs', { accept: object })) as { accepted: boolean };
      const done = accepted ? `the members that ${object} has no more are gone` : `${object} has nothing that waits`;
      print(call, { accepted }, () => `${done}\n`);
      return accepted ? Exit.OK : Exit.FAILED;
    },
  },
  tls: {
    argument: 'required',
    run: async ({ client, word, json }) => (await import('./ctl/ctl-tls.js')).switchKeys(client, word, json),
  },
  top: {
    argument: 'none',
    run: async ({ client, json }) => (await import('./ctl/ctl-top.js')).top(client, json),
  },
  stats: { argument: 'none', run: (call) => show<Summary>(call, '/statistics', summaryTable) },
  sessions: {
    argument: 'none',
    run: (call) =>
      show<SessionsReport>(call, `/sessions${call.longest ? `?longest=${call.longest}` : ''}`, sessionsText),
  },
  drain: {
    argument: 'optional',
    async run(call) {
      const seconds = call.word === undefined ? undefined : secondsOf(call.word);
      print(call, await call.client.json('POST', '/drain', { seconds }), () => 'the server drains, and then ends\n');
      return Exit.OK;
    },
  },
  'log-level': {
    argument: 'required',
    async run(call) {
      const answer = await call.client.json('POST', '/log-level', { level: call.word });
      print(
        call,
        answer as { before: string; level: string },
        ({ before, level }) => `${before} before, ${level} now\n`,
      );
      return Exit.OK;
    },
  },
  'dump-zone': {
    argument: 'required',
    async run({ client, word }) {
      for await (const chunk of await client.stream(`${zonePath(word)}/text`)) {
        // Waits for a reader that is slower than the server.
        if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve));
      }
      return Exit.OK;
    },
  },
};

export const ctl: Verb = {
  help: `usage: adotd ctl [OPTION...] COMMAND

Asks or controls a running server, over its control socket.

  status              version, zones, certificates, health and problems, changes that wait for a restart
  health              ask the server a question at each of its addresses, over UDP and TCP
  reload [ZONE]       load changed zones, certificates and configuration; or load ZONE, changed or not
  zone-status [ZONE]  state, serial, size and signatures of the zones; where they come from, journals, changes that wait
  notify ZONE         tell the secondaries of ZONE that it may have changed (NOTIFY), as its policy says whom
  transfer ZONE       ask the primaries of ZONE for a newer version now, and transfer it
  state accept-file ZONE
                      take the zone file as it is, and give up what is stored of the zone, or cannot be read
  state export FILE   write all that a stopped server has stored, to a file or - (standard output)
  state import FILE   store what was exported, in a folder that is empty or missing, while no server uses it
  state accept-loss   have a stopped server serve zones as they are stored, although damage may have lost changes of them
  catalog             the catalog zones that are followed, their members, and what is wrong with them
  catalog accept ZONE
                      let the members go that the catalog ZONE has no more, although they are most of them
  dnssec status [ZONE]
                      keys of zones that the server signs: what is waited for, until when, and DS records to publish
  dnssec roll ZONE    replace all keys of ZONE by new ones, or those of --key or --role
  dnssec ds-seen ZONE KEY
                      say that all servers of the parent have the DS record of KEY, a key's tag or id
  dnssec ds-gone ZONE KEY
                      say that none of them has it any more
  dnssec freeze ZONE  let the states of its keys stand still; signatures are renewed all the same
  dnssec thaw ZONE    let them move again
  dnssec sign ZONE    make all signatures of ZONE anew
  dnssec start ZONE   make a first key, although ZONE was signed before: it has no DS record any more
  dnssec import ZONE FILE
                      take over the keys of a zone that was signed elsewhere: K*.private of BIND and ldns; of Knot
                      the output of keymgr -j ZONE list (*.json) and its PEM files; or a PEM file, with --role
  dnssec export ZONE DIR
                      write all keys of ZONE, with their private parts, into a folder: for BIND, and as PEM
  tls switch          serve certificates with other keys now, although resolvers may not know of their TLSA records yet: for
                      keys that others know; the records of the keys before go at once
  top                 what the server does, once a second until q is pressed; without a terminal once
  stats               counters
  sessions            open TCP, STARTTLS and TLS sessions
  drain [SECONDS]     finish pending answers within SECONDS, then stop the server
  log-level LEVEL     change the log level: fatal, error, warn, info, debug, trace or silent
  dump-zone ZONE      print a zone as it is served

  --socket PATH       the control socket (default: that of --config, else adotd.sock in the folder
                      $RUNTIME_DIRECTORY, else the one of the only server of this user that runs (for root: also
                      of those that root has started, and that became another user), else
                      ${SYSTEM_SOCKET})
  --config FILE       take the control socket from this configuration; health: if there is no such socket, its addresses
  --json              print the server's reply
  --force             reload: load all zones, changed or not, and take a configuration that breaks what signals promise
  --allow-empty       reload: accept that a folder has no zone files any more
  --timeout SECONDS   give up if the server sends nothing for this long (default 10); a busy server sends signs of life
  --full              transfer: the whole zone, even if its serial is the same or an older one
  --folder DIR        state export, import, accept-loss: the folder (default: that of --config, else $STATE_DIRECTORY)
  --above Z=SERIAL    state import: give zone Z a later serial than this, which its secondaries have; may be repeated
  --key KEY           dnssec roll: this key, by its tag or id
  --role csk|ksk|zsk  dnssec roll: keys of this role; dnssec import: what the key of a PEM file is for
  --compromised       dnssec roll: others may know the key: replace it at once, and say what that costs
  --clock-is-right    dnssec sign: the clock was ahead before and is right now: keys need not wait until it has caught up
  --algorithm NAME    dnssec import: algorithm of a PEM file (default: by the kind of key; RSA: RSASHA256)
  --longest N         sessions: list the N sessions that have been idle longest (default 10)

Exit status 0, or 1 if the command failed or met errors. That of status is for monitoring: 0 ok; 1 warning: errors in files,
zones kept as they were, changes that wait for a restart; 2 critical: a zone failed, none is served, or a certificate is
out of its time; 3 the server did not answer.
`,
  options: OPTIONS,
  async run(words) {
    try {
      return await control(words);
    } catch (error) {
      // For a monitoring program, the states 0 to 2 come from the server itself.
      const asked = words.find((word) => word === 'dnssec' || Object.hasOwn(COMMANDS, word));
      throw asked === 'status' ? new FailedWith(StatusExit.unknown, error) : error;
    }
  },
};

async function control(words: readonly string[]): Promise<number> {
  const { values, positionals } = parse('ctl', words, OPTIONS);
  const [name, word, ...rest] = joined(positionals);
  const names = [...Object.keys(COMMANDS), 'dnssec', 'state export', 'state import', 'state accept-loss'];
  if (name === undefined) throw new UsageError(`adotd ctl: expected a command: ${names.join(', ')}`);
  if (name === 'state export' || name === 'state import') {
    if (word === undefined || rest.length > 0) throw new UsageError(`adotd ctl ${name}: expected one FILE`);
    const { state } = await import('./ctl/ctl-state.js');
    const { folder, above = [], config } = values;
    return state(name === 'state export' ? 'export' : 'import', word, { folder, above, config });
  }
  if (name === 'state accept-loss') {
    if (word !== undefined) throw new UsageError(`adotd ctl ${name}: unexpected ${word}`);
    const { acceptLoss } = await import('./ctl/ctl-state.js');
    return acceptLoss({ folder: values.folder, config: values.config });
  }
  if (name === 'dnssec') return signing(values, positionals.slice(1));
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const near = nearest(name, names);
    const hint = habitOfCommand(name) ?? (near ? `did you mean ${near}?` : `known are ${names.join(', ')}`);
    throw new UsageError(`adotd ctl: unknown command ${name}; ${hint}`);
  }
  const [object, ...others] = rest;
  const surplus = command.argument === 'none' ? word : command.argument === 'action' ? others[0] : object;
  if (surplus !== undefined) throw new UsageError(`adotd ctl ${name}: unexpected ${surplus}`);
  if (command.argument === 'required' && word === undefined)
    throw new UsageError(`adotd ctl ${name}: expected an argument; see adotd ctl --help`);
  const { json = false, force = false, 'allow-empty': allowEmpty = false, full = false, longest, config } = values;
  const { socket, client } = await connected(values);
  return command.run({ client, socket, config, word, object, json, force, allowEmpty, full, longest });
}

type Values = ReturnType<typeof parse<typeof OPTIONS>>['values'];

async function connected({ socket: given, config, timeout }: Values) {
  const seconds = wholeNumber('ctl', 'timeout', timeout, 1, 3600);
  const socket = await socketOf(given, config);
  return { socket, client: controlClient(socket, seconds * 1000) };
}

async function signing(values: Values, words: readonly string[]): Promise<number> {
  const { dnssec } = await import('./ctl/ctl-dnssec.js');
  const { json = false, compromised = false, 'clock-is-right': clockIsRight = false, key, role, algorithm } = values;
  const { client } = await connected(values);
  return dnssec(words, { client, json, compromised, clockIsRight, key, role, algorithm });
}

/** The words of a command; those of `state` are two words. */
function joined(words: readonly string[]): string[] {
  const [name, word, ...rest] = words;
  return name === 'state' ? [`${name} ${word ?? ''}`, ...rest] : [...words];
}

function zonePath(name: string | undefined): string {
  return name === undefined ? '/zones' : `/zones/${encodeURIComponent(name)}`;
}

function secondsOf(text: string): number {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text);
  throw new UsageError(`adotd ctl drain: found ${text}, expected a number of seconds`);
}

async function show<T>(call: Call, path: string, text: (value: T) => string): Promise<number> {
  print(call, (await call.client.json('GET', path)) as T, text);
  return Exit.OK;
}

function print<T>({ json }: Call, value: T, text: (value: T) => string): void {
  process.stdout.write(json ? `${JSON.stringify(value, undefined, 2)}\n` : text(value));
}
