import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adotd, adotdServe, MAIN, startAdotd } from '../support/cli.js';
import { queryTcp, queryUdp } from '../support/query.js';

const zone = (address: string): string => `
$TTL 300
@    SOA ns1 hostmaster 1 7200 3600 1209600 300
     NS ns1
ns1  A ${address}
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const at = (port: number) => ({ address: '127.0.0.1', udp: port, tcp: port });

describe('adotd serve', () => {
  it('says ready once, with its addresses, on standard output, and logs JSON to standard error', async () => {
    put('a.test.zone', zone('192.0.2.1'));
    await using server = await adotdServe('--zones', folder);
    const plain = `127.0.0.1:${server.port}`;
    expect(server.ready).toBe(`ready udp=${plain} tcp=${plain} tls=127.0.0.1:${server.tlsPort} zones=1`);
    expect((await queryUdp(at(server.port), 'ns1.a.test')).answers).toHaveLength(1);
    expect((await queryTcp(at(server.port), 'ns1.a.test')).answers).toHaveLength(1);
    const ran = await server.stop();
    expect(ran.status).toBe(0);
    expect(ran.stdout).toBe(`${server.ready}\n`);
    const lines = ran.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string });
    const said = lines.map((line) => line.msg);
    expect(said).toContainEqual(
      expect.stringMatching(/^certificate .*self-signed\.pem: .*, pin .{44}, TLSA 3 1 1 [0-9A-F]{64}$/),
    );
    const threads = availableParallelism();
    expect(said).toContain(
      `queries are answered by threads: ${threads} for UDP (recvmmsg), ${threads} for streams (epoll)`,
    );
    expect(said.at(-1)).toMatch(/^statistics: udp: messages=1 answer=1 .*tcp: messages=1 answer=1/);
    expect(said.at(-1)).toContain(`plane: threads udp=${threads} streams=${threads} restarts=0`);
  });

  it('serves files as the zones that --zone names, in place of those of the configuration', async () => {
    put('a.test.zone', zone('192.0.2.1'));
    const one = put('db.one', zone('192.0.2.2'));
    const two = put('export.txt', zone('192.0.2.3'));
    const config = put('adotd.yaml', 'zones: { folder: . }\n');
    await using server = await adotdServe('--config', config, '--zone', `one.test=${one}`, '--zone', `two.test=${two}`);
    expect(server.ready).toMatch(/ zones=2$/);
    for (const [name, count] of [
      ['ns1.one.test', 1],
      ['ns1.two.test', 1],
      ['ns1.a.test', 0],
    ] as const)
      expect((await queryUdp(at(server.port), name)).answers).toHaveLength(count);
  });

  it('says what to do about a folder whose zone files are called otherwise', async () => {
    put('db.one.test', zone('192.0.2.2'));
    await using server = await adotdServe('--zones', folder);
    expect(server.ready).toMatch(/ zones=0$/);
    const { stderr } = await server.stop();
    expect(stderr).toContain('rename them (db.one.test to one.test.zone), or name each with --zone one.test=');
  });

  it('takes a configuration from a pipe, whose paths are relative to where it is started', async () => {
    put('a.test.zone', zone('192.0.2.1'));
    const text = `port: 0\ntls_port: 0\nzones: { folder: . }\ncontrol: { socket: ${folder}/socket }\nstarttls: { record_per_message: true }\n`;
    const command = 'exec "$0" "$1" serve --config <(printf %s "$2")';
    const child = spawn('bash', ['-c', command, process.execPath, MAIN, text], { cwd: folder });
    const closed = once(child, 'close');
    const [first] = (await once(child.stdout, 'data')) as [Buffer];
    expect(first.toString()).toMatch(/^ready .* zones=1\n$/);
    expect(existsSync(join(folder, 'certs/self-signed.pem'))).toBe(true);
    // What was read once stays.
    child.kill('SIGHUP');
    let log = '';
    for await (const chunk of child.stderr) {
      const before = log;
      log += String(chunk);
      // Once: a second signal, behind the end of the server, would end the process.
      if (/reload done/.test(log) && !/reload done/.test(before)) child.kill('SIGTERM');
    }
    expect(await closed).toEqual([0, null]);
    expect(log).not.toMatch(/stays as it was/);
    // The key is one of an earlier version.
    expect(log).toMatch(/"level":40,.*:5:13: starttls\.record_per_message: found a key that was removed/);
  });

  it('loads zones anew at HUP, keeps what is broken, and logs statistics at USR1', async () => {
    const changed = put('changed.test.zone', zone('192.0.2.1'));
    const broken = put('broken.test.zone', zone('192.0.2.1'));
    await using server = await adotdServe('--zones', folder);
    await queryUdp(at(server.port), 'ns1.changed.test');
    writeFileSync(changed, zone('192.0.2.2'));
    writeFileSync(broken, 'broken');
    server.signal('SIGHUP');
    // Its last line, when all threads have the zones.
    await server.logged(/2 zones served, 1 of them as before(.*\n)*.*reload done/);
    const answers = async (name: string) => (await queryUdp(at(server.port), name)).answers;
    expect(await answers('ns1.changed.test')).toEqual([expect.objectContaining({ data: '192.0.2.2' })]);
    expect(await answers('ns1.broken.test')).toEqual([expect.objectContaining({ data: '192.0.2.1' })]);
    expect(server.stderr()).toContain(`${broken}:1:7: `);
    server.signal('SIGUSR1');
    await server.logged(/statistics: udp: messages=3 answer=3 NOERROR=3/);
  });

  it('remembers a HUP that comes before it is ready', async () => {
    put('large.test.zone', `${zone('192.0.2.1')}$GENERATE 1-200000 h$ A 192.0.2.1\n`);
    const config = put('adotd.yaml', 'zones: { folder: . }\nmetrics: { listen: 0 }\n');
    const starting = startAdotd('--config', config);
    // Metrics are there before the zones are read.
    await starting.logged(/metrics at /);
    starting.signal('SIGHUP');
    await using server = await starting.ready();
    await server.logged(/loading changed files/);
  });

  it('loads many zones in its loader thread', async () => {
    for (let i = 0; i < 400; i++) put(`z${i}.test.zone`, `${zone('192.0.2.1')}t TXT ${'"x" '.repeat(1000)}\n`);
    put('z7.test.zone', 'broken');
    await using server = await adotdServe('--zones', folder);
    expect(server.ready).toMatch(/zones=399 failed=1$/);
    expect((await queryUdp(at(server.port), 'ns1.z399.test')).rcode).toBe('NOERROR');
    expect((await queryUdp(at(server.port), 'ns1.z7.test')).rcode).toBe('SERVFAIL');
    server.signal('SIGHUP');
    await server.logged(/loading changed files.*\n(.*\n)*.*399 zones served, 1 failed(.*\n)*.*reload done/);
    expect((await queryTcp(at(server.port), 'ns1.z0.test')).rcode).toBe('NOERROR');
  });

  it('takes what the configuration says, options first', async () => {
    put('a.test.zone', zone('192.0.2.1'));
    const config = put(
      'adotd.yaml',
      'zones: { folder: . }\nport: 1\nlisten: [127.0.0.1, "::1"]\nversion: none of yours\n',
    );
    await using server = await adotdServe('--config', config, '--log-format', 'pretty', '--log-level', 'warn');
    const both = (port: number): string => `127.0.0.1:${port},[::1]:${port}`;
    const { port, tlsPort } = server;
    expect(server.ready).toBe(`ready udp=${both(port)} tcp=${both(port)} tls=${both(tlsPort)} zones=1`);
    expect((await queryUdp({ ...at(server.port), address: '::1' }, 'ns1.a.test')).rcode).toBe('NOERROR');
    expect(server.stderr().replace(/^.*running as root.*\n/, '')).toBe('');
  });

  it('runs in one thread when asked to, and says so', async () => {
    put('a.test.zone', zone('192.0.2.1'));
    await using server = await adotdServe('--zones', folder, '--workers', 'embedded');
    expect((await queryUdp(at(server.port), 'ns1.a.test')).answers).toHaveLength(1);
    const { stderr } = await server.stop();
    expect(stderr).toContain('queries are answered embedded: one thread, node:dgram and node:net');
    expect(stderr).toContain('plane: embedded udp=0 streams=0 restarts=0');
  });

  it('prints commands that work when asked for them', async () => {
    await using server = await adotdServe('--zones', 'zones', '--try');
    await expect.poll(() => server.stdout().split('\n').length).toBeGreaterThanOrEqual(6);
    const commands = server
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('  '));
    expect(commands.map((line) => line.trim().split(' ')[0])).toEqual(['dig', 'dig', 'node']);
    const [, plain] = / -p (\d+) nsec\.test\. SOA$/.exec(commands[0] ?? '') ?? [];
    const [, secure] = / -p (\d+) child\.parent\.test\. NS$/.exec(commands[1] ?? '') ?? [];
    expect([plain, secure]).toEqual([String(server.port), String(server.tlsPort)]);
    const [, ...words] = (commands[2] ?? '').trim().split(' ').slice(1);
    const ran = await adotd(...words);
    expect(ran.stdout).toContain('(TCP, STARTTLS)');
    expect(ran.status).toBe(0);
  });

  it('finishes what has begun when it is told to end', async () => {
    put('a.test.zone', zone('192.0.2.1'));
    await using server = await adotdServe('--zones', folder);
    const socket = connect({ host: '127.0.0.1', port: server.port });
    const closed = new Promise<void>((resolve) => socket.once('end', resolve));
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    socket.resume();
    server.signal('SIGTERM');
    await closed;
    socket.end();
    expect((await server.stop()).status).toBe(0);
  });
});

describe('mistakes an operator makes with adotd serve', () => {
  it('a zones folder that is not there', async () => {
    const ran = await adotd('serve', '--zones', '/nonexistent', '--log-level', 'silent');
    expect(ran).toEqual({
      status: 1,
      stdout: '',
      stderr: 'adotd: cannot read the zones folder /nonexistent: no such file or directory [ADOTD_FILE]\n',
    });
  });

  it('a file where a folder is expected', async () => {
    const ran = await adotd('serve', '--zones', put('a.test.zone', zone('192.0.2.1')), '--log-level', 'silent');
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/cannot read the zones folder .*: not a directory \[ADOTD_FILE\]\n$/);
  });

  it('a port that is taken', async () => {
    put('a.test.zone', zone('192.0.2.1'));
    await using server = await adotdServe('--zones', folder);
    const ran = await adotd('serve', '--zones', folder, '--port', String(server.port), '--log-level', 'silent');
    expect(ran.status).toBe(1);
    expect(ran.stderr).toBe(
      `adotd: cannot listen on UDP 127.0.0.1:${server.port}: another program uses this port (EADDRINUSE); ` +
        'stop it, or choose another port with --port or `port` [ADOTD_LISTEN]\n',
    );
  });

  it('an address of another machine', async () => {
    const ran = await adotd(
      'serve',
      '--zones',
      folder,
      '--listen',
      '192.0.2.1',
      '--port',
      '0',
      '--log-level',
      'silent',
    );
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(
      /^adotd: cannot listen on UDP 192\.0\.2\.1:0: no network interface has .*\[ADOTD_LISTEN\]\n$/,
    );
  });

  it('a typing mistake in the configuration', async () => {
    const file = put('adotd.yaml', 'zones:\n  folder: .\nprot: 5300\n');
    const ran = await adotd('serve', '--config', file);
    expect(ran).toEqual({ status: 1, stdout: '', stderr: `${file}:3:1: prot: unknown key; did you mean port?\n` });
  });

  it('a configuration that is not there', async () => {
    const ran = await adotd('serve', '--config', '/nonexistent.yaml');
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^adotd: cannot read \/nonexistent\.yaml: no such file or directory \[ADOTD_FILE\]\n$/);
  });

  it('a zone with errors, with --strict', async () => {
    const file = put('bad.test.zone', '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 300.0.0.1\n');
    const ran = await adotd('serve', '--zones', folder, '--strict', '--port', '0', '--log-level', 'silent');
    expect(ran.status).toBe(1);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toMatch(new RegExp(`^${file}:3:\\d+: .*300\\.0\\.0\\.1`));
  });

  it('a secret file that holds no secret, with --strict', async () => {
    put('secret', 'hunter2\n');
    const config = put('adotd.yaml', 'zones: { folder: . }\nport: 0\ncookies: { secret_file: secret }\n');
    const ran = await adotd('serve', '--config', config, '--strict', '--log-level', 'silent');
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/secret:1:1: expected a secret of 32 hexadecimal digits \[ADOTD_CONFIG\]\n$/);
    expect(ran.stderr).not.toContain('hunter2');
  });

  // Root may read everything: then this is about a file that is a folder.
  it('a zone file that cannot be read', async () => {
    const file = put('a.test.zone', zone('192.0.2.1'));
    chmodSync(file, 0o000);
    const root = spawnSync('id', ['-u'], { encoding: 'utf8' }).stdout.trim() === '0';
    const path = root ? '/dev/null' : file;
    const ran = await adotd('check', path);
    expect(ran.status).toBe(1);
    expect(ran.stdout).toMatch(
      new RegExp(`^${path}:1:1: cannot read ${path}: (permission denied|it is no regular file)\n$`),
    );
  });
});
