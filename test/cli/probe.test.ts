import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/index.js';
import { adotd, ROOT } from '../support/cli.js';
import { runCommand } from '../support/run-command.js';
import { make, temporaryFolder } from '../tls/support.js';

const folder = temporaryFolder();
let server: RunningServer;
let plain: RunningServer;
let words: string[];
let ca: string;
beforeAll(async () => {
  const authority = await make({ names: ['Test CA'], isIssuer: true });
  const made = await make({ names: ['ns1.home.test'], issuer: authority });
  const certificates = [{ cert: folder.put('ns1.pem', made.cert), key: folder.put('ns1.key', made.key) }];
  ca = folder.put('ca.pem', authority.cert);
  server = await startServer({ folder: 'zones', config: { tls: { certificates } } });
  plain = await startServer({ folder: 'zones', config: { tls: { enabled: false } } });
  words = ['127.0.0.1', '--port', String(server.udp), '--tls-port', String(server.tls), '--idle', '0.05'];
});
afterAll(async () => {
  await Promise.all([server.close(), plain.close()]);
  folder[Symbol.dispose]();
});

/** A time of day. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Cells of the row that begins with `label`. */
function row(text: string, label: string): string[] {
  const line = text.split('\n').find((one) => one.startsWith(`${label.padEnd(13)}`)) ?? '';
  return line.slice(13).split(/ {2,}/);
}

describe('what docs/probe.md shows', () => {
  it('as a program runs', () => {
    const [, block = ''] = /^```js\n(.*?)^```$/ms.exec(readFileSync(join(ROOT, 'docs/probe.md'), 'utf8')) ?? [];
    const file = folder.put('example.mjs', block);
    mkdirSync(join(folder.path, 'node_modules'));
    symlinkSync(ROOT, join(folder.path, 'node_modules', 'adotd'));
    const ran = spawnSync(process.execPath, [file], { cwd: folder.path, encoding: 'utf8', timeout: 30_000 });
    expect(ran).toMatchObject({ status: 0, stderr: '', stdout: 'true any TLSv1.3 []\n' });
  });

  it('names every option', () => {
    const text = readFileSync(join(ROOT, 'docs/probe.md'), 'utf8');
    for (const option of ['zone', 'tls-host', 'tls-pin', 'tls-ca', 'idle', 'cache', 'json', 'tls-port'])
      expect(text).toContain(`--${option}`);
  });
});

