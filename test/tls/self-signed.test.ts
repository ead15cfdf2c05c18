import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureSelfSigned, selfSignedFiles } from '../../src/tls/self-signed.js';
import { existingCertificates, servedCertificates } from '../../src/tls/served.js';
import { DAY, make, pemOf, temporaryFolder } from './support.js';

let parent: ReturnType<typeof temporaryFolder>;
let folder: string;
beforeEach(() => {
  parent = temporaryFolder();
  folder = join(parent.path, 'certs');
});
afterEach(() => parent[Symbol.dispose]());

const sources = {
  names: ['ns1.a.test.', 'ns2.a.test.'],
  hostName: 'Host.test',
  addresses: ['127.0.0.1', '2001:DB8::0:1'],
};
const RSA = pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
const ensure = (changes: object = {}) => ensureSelfSigned({ folder, ...sources, ...changes });

describe('the self-signed certificate', () => {
  it('is for the name servers, the host and the addresses, and for a server only', async () => {
    const certificate = await ensure();
    expect(certificate.subject).toBe('CN=host.test');
    expect(certificate.names).toEqual(['host.test', 'ns1.a.test', 'ns2.a.test', '127.0.0.1', '2001:db8::1']);
    expect(certificate.warnings).toEqual([]);
    const parsed = new X509Certificate(certificate.cert);
    expect(parsed.ca).toBe(false);
    // Node calls the extended key usages so: serverAuth (RFC 5280 §4.2.1.12).
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(parsed.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    // ecdsa-with-SHA256, 1.2.840.10045.4.3.2 (RFC 5758 §3.2).
    expect(parsed.raw.includes(Buffer.from('06082a8648ce3d040302', 'hex'))).toBe(true);
    // keyUsage 2.5.29.15, critical: digitalSignature, one bit.
    expect(parsed.raw.includes(Buffer.from('0603551d0f0101ff040403020780', 'hex'))).toBe(true);
  });

  it('has a key that only its owner can read, in a folder of its own, and leaves no other files', async () => {
    const { keyFile, certFile } = await ensure();
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).sort()).toEqual(['self-signed.key', 'self-signed.pem']);
    expect({ keyFile, certFile }).toEqual(selfSignedFiles(folder));
  });

  it('stays as it is over restarts', async () => {
    const first = await ensure();
    expect(await ensure()).toEqual(first);
    expect(await ensure({ names: [...sources.names, ...sources.names].reverse() })).toEqual(first);
    expect(await ensure({ now: new Date(Date.now() + 300 * DAY) })).toEqual(first);
  });

  it('keeps its key, and so its pin, when it is made anew', async () => {
    const first = await ensure();
    const later = await ensure({ now: new Date(Date.now() + 340 * DAY) });
    const expired = await ensure({ now: new Date(Date.now() + 4000 * DAY) });
    const renamed = await ensure({ names: ['ns3.a.test.'] });
    expect(renamed.names).toContain('ns3.a.test');
    rmSync(first.certFile);
    const lost = await ensure();
    writeFileSync(first.certFile, first.cert.slice(0, 300));
    const cutOff = await ensure();
    writeFileSync(first.certFile, (await make()).cert);
    const foreign = await ensure();
    const all = [first, later, expired, renamed, lost, cutOff, foreign];
    expect(new Set(all.map(({ cert }) => cert)).size).toBe(all.length);
    expect(new Set(all.map(({ pin }) => pin)).size).toBe(1);
    expect(new Set(all.map(({ key }) => key)).size).toBe(1);
    expect(statSync(first.keyFile).mode & 0o777).toBe(0o600);
  });

  it('never replaces a key that it cannot use', async () => {
    mkdirSync(folder);
    const { keyFile } = selfSignedFiles(folder);
    for (const [text, message] of [
      ['', /self-signed\.key is not PEM/],
      [(await make()).cert, /self-signed\.key has no private key/],
      [RSA, /self-signed\.key is rsa, expected the P-256 key that was made there/],
    ] as const) {
      writeFileSync(keyFile, text, { mode: 0o600 });
      await expect(ensure()).rejects.toMatchObject({ code: 'ADOTD_TLS', message: expect.stringMatching(message) });
      expect(readFileSync(keyFile, 'utf8')).toBe(text);
    }
  });

  it('takes the key of a process that was first', async () => {
    const all = await Promise.all([ensure(), ensure(), ensure()]);
    expect(new Set(all.map(({ pin }) => pin)).size).toBe(1);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('is an error where it cannot be kept, naming the folder', async () => {
    parent.put('certs', 'a file');
    await expect(ensure()).rejects.toMatchObject({
      code: 'ADOTD_FILE',
      message: expect.stringMatching(/^cannot write to the folder of certificates \S+certs: .*`tls\.certs_folder`/),
    });
  });

  it('is made with all folders above it, and where the system lets nobody make one, is an error', async () => {
    folder = join(parent.path, 'a/b/certs');
    await ensure();
    expect(readdirSync(folder)).toHaveLength(2);
    folder = '/proc/self/fd/certs';
    await expect(ensure()).rejects.toMatchObject({
      code: 'ADOTD_FILE',
      message: expect.stringMatching(/^cannot write to the folder of certificates \S+: no such file or directory; /),
    });
  });

  it('may have no name at all', async () => {
    const certificate = await ensureSelfSigned({ folder, names: [], addresses: ['0.0.0.0', '::'] });
    expect(certificate.names).toEqual([]);
    expect(certificate.subject).toBe('CN=adotd');
    expect(await ensureSelfSigned({ folder, names: [], addresses: [] })).toEqual(certificate);
  });
});

describe('the certificates to serve', () => {
  it('are those that are configured, the first as the default, and none is made', async () => {
    const files = await Promise.all(
      ['one.test', 'two.test'].map(async (name) => {
        const { cert, key } = await make({ names: [name] });
        return { certFile: parent.put(`${name}.pem`, cert), keyFile: parent.put(`${name}.key`, key) };
      }),
    );
    const served = await servedCertificates(files, { folder, ...sources });
    expect(served.map(({ names }) => names)).toEqual([['one.test'], ['two.test']]);
    expect(readdirSync(parent.path)).not.toContain('certs');
  });

  it('are looked at without changing the self-signed one for other names', async () => {
    const [first] = await existingCertificates([], { folder, ...sources });
    expect(first.names).toContain('ns1.a.test');
    expect(await existingCertificates([], { folder, names: [], addresses: [] })).toEqual([first]);
    const now = new Date(Date.now() + 4000 * DAY);
    const [renewed] = await existingCertificates([], { folder, names: [], addresses: [], now });
    expect(renewed.cert).not.toBe(first.cert);
    expect(renewed.pin).toBe(first.pin);
  });

  it('are not kept from being served by a key that all can read, but it is said', async () => {
    await ensure();
    chmodSync(selfSignedFiles(folder).keyFile, 0o644);
    const [certificate] = await servedCertificates([], { folder, ...sources });
    expect(certificate.warnings).toEqual([expect.stringContaining('can be read by everybody')]);
  });
});
