import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/index.js';
import { adotd } from '../support/cli.js';
import { runCommand } from '../support/run-command.js';
import { make, temporaryFolder } from '../tls/support.js';

const folder = temporaryFolder();
let server: RunningServer;
let dns: string[];
let dot: string[];
let ca: string;
beforeAll(async () => {
  const authority = await make({ names: ['Test CA'], isIssuer: true });
  const made = await make({ names: ['ns1.test'], issuer: authority });
  const certificates = [{ cert: folder.put('ns1.pem', made.cert), key: folder.put('ns1.key', made.key) }];
  ca = folder.put('ca.pem', authority.cert);
  server = await startServer({ folder: 'zones', config: { tls: { certificates } } });
  dns = ['@127.0.0.1', '--port', String(server.udp)];
  dot = ['@127.0.0.1', '--port', String(server.tls), '--transport', 'tls'];
});
afterAll(async () => {
  await server.close();
  folder[Symbol.dispose]();
});

describe('adotd query', () => {
  it('prints what dig prints, and a line about the transport', async () => {
    const ran = await adotd('query', 'ns1.types.test', 'aaaa', ...dns, '--dnssec');
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toMatch(
      new RegExp(
        [
          '^;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: \\d+',
          ';; flags: qr aa; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1',
          '',
          ';; OPT PSEUDOSECTION:',
          '; EDNS: version: 0, flags: do; udp: 1232',
          '',
          ';; QUESTION SECTION:',
          ';ns1.types.test.\t\tIN\tAAAA',
          '',
          ';; ANSWER SECTION:',
          'ns1.types.test.\t300\tIN\tAAAA\t2001:db8::1',
          '',
          ';; SERVER: 127.0.0.1#\\d+ \\(UDP\\) \\(not encrypted\\)',
          ';; TIME: answer \\d+\\.\\d ms',
          ';; WHEN: \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z',
          ';; MSG SIZE  sent: 43 rcvd: 71',
        ].join('\n'),
      ),
    );
  });

  it('shows TLS: version, cipher, certificate, pin, resumption', async () => {
    const ran = await runCommand(
      'query',
      'ns1.types.test',
      ...dot,
      '--tls-ca',
      ca,
      '--tls-host',
      'ns1.test',
      '--resume',
      '1',
    );
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    const lines = ran.stdout.split('\n').filter((line) => line.startsWith(';; TLS:'));
    expect(lines).toEqual([
      expect.stringMatching(/^;; TLS: TLSv1\.3, TLS_\w+, ALPN dot, full handshake$/),
      expect.stringMatching(/^;; TLS: TLSv1\.3, TLS_\w+, ALPN dot, resumed$/),
    ]);
    expect(ran.stdout).toMatch(/^;; CERTIFICATE: CN=ns1\.test; DNS:ns1\.test; until \d{4}-/m);
    expect(ran.stdout).toMatch(/^;; PIN: [^ ]{43}= \(verified by its authority and name\)$/m);
    expect(ran.stdout).toMatch(/^;; TIME: connect .* ms, handshake .* ms, answer .* ms$/m);
    expect(ran.stdout).toMatch(/^; PADDING: \d+ octets$/m);
  });

  it('upgrades by STARTTLS', async () => {
    const ran = await runCommand('query', 'ns1.types.test', ...dns, '--transport', 'starttls');
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^;; UPGRADE: offered; first answer NOERROR "STARTTLS"$/m);
    expect(ran.stdout).toMatch(/^;; TIME: connect .*, upgrade .*, handshake .*, answer /m);
    expect(ran.stdout).toMatch(/\(TCP, STARTTLS\)$/m);
  });

  it.each(['dummy', 'query'] as const)('resumes a session that began with --first %s', async (first) => {
    const words = ['ns1.types.test', ...dns, '--transport', 'starttls', '--first', first, '--resume', '2', '--json'];
    const ran = await runCommand('query', ...words);
    const list = JSON.parse(ran.stdout) as { tls: { resumed: boolean }; encrypted: boolean; notResumed?: string }[];
    expect(list.map(({ tls, notResumed }) => [tls.resumed, notResumed])).toEqual([
      [false, undefined],
      [true, undefined],
      [true, undefined],
    ]);
    // The answer to the first query came in plaintext.
    expect(list.map(({ encrypted }) => encrypted)).toEqual(Array(3).fill(first === 'dummy'));
  });

  it('says why it does not resume a session', async () => {
    const words = ['query', 'ns1.types.test', '--transport', 'starttls', '--resume', '1'];
    await using forgetful = await startServer({ folder: 'zones', faults: [{ fault: 'tls-no-resumption' }] });
    const at = ['--port', String(forgetful.tcp)];
    const text = await runCommand(...words, ...at);
    expect(text.stdout.match(/^;; NOT RESUMED: .*$/gm)).toEqual([
      ';; NOT RESUMED: the server did not take the ticket of the session before',
    ]);
    const short = await runCommand(...words, ...at, '--short', '--first', 'query');
    expect(short).toMatchObject({ status: 0, stdout: '192.0.2.1\n192.0.2.1\n' });
    expect(short.stderr).toBe('adotd query: not resumed: the server did not take the ticket of the session before\n');
    await using plain = await startServer({ folder: 'zones', tls: false });
    const ran = await runCommand(...words, '--port', String(plain.tcp), '--allow-plaintext', '--json');
    expect((JSON.parse(ran.stdout) as { notResumed?: string }[]).map(({ notResumed }) => notResumed)).toEqual([
      undefined,
      'this session has no TLS: the server did not offer the upgrade',
    ]);
  });

  it('prints JSON, a list of it with --resume, and the data only with --short', async () => {
    const json = await runCommand('query', 'ns1.types.test', ...dns, '--json', '--nsid', '--cookie');
    expect(JSON.parse(json.stdout)).toMatchObject({
      transport: 'udp',
      began: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      encrypted: false,
      message: {
        rcode: 'NOERROR',
        flags: ['qr', 'aa'],
        question: [{ name: 'ns1.types.test.', class: 'IN', type: 'A' }],
        answer: [{ name: 'ns1.types.test.', ttl: 300, class: 'IN', type: 'A', data: '192.0.2.1' }],
        edns: { version: 0, options: [{ code: 10, name: 'COOKIE' }] },
      },
    });
    const list = await runCommand('query', 'ns1.types.test', ...dot, '--json', '--resume', '2');
    const resumed = (JSON.parse(list.stdout) as { tls: { resumed: boolean } }[]).map(({ tls }) => tls.resumed);
    expect(resumed).toEqual([false, true, true]);
    const short = await runCommand('query', 'txt.types.test', 'TXT', ...dns, '--short');
    expect(short.stdout).toBe('"first" "second" "with \\"quotes\\", \\\\ and \\200" ""\n');
  });

  it('ends with status 0 whatever the RCODE', async () => {
    const ran = await runCommand('query', 'nothing.types.test', ...dns, '--no-edns');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain('status: NXDOMAIN');
    const chaos = await runCommand('query', 'version.server', 'TXT', ...dns, '--class', 'ch', '--transport', 'tcp');
    expect(chaos).toMatchObject({ status: 0, stderr: '' });
  });

  it('ends with status 3 when there is no acceptable encryption', async () => {
    const unknown = await runCommand('query', 'a.test', ...dot, '--tls-pin', Buffer.alloc(32).toString('base64'));
    expect(unknown).toMatchObject({ status: 3, stdout: '' });
    expect(unknown.stderr).toMatch(
      /^adotd query: .*the certificate is not acceptable: its pin is .*\[CLIENT_CERTIFICATE\]\n$/,
    );
    const misnamed = await runCommand('query', 'a.test', ...dot, '--tls-ca', ca, '--tls-host', 'ns2.test', '--json');
    expect(misnamed.status).toBe(3);
    expect(JSON.parse(misnamed.stdout)).toMatchObject({ error: { code: 'CLIENT_CERTIFICATE', step: 'handshake' } });
    await using plain = await startServer({ folder: 'zones', tls: false });
    const words = ['query', 'ns1.types.test', '--port', String(plain.tcp), '--transport', 'starttls'];
    const refused = await runCommand(...words);
    expect(refused).toMatchObject({ status: 3, stdout: '' });
    expect(refused.stderr).toMatch(/does not offer STARTTLS: TO is not set in its answer \[CLIENT_NO_UPGRADE\]/);
    const allowed = await runCommand(...words, '--allow-plaintext');
    expect(allowed.status).toBe(0);
    expect(allowed.stdout).toMatch(/UPGRADE: not offered; first answer NOERROR "NO_TLS"/);
    expect(allowed.stdout).toMatch(/\(TCP, STARTTLS\) \(not encrypted\)/);
  });

  it('ends with status 9 when no answer comes', async () => {
    const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const port = String((silent.address() as AddressInfo).port);
    const words = ['query', 'a.test', '--port', port, '--timeout', '0.2', '--tries', '1'];
    const slow = await runCommand(...words, '--transport', 'tcp');
    expect(slow).toMatchObject({ status: 9, stdout: '' });
    expect(slow.stderr).toMatch(
      /^adotd query: 127\.0\.0\.1:\d+ \(tcp\): no answer within 0\.2 s \[CLIENT_TIMED_OUT\]\n$/,
    );
    const refused = await runCommand(...words);
    expect(refused.status).toBe(9);
    expect(refused.stderr).toMatch(/connection refused \[CLIENT_REFUSED\]/);
    silent.close();
  });

  it.each([
    [[], /no name to ask for/],
    [['a', 'B4'], /unknown type B4; any type can be written as TYPE123/],
    [['a', 'A', 'extra'], /unexpected extra/],
    [['a', '@1', '@2'], /several servers/],
    [['a..b'], /"a\.\.b" is no domain name: it has an empty label/],
    [['a', '--transport', 'quic'], /--transport: found quic, expected udp, tcp, starttls or tls/],
    [['a', '--port', '0'], /--port: found 0, expected a number from 1 to 65535/],
    [['a', '--class', 'XX'], /--class: found XX/],
    [['a', '--timeout', 'x'], /--timeout: found x/],
    [['a', '--no-edns', '--dnssec'], /--dnssec needs EDNS, but --no-edns leaves it out/],
    [['a', '--tls-pin', 'abc'], /--tls-pin: found abc, expected 32 octets in base64/],
    [['a', '--resume', '1'], /--resume needs --transport starttls or tls/],
    [['a', '--tls-version', '1.1'], /--tls-version: found 1\.1, expected 1\.2 or 1\.3/],
    [['a', '--first', 'none'], /--first: found none/],
    [['a', '--dnsec'], /unknown option --dnsec; did you mean --dnssec\?/],
  ] as const)('answers %j with status 2 and one clear line', async (words, message) => {
    const ran = await runCommand('query', ...words);
    expect(ran).toMatchObject({ status: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('ends with status 1 when the file of authorities cannot be read or holds none', async () => {
    const missing = await runCommand('query', 'a', ...dot, '--tls-ca', 'no-such-file.pem');
    expect(missing).toMatchObject({ status: 1, stdout: '' });
    expect(missing.stderr).toMatch(/cannot read no-such-file\.pem: no such file or directory \[ADOTD_FILE\]/);
    const empty = await runCommand('query', 'a', ...dot, '--tls-ca', 'package.json');
    expect(empty.stderr).toMatch(/package\.json holds no certificate in PEM \[ADOTD_FILE\]/);
    expect(empty.status).toBe(1);
  });
});