describe('adotd probe', () => {
  it('shows a table of the transports, and a verdict', async () => {
    const { status, stdout, stderr } = await adotd('probe', ...words, '--zone', 'home.test');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.split('\n')[0]).toBe(`127.0.0.1: port ${server.udp}, TLS ${server.tls}, zone home.test`);
    expect(row(stdout, '')).toEqual(['UDP', 'TCP', 'STARTTLS', 'TLS']);
    expect(row(stdout, 'answers')).toEqual(['yes', 'yes', 'yes', 'yes']);
    expect(row(stdout, 'TLS')).toEqual(['-', '-', 'TLSv1.3', 'TLSv1.3']);
    expect(row(stdout, 'padding')).toEqual(['-', '-', 'to 468', 'to 468']);
    expect(row(stdout, 'keepalive')).toEqual(['-', '10.0 s', '10.0 s', '10.0 s']);
    expect(row(stdout, 'when closed')).toEqual(['-', 'fin', 'close_notify', 'close_notify']);
    expect(stdout).toMatch(/^STARTTLS {5}any: every first query is upgraded/m);
    expect(stdout).toMatch(/^TLS versions 1\.2 yes, resumed; 1\.3 yes, resumed; 1\.1 and older no$/m);
    expect(stdout).toMatch(/^equal {8}yes: \d+ questions over 4 transports: NOERROR, NXDOMAIN$/m);
    expect(stdout).toMatch(/^verdict {6}encrypted transport works, answers are equal$/m);
  });

  it('ends with status 1 where nothing is encrypted, and says what is the matter', async () => {
    const { status, stdout } = await runCommand('probe', '127.0.0.1', '--port', String(plain.udp), '--tls-port', '1');
    expect(status).toBe(1);
    expect(row(stdout, 'answers')).toEqual(['yes', 'yes', 'no: no upgrade', 'no: refused']);
    expect(stdout).toMatch(/^problem {6}no encrypted transport works$/m);
    expect(stdout).toMatch(/^verdict {6}not fit for encrypted DNS$/m);
  });

  it('says what is on a port in place of DNS', async () => {
    const swapped = ['--port', String(server.tls), '--tls-port', String(server.tcp)];
    const { status, stdout } = await runCommand('probe', '127.0.0.1', ...swapped, '--timeout', '0.5');
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^failure {6}127\.0\.0\.1:\d+ \(tcp\): .* without an answer; is there TLS, or another protocol, on this port\?$/m,
    );
    expect(stdout).toMatch(/^failure {6}127\.0\.0\.1:\d+ \(tls\): .*; is there TLS on this port\?/m);
  });

  it('ends with status 1 where UDP is silent, and does not deny the encryption', async () => {
    server.faults.add({ fault: 'drop', transport: 'udp' });
    const { status, stdout } = await runCommand('probe', ...words, '--zone', 'home.test', '--timeout', '0.5');
    server.faults.clear();
    expect(status).toBe(1);
    expect(row(stdout, 'answers')).toEqual(['no: timed out', 'yes', 'yes', 'yes']);
    expect(stdout).toMatch(
      /^problem {6}no answer over UDP, though over TCP: 127\.0\.0\.1:\d+ \(udp\): no answer within 0\.5 s;/m,
    );
    expect(stdout).toMatch(/^verdict {6}encrypted transport works, but there is a problem$/m);
  });

  it('says that queries with TO are dropped', async () => {
    server.faults.add({ fault: 'drop', upgrade: true, transport: 'tcp' });
    const { status, stdout } = await runCommand('probe', ...words, '--zone', 'home.test', '--timeout', '0.5');
    server.faults.clear();
    expect(status).toBe(0);
    expect(row(stdout, 'pipelining')).toEqual(['-', '8 of 8', '-', '8 of 8']);
    expect(stdout).toMatch(/^STARTTLS {5}dropped: first queries with TO bring no answer, those without do$/m);
    expect(stdout).toMatch(
      /^note {9}first queries with TO bring no answer over TCP, those without do \(.* within 0\.5 s\)/m,
    );
  });

  it('prints a list of objects, one a server, as JSON', async () => {
    const { status, stdout } = await runCommand('probe', '127.0.0.1', ...words, '--zone', 'home.test', '--json');
    expect(status).toBe(0);
    const reports: unknown = JSON.parse(stdout);
    const report = {
      given: '127.0.0.1',
      ok: true,
      zone: 'home.test',
      starttls: { mode: 'any', resumed: true },
      tls: { works: true, version: 'TLSv1.3', alpn: 'dot', keepalive: 10_000, farewell: 'close_notify' },
      edns: { versionOne: 'BADVERS', cookie: 'taken' },
    };
    expect(reports).toMatchObject([report, report]);
  });

  it('compares the certificate with an authority and a name, and with pins', async () => {
    const signed = await runCommand('probe', ...words, '--tls-ca', ca, '--tls-host', 'ns1.home.test');
    expect(signed.status).toBe(0);
    expect(signed.stdout).toMatch(/^pin .* \(acceptable\)$/m);
    const other = await runCommand('probe', ...words, '--tls-pin', Buffer.alloc(32).toString('base64'));
    expect(other.status).toBe(1);
    expect(other.stdout).toMatch(/^problem {6}.*the certificate is not acceptable: its pin is /m);
  });

  it('notes what works in a file for clients', async () => {
    const cache = join(folder.path, 'capabilities.json');
    expect(existsSync(cache)).toBe(false);
    await runCommand('probe', ...words, '--cache', cache);
    const { servers } = JSON.parse(readFileSync(cache, 'utf8')) as { servers: unknown };
    expect(servers).toMatchObject([
      { transport: 'tls', address: '127.0.0.1', port: server.tls, status: 'works' },
      { transport: 'starttls', address: '127.0.0.1', port: server.udp, status: 'works', mode: 'any' },
    ]);
  });

  it('says that a name has no address, and goes on', async () => {
    const { status, stdout, stderr } = await runCommand('probe', 'nowhere.invalid', ...words, '--json');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^adotd probe: nowhere\.invalid:.* \[CLIENT_UNREACHABLE\]$/m);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        given: 'nowhere.invalid',
        ok: false,
        began: expect.stringMatching(TIME),
        error: { code: 'CLIENT_UNREACHABLE' },
      },
      { given: '127.0.0.1', ok: true, began: expect.stringMatching(TIME), ended: expect.stringMatching(TIME) },
    ]);
  });

  it.each([
    [[], 'no server to probe'],
    [[''], 'server: found "", expected text that is not empty'],
    [['127.0.0.1', '--zone', 'a..b'], '"a..b" is no domain name'],
    [['127.0.0.1', '--tls-host', '192.0.2.1'], 'found "192.0.2.1", expected the host name'],
    [['127.0.0.1', '--port', '0'], '--port: found 0, expected a number from 1 to 65535'],
    [['127.0.0.1', '--idle', '60'], '--idle: found 60, expected seconds from 0 to 8'],
    [['127.0.0.1', '--tls-pin', 'x'], '--tls-pin: found x'],
    [['127.0.0.1', '--zones', 'x'], 'did you mean --zone?'],
  ])('refuses %j', async (wrong, message) => {
    const { status, stderr } = await runCommand('probe', ...wrong);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});
