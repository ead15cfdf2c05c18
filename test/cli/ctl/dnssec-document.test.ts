/** Every command of docs/dnssec.md, run with a server in the situation that the page describes. TTLs are those of seconds. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bindKeyStem, toBindPrivate, toBindPublic } from '../../../src/dnssec/keys/bind-key.js';
import { generateKey, keyToPem } from '../../../src/dnssec/keys/signing-key.js';
import { nameFromText } from '../../../src/protocol/name.js';
import type { DnssecStatus } from '../../../src/server/signing/signing-status.js';
import { textOf } from '../../repository/files.js';
import { adotdServe, type Ran, type Serving } from '../../support/cli.js';
import { runCommand } from '../../support/run-command.js';

const COMMANDS = [...textOf('docs/dnssec.md').matchAll(/^ {4,8}adotd (.*)$/gm)].map(([, words = '']) => words);
const ZONE = '$TTL 1\n@ SOA ns h 1 2 3 4 1\n@ NS ns\nns A 192.0.2.1\n';

const folder = mkdtempSync(join(tmpdir(), 'adotd-dnssec-document-'));
const path = (name: string): string => join(folder, name);
const done = new Set<string>();
let server: Serving;

const configure = (leaving: string): void =>
  writeFileSync(
    path('adotd.yaml'),
    `listen: [127.0.0.1]
tls: { enabled: false }
workers: embedded
watch: { enabled: false }
control: { socket: control }
state: { folder: state }
dnssec: { policies: { quick: { dnskey_ttl: 1, ds_ttl: 1, propagation: 0, parent_propagation: 0 } } }
zones:
  folder: zones
  policies: [{ default: true, dnssec: quick }, { zones: [leaving.test], dnssec: ${leaving} }]
`,
  );
const put = (zone: string): void => writeFileSync(path(`zones/${zone}.zone`), ZONE);

beforeAll(async () => {
  mkdirSync(path('zones'));
  for (const zone of ['example.test', 'leaving.test']) put(zone);
  configure('quick');
  server = await adotdServe('--config', path('adotd.yaml'));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command of the page, with other values in place of its own. */
async function run(words: string, ...values: readonly (readonly [of: string, by: string])[]): Promise<Ran> {
  expect(COMMANDS).toContain(words);
  done.add(words);
  const given = values.reduce((text, [of, by]) => text.replace(of, by), words).split(' ');
  const control = ['--socket', path('control')];
  const socket = { ctl: control, keys: [...control, '--certs', path('certs')] }[given[0] ?? ''] ?? [];
  const ran = await runCommand(...given, ...socket);
  expect([words, ran.stderr.includes('would be signed') ? '' : ran.stderr, ran.status]).toEqual([words, '', 0]);
  return ran;
}

async function statusOf(zone: string): Promise<DnssecStatus> {
  const { stdout } = await runCommand('ctl', '--socket', path('control'), 'dnssec', 'status', zone, '--json');
  return (JSON.parse(stdout) as DnssecStatus[])[0]!;
}

