import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/index.js';
import { textOf } from '../repository/files.js';
import { adotd, MAIN, ROOT } from '../support/cli.js';
import { runCommand } from '../support/run-command.js';
import { temporaryFolder } from '../tls/support.js';

const folder = temporaryFolder();
let server: RunningServer;
let at: string[];
beforeAll(async () => {
  server = await startServer({
    zones: { 'example.test': '@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n' },
  });
  at = ['@127.0.0.1', '--port', String(server.tcp), '--timeout', '5'];
});
afterAll(async () => {
  await server.close();
  folder[Symbol.dispose]();
});

const script = (...lines: string[]): string => folder.put('script', `${lines.join('\n')}\n`);

describe('adotd update', () => {
  it('finds all mistakes of a file, with line and column, before anything is sent', async () => {
    const file = script(
      'server 127.0.0.1 1',
      'add www.example.test. A 192.0.2.1',
      'ad x',
      'add a.example.test. 60 A 192.0.2',
      'send',
    );
    const { status, stderr } = await runCommand('update', file);
    expect(status).toBe(2);
    expect(stderr.replaceAll(file, 'FILE').trimEnd().split('\n')).toEqual([
      'adotd update: FILE:2:23: found no TTL, expected one behind the name, or a line "ttl SECONDS" before',
      'adotd update: FILE:3:1: found ad, expected a command; did you mean add?',
      'adotd update: FILE:4:26: found 192.0.2, expected an IPv4 address',
    ]);
  });

  it('does not forget what is behind the last send', async () => {
    const { status, stderr } = await runCommand('update', script('server 127.0.0.1 1', 'del www.example.test.'));
    expect([status, stderr]).toEqual([2, expect.stringMatching(/found no "send" behind the last changes/)]);
  });

  it('shows what it would send', async () => {
    const lines = [
      'zone example.test.',
      'prereq nxdomain www.example.test.',
      'ttl 1h',
      'add www.example.test. TXT "a b"',
      'del x.example.test. MX 10 a.',
      'show',
      'send',
    ];
    const { status, stdout } = await runCommand('update', script(...lines), '--check');
    expect([status, stdout]).toEqual([0, '']);
    const ran = await runCommand('update', script(...lines), ...at);
    expect(ran.status).toBe(4);
    expect(ran.stdout).toBe(
      [
        ';; ZONE SECTION:',
        ';example.test.\t\tIN\tSOA',
        '',
        ';; PREREQUISITE SECTION:',
        'www.example.test.\t0\tNONE\tANY',
        '',
        ';; UPDATE SECTION:',
        'www.example.test.\t3600\tIN\tTXT\t"a b"',
        'x.example.test.\t0\tNONE\tMX\t10 a.',
        '',
        '',
      ].join('\n'),
    );
    expect(ran.stderr).toMatch(
      /script:7: example\.test\.: the server answered \w+; nothing of this update was changed/,
    );
  });

  it('takes the commands of docs/zones.md', async () => {
    const [, commands = ''] = /^```\n(server .*?)^```$/ms.exec(textOf('docs/zones.md')) ?? [];
    expect(commands).toContain('update add laptop.dyn.example.test.');
    const { status, stderr } = await runCommand('update', folder.put('commands', commands), '--check');
    expect([status, stderr]).toEqual([0, '']);
  });

  it('finds the zone of the first name at the server', async () => {
    const { stderr } = await runCommand('update', script('del a.b.c.example.test.', 'send', 'answer'), ...at);
    expect(stderr).toMatch(/script:2: example\.test\.: the server answered/);
  });

  it('says that nothing listens, with an exit status of its own', async () => {
    const { status, stderr } = await runCommand(
      'update',
      script('zone example.test.', 'del www.example.test.', 'send'),
      '@127.0.0.1',
      '-p',
      '1',
    );
    expect([status, stderr]).toEqual([9, expect.stringMatching(/script:3: .*connection refused \[CLIENT_REFUSED\]/)]);
  });

  it('reads standard input line by line, and ends at a mistake', async () => {
    const input = 'zone example.test.\ndel www.example.test.\n\nnonsense\ndel b.example.test.\n\n';
    const child = spawn(process.execPath, [MAIN, 'update', ...at], { cwd: ROOT });
    child.stdin.end(input);
    const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    const ran = { status: Number(status), stderr };
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/standard input:3: example\.test\.: the server answered/);
    expect(ran.stderr).toMatch(/standard input:4:1: found nonsense, expected a command/);
    expect(ran.stderr).not.toMatch(/input:6/);
  });

  it.each([
    [['--transport', 'quic'], '--transport: found quic, expected udp, tcp, starttls or tls'],
    [['--tls', '--transport', 'udp'], '--tls and --transport udp exclude each other'],
    [['--tls-pin', `${'A'.repeat(43)}=`], '--tls-ca and --tls-pin need --transport tls or starttls, found tcp'],
    [['a', 'b'], 'several files: a b'],
    [['@x', '--server', 'y'], 'several servers: x y'],
    [['-g'], '-g: there is no GSS-TSIG here; use a TSIG key, -y or -k'],
    [['-y', 'a'], '--tsig: expected [ALGORITHM:]NAME:SECRET, such as hmac-sha256:key.example.:YWJj'],
    [['--zone', 'x'], 'unknown option --zone; write a line "zone NAME" among the commands'],
  ])('with %j is a mistake', async (words, message) => {
    const { status, stderr } = await adotd('update', ...words);
    expect([status, stderr]).toEqual([2, `adotd update: ${message}\n`]);
  });
});
