/**
 * `adotd check` against the start: each file and folder that a configuration names is broken in each way, and whatever a server complains of
 * at its start, or does not start for, is an error of `check`; and nothing else is.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config/load.js';
import type { Log } from '../../../src/observe/log.js';
import { controlView } from '../../../src/server/control/control-view.js';
import { createServer, type Server } from '../../../src/server/server.js';
import { StartTroubles } from '../../../src/server/start-troubles.js';
import { zonesOfConfig } from '../../../src/server/zones/zone-files.js';
import { FakeClock } from '../../support/clock.js';
import { freePort } from '../../support/peers/server.js';
import { runCommand } from '../../support/run-command.js';
import { type Made, make } from '../../tls/support.js';

const ZONE = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
const SECRET = `${Buffer.alloc(32, 7).toString('base64')}\n`;
const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A configuration that uses every kind of file, all of them in `folder`. */
const configText = (port: number): string => `
listen: [127.0.0.1]
port: 0
tls_port: 0
workers: embedded
state: { folder: state }
zones:
  folder: zones
  files: [{ name: b.test, file: b.zone }]
  secondary: [{ zones: [c.test], from: [one] }]
  policies: [{ zones: [a.test], update: [{ key: key.test, allow: [{ name: x.a.test }] }] }]
tls:
  certificates: [{ cert: own.pem, key: own.key }]
  ticket_key_file: tickets
cookies: { secret_file: cookies }
tsig: [{ name: key.test, secret_file: secret }]
remotes:
  - { name: one, addresses: [127.0.0.1], port: 1, key: key.test,
      tls: { name: one.test, port: 1, ca: ca.pem, cert: client.pem, key_file: client.key } }
transfer: { listen: [{ address: 127.0.0.1, port: ${port}, client_ca: clients.pem }] }
query_log: { enabled: true, file: log/queries }
dnstap: { file: log/tap }
`;

/** What is broken, below the folder of the configuration. */
const FILES = [
  'zones/a.test.zone',
  'b.zone',
  'own.pem',
  'own.key',
  'tickets',
  'cookies',
  'secret',
  'ca.pem',
  'client.pem',
  'client.key',
  'clients.pem',
];
const FOLDERS = ['zones', 'state', 'log'];
/** What a server makes itself. */
const MADE = [
  'log/queries',
  'log/tap',
  'state/keys',
  'state/images',
  'state/runs',
  'state/damaged',
  'state/lock',
  'state/mark',
  'state/ledger-1',
];

type Break = (path: string) => void;
const asFile: Break = (path) => {
  rmSync(path, { recursive: true, force: true });
  writeFileSync(path, 'no sense\n', { mode: 0o600 });
};
const asFolder: Break = (path) => {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
};
const asLoop: Break = (path) => {
  rmSync(path, { recursive: true, force: true });
  symlinkSync(path, path);
};
const WAYS: Readonly<Record<string, Break>> = {
  'is missing': (path) => rmSync(path, { recursive: true, force: true }),
  'is empty': (path) => {
    asFile(path);
    truncateSync(path);
  },
  'has nonsense': asFile,
  'is a folder': asFolder,
  'is a link to itself': asLoop,
  'is a link to nothing': (path) => {
    rmSync(path, { recursive: true, force: true });
    symlinkSync(join(path, '..', 'none', 'none'), path);
  },
};
/** Those that a server can do with: it makes them anew, or goes on. */
const FINE: readonly string[] = [
  '',
  'state is missing',
  'state is a folder',
  'log is a folder',
  ...['log/queries', 'log/tap', 'state/lock', 'state/mark'].flatMap((path) => [
    `${path} is missing`,
    `${path} is empty`,
    `${path} has nonsense`,
  ]),
  // A lock is no more than its name, and a mark is what a loss is known by.
  'state/lock is a link to nothing',
  ...['keys', 'images', 'runs', 'damaged'].flatMap((name) => [`state/${name} is missing`, `state/${name} is a folder`]),
];
/** `check` only warns: a service manager may make them, or nothing is lost by them as long as nothing is damaged or signed. */
const WARNED: readonly string[] = ['log is missing', 'log is a link to nothing'];
/** Errors of `check` only: a start has no use for them yet. */
const LATENT: readonly string[] = ['keys', 'damaged'].flatMap((name) =>
  Object.keys(WAYS).map((how) => `state/${name} ${how}`),
);