/** The status of a zone as soon as it is as it has to be. */
async function until(zone: string, isThere: (status: DnssecStatus) => boolean): Promise<DnssecStatus> {
  for (;;) {
    const status = await statusOf(zone);
    if (isThere(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const hasDs = (state: string) => (status: DnssecStatus) => status.keys[0]?.records.ds === state;
const reload = (): Promise<Ran> => runCommand('ctl', '--socket', path('control'), 'reload');
const LEAVING = ['example.test', 'leaving.test'] as const;

it('from unsigned to a DS record, rolls, moving out, and a key that is given again', async () => {
  const { stderr } = await run('check adotd.yaml', ['adotd.yaml', path('adotd.yaml')]);
  expect(stderr).toContain('would be signed here: example.test. (quick), leaving.test. (quick)');
  const { keys } = await until('example.test', hasDs('rumoured'));
  const tag = String(keys[0]?.tag);
  expect((await run('ctl dnssec status example.test')).stdout).toContain(`example.test. DS ${tag} 13 2 `);
  expect((await run('keys zone example.test')).stdout).toContain(`\nexample.test. DS ${tag} 13 2 `);
  await run('ctl dnssec ds-seen example.test 12345', ['12345', tag]);
  await until('example.test', hasDs('omnipresent'));
  const anew = await run('ctl dnssec sign example.test');
  expect(anew.stdout).toMatch(/^[1-9]\d* signatures of example\.test made anew\n$/);
  expect((await run('ctl dnssec sign example.test --clock-is-right')).stdout).toBe(anew.stdout);
  await run('ctl dnssec freeze example.test');
  await run('ctl dnssec roll example.test');
  await run('ctl dnssec roll example.test --role zsk', ['zsk', 'csk']);
  expect((await statusOf('example.test')).keys).toHaveLength(1);
  await run('ctl dnssec export example.test keys', ['keys', path('keys')]);
  const stem = readdirSync(path('keys')).find((name) => name.endsWith('.private'))!;
  await run('ctl dnssec import example.test Kexample.test.+013+12345.private', [
    'Kexample.test.+013+12345.private',
    path(`keys/${stem}`),
  ]);
  await run('ctl dnssec thaw example.test');
  expect((await until('example.test', (status) => status.keys.length === 2)).keys.map(({ goal }) => goal)).toEqual([
    'hidden',
    'omnipresent',
  ]);
  const compromise = await run('ctl dnssec roll example.test --key 12345 --compromised', ['12345', tag]);
  expect(compromise.stdout).toMatch(/Resolvers trust key \d+ for /);
}, 60_000);

it('going unsigned, and being signed again', async () => {
  const { keys } = await until('leaving.test', hasDs('rumoured'));
  const tag = String(keys[0]?.tag);
  await run('ctl dnssec ds-seen example.test 12345', LEAVING, ['12345', tag]);
  await until('leaving.test', hasDs('omnipresent'));
  configure('off');
  expect((await reload()).status).toBe(0);
  await until('leaving.test', hasDs('unretentive'));
  await run('ctl dnssec ds-gone example.test 12345', LEAVING, ['12345', tag]);
  await until('leaving.test', ({ state, keys: left }) => state === 'unsigned' && left.length === 0);
  configure('quick');
  expect((await reload()).status).toBe(0);
  await until('leaving.test', ({ state }) => state === 'waiting');
  await run('ctl dnssec start example.test', LEAVING);
  await until('leaving.test', ({ state }) => state === 'signed');
}, 60_000);

it('a zone that comes in brings its keys', async () => {
  const key = generateKey(13, true);
  const json = path('keys.json');
  const times = { publish: 1, active: 1, retire: 0, remove: 0 };
  writeFileSync(path('0a.pem'), keyToPem(key));
  writeFileSync(path('key.pem'), keyToPem(key));
  const listed = { id: '0a', ksk: true, zsk: true, algorithm: 13, tag: key.tag, 'public-only': false, ...times };
  for (const [zone, command, file] of [
    [
      'bind.test',
      'ctl dnssec import example.test Kexample.test.+013+12345.private',
      'Kexample.test.+013+12345.private',
    ],
    ['knot.test', 'ctl dnssec import example.test keys.json', 'keys.json'],
    ['pem.test', 'ctl dnssec import example.test key.pem --role csk', 'key.pem'],
  ] as const) {
    const apex = nameFromText(`${zone}.`);
    const stem = path(bindKeyStem(apex, key));
    writeFileSync(`${stem}.private`, toBindPrivate(key));
    writeFileSync(`${stem}.key`, toBindPublic(apex, key, 60));
    writeFileSync(json, JSON.stringify([{ zone: `${zone}.`, ...listed }]));
    await run(command, ['example.test', zone], [file, zone === 'bind.test' ? `${stem}.private` : path(file)]);
    put(zone);
    expect((await reload()).status).toBe(0);
    const status = await until(zone, ({ state }) => state === 'signed');
    expect(status.keys).toMatchObject([{ tag: key.tag, role: 'csk', records: { ds: 'omnipresent' } }]);
    expect((await run('ctl zone-status example.test', ['example.test', zone])).stdout).toMatch(/signed +quick +1 /);
  }
}, 60_000);

it('every command of the page was run', () => {
  expect([...done].sort()).toEqual([...new Set(COMMANDS)].sort());
});
