import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/tls/certificates.js';
import { ensureSelfSigned, selfSignedFiles } from '../../src/tls/self-signed.js';
import { existingCertificates } from '../../src/tls/served.js';
import { DAY, make, newKey, pemOf, temporaryFolder } from './support.js';

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
const load = (changes: object = {}) => ensureSelfSigned({ folder, ...sources, ...changes });
const ensure = async (changes: object = {}) => (await load(changes)).certificate;

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
    const { certificate } = await ensureSelfSigned({ folder, names: [], addresses: ['0.0.0.0', '::'] });
    expect(certificate.names).toEqual([]);
    expect(certificate.subject).toBe('CN=adotd');
    expect((await ensureSelfSigned({ folder, names: [], addresses: [] })).certificate).toEqual(certificate);
  });

  it('is made for this process alone where the folder has a key and cannot be written any more', async () => {
    const first = await ensure();
    const now = new Date(Date.now() + 340 * DAY);
    // Nothing can be renamed over a folder, by root either.
    rmSync(first.certFile);
    mkdirSync(join(first.certFile, 'full'), { recursive: true });
    const { certificate, unwritten } = await load({ now });
    expect(unwritten).toMatchObject({ code: 'ADOTD_FILE', message: expect.stringContaining(folder) });
    expect(certificate.pin).toBe(first.pin);
    expect(certificate.notAfter.getTime()).toBeGreaterThan(now.getTime() + 300 * DAY);
    // It stays the same until the folder can be written again.
    expect((await load({ now, current: certificate })).certificate).toBe(certificate);
    rmSync(first.certFile, { recursive: true });
    const written = await load({ now, current: certificate });
    expect([written.unwritten, readdirSync(folder).sort()]).toEqual([
      undefined,
      ['self-signed.key', 'self-signed.pem'],
    ]);
  });
});

describe('two servers with one folder', () => {
  /** A server that looks at the folder again and again, as its watcher tells it to. */
  const server = (names: readonly string[]) => {
    let current: Certificate | undefined;
    return {
      async look(changes: object = {}) {
        const before = current;
        const found = await load({ names, current, ...changes });
        current = found.certificate;
        return { ...found, changed: before !== undefined && before.cert !== current.cert };
      },
    };
  };
  const written = (): string => readFileSync(selfSignedFiles(folder).certFile, 'utf8');

  it('settle: each writes its certificate once, and serves it whatever the other has written', async () => {
    const [one, two] = [server(['ns1.a.test.']), server(['ns2.b.test.'])];
    expect((await one.look()).shared).toBeFalsy();
    const { certificate } = await two.look();
    expect(certificate.names).toContain('ns2.b.test');
    for (let round = 0; round < 3; round++) {
      expect(await one.look()).toMatchObject({ changed: false, shared: true });
      expect(await two.look()).toMatchObject({ changed: false, shared: false });
      expect(written()).toBe(certificate.cert);
    }
    // Both have one key, and so one pin.
    expect((await one.look()).certificate.pin).toBe(certificate.pin);
  });

  it('each renew what they serve, and settle again', async () => {
    const [one, two] = [server(['ns1.a.test.']), server(['ns2.b.test.'])];
    await one.look();
    await two.look();
    const now = new Date(Date.now() + 340 * DAY);
    expect((await one.look({ now })).changed).toBe(true);
    expect((await two.look({ now })).changed).toBe(true);
    const text = written();
    expect([(await one.look({ now })).changed, (await two.look({ now })).changed]).toEqual([false, false]);
    expect(written()).toBe(text);
  });

  it('share a certificate when they want the same names', async () => {
    const [one, two] = [server(['ns1.a.test.']), server(['ns1.a.test.'])];
    const { certificate } = await one.look();
    expect((await two.look()).certificate.cert).toBe(certificate.cert);
    expect((await one.look()).shared).toBe(false);
  });

  it('take a certificate that was taken away, or whose key was replaced, as before', async () => {
    const one = server(['ns1.a.test.']);
    const { certificate } = await one.look();
    rmSync(certificate.certFile);
    expect((await one.look()).changed).toBe(true);
    writeFileSync(certificate.keyFile, pemOf(newKey()));
    expect((await one.look()).certificate.pin).not.toBe(certificate.pin);
  });
});

describe('the certificates that a command only looks at', () => {
  it('are found without changing the self-signed one for other names', async () => {
    const [first] = await existingCertificates([], { folder, ...sources });
    expect(first.names).toContain('ns1.a.test');
    expect(await existingCertificates([], { folder, names: [], addresses: [] })).toEqual([first]);
    const now = new Date(Date.now() + 4000 * DAY);
    const [renewed] = await existingCertificates([], { folder, names: [], addresses: [], now });
    expect(renewed.cert).not.toBe(first.cert);
    expect(renewed.pin).toBe(first.pin);
  });
});
