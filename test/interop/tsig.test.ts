/**
 * Signed queries of real clients, over each transport that they know, and keys in the configurations of real servers. drill 1.8 is no
 * judge: with -y it sends its query unsigned.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adotd } from '../support/cli.js';
import { FOLDER, missingPrograms, run, type Server, serve } from './support.js';

const missing = missingPrograms({
  dig: 'bind9-dnsutils',
  kdig: 'knot-dnsutils',
  nsupdate: 'bind9-dnsutils',
});
const SECRET = 'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=';
const OTHER = 'YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=';
const ALGORITHMS = ['hmac-sha1', 'hmac-sha224', 'hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const;
const NAME = 'home.test';

describe.skipIf(missing)(`signed queries${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server;
  beforeAll(async () => {
    const file = join(FOLDER, 'secret');
    writeFileSync(file, `${SECRET}\n`);
    chmodSync(file, 0o600);
    server = await serve({
      workers: 1,
      tsig: [
        ...ALGORITHMS.map((algorithm) => ({ name: `${algorithm}.key.`, algorithm, secret: SECRET })),
        { name: 'File.Key', secret_file: file },
        { name: 'half.key', algorithm: 'hmac-sha256', secret: SECRET, mac_bits: 128 },
      ],
    });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const key = (algorithm: string, secret = SECRET): string => `${algorithm}:${algorithm}.key.:${secret}`;
  const port = (isTls: boolean): string => String(isTls ? server.tlsPort : server.port);

  describe.each(ALGORITHMS)('with %s', (algorithm) => {
    it.each([
      ['UDP', '+notcp'],
      ['TCP', '+tcp'],
      ['TLS', '+tls'],
    ])('are answered so that dig verifies the answer over %s', async (_, word) => {
      const words = ['@127.0.0.1', '-p', port(word === '+tls'), '-y', key(algorithm), word, '+norecurse', NAME, 'SOA'];
      const { stdout, status } = await run('dig', words);
      expect(status, stdout).toBe(0);
      expect(stdout).toMatch(/status: NOERROR/);
      expect(stdout).toMatch(/TSIG PSEUDOSECTION/);
      expect(stdout).not.toMatch(/Couldn't verify|tsig verify failure|WARNING/i);
    });

    it.each([
      ['UDP', '+notcp'],
      ['TCP', '+tcp'],
      ['TLS', '+tls'],
    ])('are answered so that kdig verifies the answer over %s', async (_, word) => {
      const words = ['@127.0.0.1', '-p', port(word === '+tls'), '-y', key(algorithm), word, '+norecurse', NAME, 'SOA'];
      const { stdout, stderr } = await run('kdig', words);
      expect(stdout).toMatch(/status: NOERROR/);
      expect(stdout).toMatch(/TSIG PSEUDOSECTION/);
      expect(stdout + stderr).not.toMatch(/WARNING|ERROR:|failed/);
    });
  });

  it('are answered to nsupdate, which asks for the SOA record before its update', async () => {
    const input = `server 127.0.0.1 ${server.port}\nupdate add www.${NAME} 60 A 192.0.2.1\nsend\n`;
    const { stderr } = await run('nsupdate', ['-d', '-y', key('hmac-sha256')], input);
    // The query got its signed answer; what fails is the update.
    expect(stderr).toMatch(/Reply from SOA query:[\s\S]*status: NOERROR[\s\S]*TSIG/);
    expect(stderr).toMatch(/NOTIMP/);
  });

  it.each(['udp', 'tcp', 'tls', 'starttls'])('are answered to adotd query over %s', async (transport) => {
    const words = ['query', NAME, 'SOA', '@127.0.0.1', '--port', port(transport === 'tls'), '--transport', transport];
    const trust = transport === 'tls' || transport === 'starttls' ? ['--tls-pin', server.pin] : [];
    const { status, stdout, stderr } = await adotd(...words, ...trust, '-y', key('hmac-sha512'));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/TSIG/);
  });

  it('with the key of a file, and with a MAC of half its length', async () => {
    const { stdout } = await adotd('query', NAME, '@127.0.0.1', '--port', port(false), '-y', `file.key:${SECRET}`);
    expect(stdout).toMatch(/status: NOERROR/);
    const words = [
      '@127.0.0.1',
      '-p',
      port(false),
      '-y',
      `hmac-sha256-128:half.key:${SECRET}`,
      '+norecurse',
      NAME,
      'SOA',
    ];
    expect((await run('dig', words)).stdout).not.toMatch(/Couldn't verify|WARNING/i);
  });

  it('are refused with another secret and another name', async () => {
    const ask = (text: string) => run('dig', ['@127.0.0.1', '-p', port(false), '-y', text, NAME, 'SOA']);
    expect((await ask(key('hmac-sha256', OTHER))).stdout).toMatch(/status: NOTAUTH[\s\S]*BADSIG/);
    expect((await ask(`hmac-sha256:nobody.key.:${SECRET}`)).stdout).toMatch(/status: NOTAUTH[\s\S]*BADKEY/);
    const own = await adotd('query', NAME, '@127.0.0.1', '--port', port(false), '--timeout', '5', '-y', `x.:${SECRET}`);
    expect(own).toMatchObject({ status: 9, stderr: expect.stringMatching(/BADKEY.*\[CLIENT_TSIG\]/) });
    const tcp = ['--transport', 'tcp', '-y', key('hmac-sha256', OTHER)];
    const wrong = await adotd('query', NAME, '@127.0.0.1', '--port', port(false), ...tcp);
    expect(wrong).toMatchObject({ status: 9, stderr: expect.stringMatching(/BADSIG.*\[CLIENT_TSIG\]/) });
  });
});

const servers = missingPrograms({ 'named-checkconf': 'bind9', knotc: 'knot', 'nsd-checkconf': 'nsd' });

describe.skipIf(servers)(`adotd keys tsig${servers ? ` (skipped: ${servers})` : ''}`, () => {
  it.each([
    ['bind', 'named-checkconf'],
    ['knot', 'knotc'],
    ['nsd', 'nsd-checkconf'],
  ])('prints a key that the configuration of %s takes', async (form, program) => {
    const { stdout } = await adotd('keys', 'tsig', 'Second.example', '--for', form);
    const file = join(FOLDER, `${form}.conf`);
    const head =
      { bind: '', knot: 'server:\n    listen: 127.0.0.1@53535\n', nsd: 'server:\n\tport: 53535\n' }[form] ?? '';
    writeFileSync(file, head + stdout);
    const args = form === 'knot' ? ['-c', file, 'conf-check'] : [file];
    const checked = await run(program, args);
    expect(checked, `${stdout}\n${checked.stdout}${checked.stderr}`).toMatchObject({ status: 0 });
  });
});
