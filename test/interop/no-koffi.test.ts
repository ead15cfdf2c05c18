/**
 * The packed package, installed without its optional dependency koffi as on a machine for which that is not built: everything runs
 * embedded, and says so. The server is started as root in a network namespace of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ran } from '../support/cli.js';
import { install, pack, run } from '../support/packed.js';
import {
  handingOver,
  makeNamespace,
  missingForNamespaces,
  type Namespace,
  NOBODY,
  openFolder,
  removeNamespace,
  type ServerInNamespace,
  serveIn,
  writeSettings,
} from './namespace.js';
import { missingPrograms } from './support.js';

const missing = missingForNamespaces() || missingPrograms({ dig: 'bind9-dnsutils', kdig: 'knot-dnsutils' });
const CLIENTS = fileURLToPath(new URL('drain.py', import.meta.url));
const OBSTACLE = 'the optional package koffi is not installed';
/** Milliseconds of load before the server is to stop. */
const LOAD = 1500;

const folder = openFolder();
const project = join(folder, 'project');
const zones = join(folder, 'zones');
const control = join(folder, 'control');
const zoneFile = join(zones, 'home.test.zone');
const command = join(project, 'node_modules/adotd/dist/cli/main.js');

const zone = (serial: number): string =>
  `$TTL 60\n@ SOA ns hostmaster ${serial} 2 3 4 5\n@ NS ns\nns A 127.0.0.1\nwww A 192.0.2.80\n`;

const adotd = (...words: readonly string[]): Promise<Ran> =>
  run(process.execPath, [command, ...words], { cwd: project });

beforeAll(async () => {
  for (const path of [project, zones, control]) mkdirSync(path);
  chownSync(control, NOBODY, NOBODY);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  writeFileSync(zoneFile, zone(1));
  await install(await pack(folder), project, '--omit=optional');
});

it('is installed without koffi', () => {
  expect(existsSync(command)).toBe(true);
  expect(existsSync(join(project, 'node_modules/koffi'))).toBe(false);
});

it('checks a zone', async () => {
  expect(await adotd('check', zoneFile)).toMatchObject({ status: 0, stderr: '1 zone, 0 errors, 0 warnings\n' });
});

it('starts a fixture, probes it, and ends it with its standard input', async () => {
  const ca = join(folder, 'ca.pem');
  const words = [command, 'fixture', '--zone', `home.test=${zoneFile}`, '--ca-file', ca];
  const fixture = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(fixture, 'close');
  const [line] = (await once(createInterface(fixture.stdout), 'line')) as [string];
  const { udp, tls } = JSON.parse(line);
  const ports = ['--port', String(udp), '--tls-port', String(tls), '--idle', '0.2'];
  const probed = await adotd('probe', '127.0.0.1', ...ports, '--zone', 'home.test', '--tls-ca', ca);
  expect(probed, probed.stdout).toMatchObject({ status: 0, stderr: '' });
  expect(probed.stdout).toMatch(/certificate.*\n/);
  const asked = await adotd('query', 'www.home.test', 'A', '@127.0.0.1', '--port', String(udp));
  expect(asked).toMatchObject({ status: 0, stdout: expect.stringContaining('192.0.2.80') });
  fixture.stdin.end();
  expect(await closed).toEqual([0, null]);
});