let root: string;
let folder: string;
let port: number;
let pair: Made;
let authority: Made;
let server: Server | undefined;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'adotd-setups-'));
  port = await freePort();
  pair = await make({ names: ['ns.a.test'] });
  authority = await make({ names: ['authority.test'], isIssuer: true });
  return () => rmSync(root, { recursive: true, force: true });
});
beforeEach(() => {
  folder = mkdtempSync(join(root, 'one-'));
  mkdirSync(join(folder, 'zones'));
  mkdirSync(join(folder, 'log'));
  const put = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 });
  put('zones/a.test.zone', ZONE);
  put('b.zone', ZONE);
  for (const name of ['own', 'client']) {
    put(`${name}.pem`, pair.cert);
    put(`${name}.key`, pair.key);
  }
  for (const name of ['ca.pem', 'clients.pem']) put(name, authority.cert);
  put('tickets', `${'0b'.repeat(48)}\n`);
  put('cookies', `${'0b'.repeat(16)}\n`);
  put('secret', SECRET);
  put('adotd.yaml', configText(port));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** What a server says of this configuration: why it does not start, or the lines of its status. */
async function start(): Promise<readonly string[]> {
  const path = join(folder, 'adotd.yaml');
  try {
    const config = readConfig(path);
    server = await createServer({
      config,
      troubles: new StartTroubles(false, QUIET, new FakeClock()),
      zones: zonesOfConfig,
      log: QUIET,
      loader: { thread: false },
    });
  } catch (error) {
    return [`no start: ${String(error)}`];
  }
  const running = server;
  const view = controlView(running, {
    version: '0',
    since: 0,
    config: path,
    watching: () => false,
    logLevel: { get: () => 'silent', set() {} },
    drain() {},
    report: () => {
      throw new Error('nobody asks for a report');
    },
    top: () => {
      throw new Error('nobody asks for it');
    },
    reload: (request) => running.reload(request),
  });
  return view.status().problems;
}

/** Whether `check` finds errors, and the lines that it prints. */
async function check(): Promise<{ readonly fails: boolean; readonly text: string }> {
  const { status, stdout } = await runCommand('check', join(folder, 'adotd.yaml'));
  return { fails: status !== 0, text: stdout };
}

async function compare(setup: string): Promise<void> {
  // `check` comes first: the start makes folders.
  const checked = await check();
  const said = await start();
  const shown = `check:\n${checked.text}\nserver:\n${said.join('\n')}`;
  const isFine = FINE.includes(setup);
  const fails = !isFine && !WARNED.includes(setup);
  expect([checked.fails, said.length > 0], shown).toEqual([fails, !isFine && !LATENT.includes(setup)]);
  if (WARNED.includes(setup)) expect(checked.text).toMatch(/warning: .*does not exist/);
}

describe('check finds what a start complains of where', () => {
  it('nothing is broken', async () => {
    await compare('');
    // Nor with the state of an earlier start.
    await server?.close();
    await compare('');
  });

  const given = [...FILES, ...FOLDERS].flatMap((path) => Object.entries(WAYS).map(([how, act]) => [path, how, act]));
  it.each(given as [string, string, Break][])('%s %s', async (path, how, act) => {
    act(join(folder, path));
    await compare(`${path} ${how}`);
  });

  const made = MADE.flatMap((path) => Object.entries(WAYS).map(([how, act]) => [path, how, act]));
  it.each(made as [string, string, Break][])('%s of an earlier start %s', async (path, how, act) => {
    await start();
    await server?.close();
    server = undefined;
    expect(readdirSync(join(folder, dirname(path)))).not.toEqual([]);
    act(join(folder, path));
    await compare(`${path} ${how}`);
  });
});
