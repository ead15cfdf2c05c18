import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { ControlTarget } from '../../src/server/control/control-target.js';
import { countOutcomes, type ZoneOutcome } from '../../src/server/zones/zone-outcome.js';
import { controlTarget, OUTCOME, STATUS, serveControl, ZONE } from '../server/control/control-support.js';
import { adotd, adotdServe, type Ran, RUNTIME } from '../support/cli.js';
import { runCommand } from '../support/run-command.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-'));
const socket = join(folder, 'control');
const calls: unknown[] = [];
let parts: Partial<ControlTarget> = {};

serveControl(socket, () => {
  const usual = controlTarget();
  // What a test puts into `parts` is asked for only when it is called.
  const target: ControlTarget = {
    ...usual,
    status: () => (parts.status ?? usual.status)(),
    zones: (name) => (parts.zones ?? usual.zones)(name),
    dump: (name) => (parts.dump ?? usual.dump)(name),
    sessions: (longest) => (parts.sessions ?? usual.sessions)(longest),
    drain: (seconds) => void calls.push(['drain', seconds]),
    setLogLevel(level) {
      calls.push(['level', level]);
      return 'info';
    },
    reload(request) {
      calls.push(['reload', request]);
      return (parts.reload ?? usual.reload)(request);
    },
  };
  return target;
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  calls.length = 0;
  parts = {};
});

const ctl = (...words: readonly string[]): Promise<Ran> => runCommand('ctl', '--socket', socket, ...words);