describe.skipIf(missing)(`adotd serve${missing && ` (${missing})`}`, () => {
  const socket = join(control, 'socket');
  let namespace: Namespace;
  let server: ServerInNamespace;
  const serving = (settings: object): string[] => [
    process.execPath,
    command,
    'serve',
    '--config',
    writeSettings(folder, { zones: { folder: zones }, watch: { enabled: false }, ...settings }),
  ];
  const ask = (program: string, ...words: readonly string[]): Promise<string> =>
    namespace.demand(program, '@127.0.0.1', '+short', ...words);

  beforeAll(async () => {
    namespace = await makeNamespace();
    server = await serveIn(namespace, serving({ workers: 2, user: 'nobody', control: { socket } }));
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    if (namespace) removeNamespace(namespace);
  });

  it('says in its log, its status and its statistics that it is embedded, and why', async () => {
    const said = server.log().map(({ msg }) => msg);
    expect(said).toContain(`\`workers: 2\` is impossible here; everything runs embedded, in one thread: ${OBSTACLE}`);
    expect(said).toContain(`TCP Fast Open is off: ${OBSTACLE}`);
    expect(said).toContain('queries are answered embedded: one thread, node:dgram and node:net');
    const { stdout } = await adotd('ctl', '--socket', socket, 'status');
    expect(stdout).toMatch(new RegExp(`^threads +none: ${OBSTACLE}$`, 'm'));
    const { stdout: json } = await adotd('ctl', '--socket', socket, '--json', 'status');
    expect(JSON.parse(json)).toMatchObject({ plane: { path: 'embedded', udpWorkers: 0, obstacle: OBSTACLE } });
    process.kill(server.pid, 'SIGUSR1');
    await server.logged(/plane: embedded udp=0 streams=0 restarts=0$/);
  });

  it('answers dig and kdig over UDP, TCP and TLS', async () => {
    const answers = [
      await ask('dig', 'www.home.test'),
      await ask('dig', '+tcp', 'www.home.test'),
      await ask('kdig', '+tls', 'www.home.test'),
    ];
    expect(answers).toEqual(['192.0.2.80\n', '192.0.2.80\n', '192.0.2.80\n']);
  });

  it('has become another user, with all its threads', async () => {
    for (const thread of readdirSync(`/proc/${server.pid}/task`)) {
      const status = readFileSync(`/proc/${server.pid}/task/${thread}/status`, 'utf8');
      expect(status).toMatch(new RegExp(`^Uid:\t${NOBODY}\t${NOBODY}\t${NOBODY}\t${NOBODY}$`, 'm'));
      expect(status).toMatch(/^CapEff:\t0+$/m);
    }
  });

  it('loads its zones again at SIGHUP', async () => {
    writeFileSync(zoneFile, zone(2));
    process.kill(server.pid, 'SIGHUP');
    await expect.poll(() => ask('dig', 'home.test', 'SOA')).toMatch(/ 2 2 3 4 5$/m);
    expect(await ask('kdig', '+tls', 'home.test', 'SOA')).toMatch(/ 2 2 3 4 5$/m);
  });

  // Without the C library new connections cannot be kept from coming to a listening socket: those that come at the moment in which it
  // is closed are reset.
  it('loses nothing at SIGTERM that it has received over UDP or accepted', async () => {
    const words = ['--port', '53', '--tls-port', '853', '--name', 'www.home.test'];
    const clients = namespace.start(['python3', '-B', CLIENTS, ...words]);
    let output = '';
    clients.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const done = once(clients, 'close');
    await expect.poll(() => output).toContain('asking\n');
    await sleep(LOAD);
    process.kill(server.pid, 'SIGTERM');
    expect(await server.ended).toBe(0);
    await done;
    const { udp, ...streams } = JSON.parse(output.split('\n')[1] ?? '');
    expect(udp).toMatchObject({ lost: [], wrong: [], ends: { refused: 4 } });
    expect(udp.asked).toBeGreaterThan(100);
    for (const [transport, { asked, lost, wrong, keepalive0 }] of Object.entries<Tally>(streams)) {
      const accepted = lost.filter(({ how, answered }) => how !== 'ConnectionResetError' || answered > 0);
      expect([transport, accepted, wrong]).toEqual([transport, [], []]);
      expect(asked).toBeGreaterThan(100);
      expect(keepalive0).toBeGreaterThan(0);
    }
    expect(server.log().filter(({ msg }) => /does not stop|died|please report/.test(msg))).toEqual([]);
  });

  it('does not take sockets that are handed over, and says what it needs for it', async () => {
    const words = handingOver({ sockets: [{ type: 'udp', address: '127.0.0.1', port: 53 }] }, serving({}));
    const ran = await namespace.run(...words);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain(
      `adotd: cannot take the sockets of LISTEN_FDS: ${OBSTACLE}; let adotd bind its own [ADOTD_LISTEN]`,
    );
  });
});

/** The output of drain.py for the clients of one transport. */
interface Tally {
  readonly asked: number;
  readonly lost: readonly { readonly how: string; readonly answered: number }[];
  readonly wrong: readonly string[];
  readonly keepalive0: number;
}
