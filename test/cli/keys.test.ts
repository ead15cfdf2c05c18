import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pinOf } from '../../src/tls/pin.js';
import { adotd } from '../support/cli.js';
import { runCommand } from '../support/run-command.js';
import { make, makeRsa, temporaryFolder } from '../tls/support.js';

let folder: ReturnType<typeof temporaryFolder>;
let zones: string;
let certs: string;
beforeEach(() => {
  folder = temporaryFolder();
  zones = join(folder.path, 'zones');
  certs = join(folder.path, 'certs');
  mkdirSync(zones);
  folder.put('zones/a.test.zone', `$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\n@ NS NS.Elsewhere.test.\nns A 192.0.2.1\n`);
  folder.put('zones/b.test.zone', `$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns.a.test.\n`);
});
afterEach(() => folder[Symbol.dispose]());

const keys = (...words: string[]) => runCommand('keys', '--zones', zones, '--certs', certs, ...words);
const hexOf = (pin: string): string => Buffer.from(pin, 'base64').toString('hex').toUpperCase();

describe('adotd keys', () => {
  it('makes a certificate where there is none, and prints it with records to paste', async () => {
    const { status, stdout, stderr } = await adotd('keys', '--zones', zones, '--certs', certs);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const certFile = join(certs, 'self-signed.pem');
    const keyFile = join(certs, 'self-signed.key');
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    const pin = pinOf(createPublicKey(createPrivateKey(readFileSync(keyFile))));
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe(`; certificate ${certFile}, key ${keyFile}`);
    expect(lines[1]).toMatch(/^; {3}subject {2}CN=/);
    expect(lines[2]).toMatch(/^; {3}names {4}.*ns\.a\.test, ns\.elsewhere\.test/);
    expect(lines[3]).toMatch(/^; {3}valid {4}\d{4}-\d\d-\d\dT\S+Z to \d{4}-\d\d-\d\dT\S+Z$/);
    expect(lines[4]).toBe(`;   pin      ${pin}`);
    expect(lines[5]).toBe(`;   TLSA     3 1 1 ${hexOf(pin)}`);
    expect(lines.slice(6)).toEqual([
      `_853._tcp.ns.a.test. 3600 IN TLSA 3 1 1 ${hexOf(pin)}`,
      `_853._tcp.ns.elsewhere.test. 3600 IN TLSA 3 1 1 ${hexOf(pin)}`,
      '_dns.ns.a.test. 3600 IN SVCB 1 ns.a.test. alpn="dot"',
      '_dns.ns.elsewhere.test. 3600 IN SVCB 1 ns.elsewhere.test. alpn="dot"',
    ]);
    expect((await keys()).stdout).toBe(stdout);
  });

  it('prints DS records for the parents, with the numbers that are given', async () => {
    const { stdout } = await keys('--ds-glue', '251/250');
    const lines = stdout.split('\n').filter((line) => / IN DS /.test(line));
    expect(lines).toEqual([
      expect.stringMatching(/^a\.test\. 3600 IN DS \d+ 251 250 00000103FB0002026E7301610474657374 ?00$/),
      expect.stringMatching(/^a\.test\. 3600 IN DS \d+ 251 250 026E7300000103FB0001C0000201$/),
      expect.stringMatching(/^a\.test\. 3600 IN DS \d+ 251 250 045F646E73026E7300000103FB0040/),
      expect.stringMatching(/^a\.test\. 3600 IN DS \d+ 251 250 00000103FB0002026E7309/),
      expect.stringMatching(/^b\.test\. 3600 IN DS \d+ 251 250 00000103FB0002026E7301610474657374 ?00$/),
    ]);
    expect(JSON.parse((await keys('--json', '--ds-glue', '251/250')).stdout)).toMatchObject({ ds_glue: lines });
    for (const wrong of ['251', '0/1', '256/1', 'a/b', '1/2/3'])
      expect(await keys('--ds-glue', wrong)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining(`found ${wrong}`),
      });
  });

  it('prints what can be pasted into the zone as it is, and sees that it is served', async () => {
    const { stdout } = await keys();
    const zone = join(zones, 'a.test.zone');
    // What lies in another zone is not pasted into this one.
    folder.put('zones/a.test.zone', readFileSync(zone, 'utf8') + stdout.replace(/^.*elsewhere.test. 3600.*\n/gm, ''));
    expect((await runCommand('check', zone)).stdout).toBe('');
    const again = await keys('--json');
    expect(again).toMatchObject({ status: 0, stderr: '' });
    const { nameservers } = JSON.parse(again.stdout) as { nameservers: object[] };
    expect(nameservers).toMatchObject([
      { name: 'ns.a.test.', zones: 2, served: 'match' },
      { name: 'ns.elsewhere.test.', zones: 1, served: 'none' },
    ]);
    expect((await keys()).stdout).toMatch(/^_853\._tcp\.ns\.a\.test\. .* ; is served$/m);
  });

  it('warns of served records that do not match, which is no failure', async () => {
    const record = `_853._tcp.ns.a.test. TLSA 3 1 1 ${'00'.repeat(32)}\n`;
    folder.put('zones/a.test.zone', readFileSync(join(zones, 'a.test.zone'), 'utf8') + record);
    const { status, stdout, stderr } = await keys('--json');
    expect(status).toBe(0);
    const what = `the TLSA records of _853._tcp.ns.a.test. in ${join(zones, 'a.test.zone')} do not match`;
    expect(stderr).toMatch(
      new RegExp(`^adotd keys: warning: ${what} certificate \\S+, which is 3 1 1 [0-9A-F]{64}\n$`),
    );
    expect(JSON.parse(stdout)).toMatchObject({ warnings: [expect.stringContaining(what)] });
  });

  it('prints one JSON object for machines', async () => {
    const { stdout } = await keys('--json');
    const cert = join(certs, 'self-signed.pem');
    const { validTo, publicKey } = new X509Certificate(readFileSync(cert));
    const pin = pinOf(publicKey);
    const tlsa = `3 1 1 ${hexOf(pin)}`;
    expect(JSON.parse(stdout)).toEqual({
      certificates: [
        {
          cert,
          key: join(certs, 'self-signed.key'),
          subject: expect.stringMatching(/^CN=/),
          names: expect.arrayContaining(['ns.a.test', 'ns.elsewhere.test', '127.0.0.1']),
          not_before: expect.any(String),
          not_after: new Date(validTo).toISOString(),
          pin,
          tlsa,
        },
      ],
      nameservers: [
        {
          name: 'ns.a.test.',
          zones: 2,
          certificate: cert,
          record: `_853._tcp.ns.a.test. 3600 IN TLSA ${tlsa}`,
          served: 'none',
        },
        expect.objectContaining({ name: 'ns.elsewhere.test.', zones: 1 }),
      ],
      service_bindings: [
        { name: 'ns.a.test.', record: '_dns.ns.a.test. 3600 IN SVCB 1 ns.a.test. alpn="dot"', served: 'none' },
        expect.objectContaining({ name: 'ns.elsewhere.test.' }),
      ],
      warnings: [],
    });
  });

  it('names the port where it is another, and addresses where they are asked for', async () => {
    const pair = await make({ names: ['ns.a.test'] });
    folder.put('ec.pem', pair.cert);
    folder.put('ec.key', pair.key);
    const config = (more: string): string =>
      folder.put(
        'adotd.yaml',
        `zones: { folder: zones }\ntls: { certificates: [{ cert: ec.pem, key: ec.key }] }\n${more}`,
      );
    const records = async (...words: string[]): Promise<string> => {
      const { stdout } = await runCommand('keys', ...words);
      return stdout.replace(/^;.*\n/gm, '').replace(/[0-9A-F]{64}/g, 'PIN');
    };
    const plain = await records('--config', config('tls_port: 8853\n'), '--hints');
    expect(plain.split('\n')).toEqual([
      '_8853._tcp.ns.a.test. 3600 IN TLSA 3 1 1 PIN',
      '_8853._tcp.ns.elsewhere.test. 3600 IN TLSA 3 1 1 PIN',
      '_dns.ns.a.test. 3600 IN SVCB 1 ns.a.test. alpn="dot" port=8853 ipv4hint=192.0.2.1',
      '_dns.ns.elsewhere.test. 3600 IN SVCB 1 ns.elsewhere.test. alpn="dot" port=8853',
      '',
    ]);
    const forwarded = await records('--config', config('tls_port: 8853\nsignals: { port: 853 }\n'));
    expect(forwarded).toContain('_853._tcp.ns.a.test. ');
    expect(forwarded).not.toContain('port=');
    folder.put('zones/a.test.zone', `${readFileSync(join(zones, 'a.test.zone'), 'utf8')}_dns.ns SVCB 1 ns alpn=dot\n`);
    const svcb = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('_dns.ns.a'));
    const dot = '_dns.ns.a.test. 3600 IN SVCB 1 ns.a.test. alpn="dot"';
    expect(svcb(await records('--config', config('')))).toEqual([`${dot} ; is served`]);
    expect(svcb(await records('--config', config('tls_port: 8853\n')))).toEqual([
      `${dot} port=8853 ; what is served does not match`,
    ]);
  });

  it('prints a record for each kind of key of a name: clients get either', async () => {
    for (const [name, made] of [
      ['ec', await make({ names: ['ns.a.test'] })],
      ['rsa', await makeRsa('ns.a.test')],
    ] as const) {
      folder.put(`${name}.pem`, made.cert);
      folder.put(`${name}.key`, made.key);
    }
    const pairs = 'tls: { certificates: [{ cert: ec.pem, key: ec.key }, { cert: rsa.pem, key: rsa.key }] }\n';
    const config = folder.put('adotd.yaml', `zones: { folder: zones }\n${pairs}`);
    const { stdout } = await runCommand('keys', '--config', config);
    const digests = [...stdout.matchAll(/^_853\._tcp\.ns\.a\.test\. 3600 IN TLSA 3 1 1 ([0-9A-F]{64})$/gm)];
    expect(new Set(digests.map(([, digest]) => digest)).size).toBe(2);
  });

  it('goes on without a zone that has errors, and fails', async () => {
    folder.put('zones/c.test.zone', 'nonsense\n');
    const { status, stdout, stderr } = await keys();
    expect(status).toBe(1);
    expect(stdout).toContain('_853._tcp.ns.a.test. ');
    expect(stderr).toBe(
      `adotd keys: warning: zone file ${join(zones, 'c.test.zone')} has errors; adotd check lists them\n`,
    );
  });

  it('fails with file and reason when the key cannot be used', async () => {
    mkdirSync(certs);
    folder.put('certs/self-signed.key', (await make()).cert);
    const { status, stdout, stderr } = await keys();
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toBe(
      `adotd: private key ${join(certs, 'self-signed.key')} has no private key: found CERTIFICATE [ADOTD_TLS]\n`,
    );
    expect(readdirSync(certs)).toEqual(['self-signed.key']);
  });

  it('says what is wrong with its command line', async () => {
    expect(await runCommand('keys', 'zones')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('unexpected zones'),
    });
    expect(await runCommand('keys', '--cers', 'x')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('did you mean --certs?'),
    });
  });
});