describe('adotd ctl', () => {
  it('says what the server is', async () => {
    parts = {
      status: () => ({ ...STATUS, health: 'warning', problems: ['zones/a.zone:1:1: no SOA'], restart: ['port'] }),
    };
    const { status, stdout } = await ctl('status');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^health +warning$/m);
    expect(stdout).toMatch(/^RESTART +needed, so that these changes take effect: port$/m);
    expect(stdout).toMatch(/^server +adotd 0\.0\.0, process 1, ready, up \d+ d/);
    expect(stdout).toMatch(/^zones +1 served, 0 failed, 0 kept as they were; 3 records$/m);
    expect(stdout).toMatch(/^tcp +\[::1\]:53$/m);
    expect(stdout).toMatch(/^PROBLEM +zones\/a\.zone:1:1: no SOA$/m);
  });

  it.each([
    ['ok', 0],
    ['warning', 1],
    ['critical', 2],
  ] as const)('ends with the status that monitoring plugins have: %s is %i', async (health, expected) => {
    parts = { status: () => ({ ...STATUS, health }) };
    expect((await ctl('status', '--json')).status).toBe(expected);
  });

  it('prints what the server answers with --json', async () => {
    expect(JSON.parse((await ctl('--json', 'status')).stdout)).toEqual(STATUS);
    expect(JSON.parse((await ctl('zone-status', 'A.test', '--json')).stdout)).toEqual([ZONE]);
    expect(JSON.parse((await ctl('stats', '--json')).stdout)).toEqual({ udp: { messages: 1 } });
  });

  it('lists zones, and fails when one is not served as its file says', async () => {
    const good = await ctl('zone-status');
    expect(good.status).toBe(0);
    expect(good.stdout).toMatch(/^zone +state +serial.*\na\.test\. +served +7 +3 +600 B .* zones\/a\.test\.zone\n$/);
    const message = 'found nonsense';
    const diagnostics = [{ severity: 'error', file: 'zones/a.test.zone', line: 2, column: 3, message }] as const;
    parts = { zones: () => [{ ...ZONE, state: 'kept', diagnostics }] };
    const bad = await ctl('zone-status');
    expect(bad.status).toBe(1);
    expect(bad.stdout).toMatch(/^zones\/a\.test\.zone:2:3: found nonsense$/m);
  });

  it('reloads, and says what came of it', async () => {
    const nothing = await ctl('reload');
    expect(nothing).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^zones: nothing changed, in 1\.0 ms\n$/),
    });
    const none = { errors: 0, warnings: 0, diagnostics: [] };
    const loaded: ZoneOutcome = { ...none, ...ZONE, diagnostics: [], result: 'loaded', before: 6, after: 7 };
    const kept: ZoneOutcome = {
      ...none,
      name: 'b.test.',
      file: 'b',
      result: 'kept',
      before: 3,
      after: 3,
      milliseconds: 0,
    };
    parts = {
      reload: async () => ({
        ...OUTCOME,
        zones: [loaded, kept],
        counts: countOutcomes([loaded, kept]),
        errors: ['oops'],
      }),
    };
    const { status, stdout } = await ctl('reload', '--force', '--allow-empty', 'a.test');
    expect(status).toBe(1);
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      'a.test. loaded, serial 6 to 7, 1.5 ms',
      'b.test. kept, serial 3',
      'error: oops',
      'zones: 1 loaded, 1 kept, in 1.0 ms',
    ]);
    expect(calls).toEqual([
      ['reload', {}],
      ['reload', { zone: 'a.test.', force: true, allowEmpty: true }],
    ]);
  });

  it('drains, sets the level of the log, lists sessions and prints zones', async () => {
    expect((await ctl('drain', '2.5')).stdout).toBe('the server drains, and then ends\n');
    expect((await ctl('log-level', 'debug')).stdout).toBe('info before, debug now\n');
    expect(calls).toEqual([
      ['drain', 2.5],
      ['level', 'debug'],
    ]);
    const session = { client: '2001:db8::1', port: 4711, path: 'starttls', state: 'secure' } as const;
    parts = {
      dump: (name) => (name === 'a.test.' ? ['a.test. 60 IN A 192.0.2.1\n', 'end\n'].values() : undefined),
      sessions: async (longest) => ({
        open: 1,
        byPath: { tcp: 0, starttls: 1, tls: 0 },
        draining: 0,
        longest: longest === 3 ? [{ ...session, age: 65_000, idle: 1500, queries: 9 }] : [],
      }),
    };
    expect((await ctl('dump-zone', 'a.test')).stdout).toBe('a.test. 60 IN A 192.0.2.1\nend\n');
    const { stdout } = await ctl('sessions', '--longest', '3');
    expect(stdout).toMatch(/^1 open: 0 tcp, 1 starttls, 0 tls; 0 of them closing\n/);
    expect(stdout).toMatch(/^\[2001:db8::1\]:4711 +starttls +secure +1 min 5 s +1500 ms +9$/m);
  });

  it.each([
    [['status'], join(folder, 'none'), /no such socket; is the server running/],
    [['status'], folder, /cannot reach the server at .*: that is a folder, expected a socket/],
    [['status'], '/etc/passwd', /that is no socket/],
    [['dump-zone', 'b.test'], socket, /b\.test\. is no zone of this server/],
    [['zone-status', 'a..b'], socket, /a\.\.b/],
    [['sessions', '--longest', 'many'], socket, /longest: found many, expected a number/],
    [['log-level', 'loud'], socket, /level/],
  ])('fails with a reason: %j', async (words, path, message) => {
    const { status, stderr, stdout } = await runCommand('ctl', '--socket', path, ...words);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^adotd: .*\[ADOTD_CONTROL\]\n$/);
    expect([status, stdout]).toEqual([words[0] === 'status' ? 3 : 1, '']);
  });

  it.each([
    [[], /expected a command: status/],
    [['relaod'], /unknown command relaod; did you mean reload\?/],
    [['status', 'now'], /adotd ctl status: unexpected now/],
    [['reload', 'a', 'b'], /unexpected b/],
    [['dump-zone'], /expected an argument/],
    [['drain', 'soon'], /expected a number of seconds/],
    [['--timeout', '0', 'status'], /--timeout/],
    [['--sockt', 'x', 'status'], /did you mean --socket/],
  ])('refuses the command line %j', async (words, message) => {
    const { status, stderr } = await ctl(...words);
    expect(stderr).toMatch(message);
    expect(status).toBe(words.some((word) => word === 'status') ? 3 : 2);
  });

  it('takes the socket from a configuration', async () => {
    const config = join(folder, 'adotd.yaml');
    writeFileSync(config, 'control: { socket: control }\n');
    expect((await runCommand('ctl', '--config', config, 'status')).status).toBe(0);
  });

  it('says so when another program is on the socket', async () => {
    const path = join(folder, 'other');
    const other = createServer((peer) => peer.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')).listen(path);
    const { status, stderr } = await runCommand('ctl', '--socket', path, 'status');
    expect([status, stderr]).toEqual([3, expect.stringMatching(/is there another program on the control socket/)]);
    other.close();
  });

  it.each([
    ['nothing', ''],
    ['a part of its answer', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{'],
  ])('gives up a server that says %s, and then nothing more', async (_, said) => {
    const path = join(folder, 'silent');
    const silent = createServer((peer) => {
      peer.on('error', () => undefined);
      if (said) peer.write(said);
    }).listen(path);
    const { status, stderr } = await runCommand('ctl', '--socket', path, '--timeout', '1', 'status');
    silent.close();
    expect(stderr).toMatch(/no answer from the server at .*silent: it sent nothing for 1 s.*its control thread hangs/);
    expect(status).toBe(3);
  });
});

describe('a server of which nobody has said where its socket is', () => {
  it('is found by adotd ctl; of several, one has to be chosen', async () => {
    const words = ['--zones', 'zones', '--workers', 'embedded', '--log-level', 'info'];
    await using one = await adotdServe(...words);
    const path = join(RUNTIME, 'adotd', 'adotd.sock');
    expect(one.stderr()).toContain(`control socket ${path}`);
    expect(await adotd('ctl', 'status')).toMatchObject({ status: 0, stderr: '' });
    await using two = await adotdServe(...words);
    const other = join(RUNTIME, 'adotd', `adotd-${two.pid}.sock`);
    expect(two.stderr()).toContain(`control socket ${other}`);
    const { status, stderr } = await adotd('ctl', 'stats');
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^adotd ctl: several servers run; choose one by --socket /),
    ]);
    for (const each of [path, other]) expect(stderr).toContain(each);
    expect((await runCommand('ctl', '--socket', other, 'status')).stdout).toContain(`process ${two.pid},`);
    await one.stop();
    expect((await adotd('ctl', 'status')).stdout).toContain(`process ${two.pid},`);
  });
});
