import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCertificate } from '../../src/tls/certificates.js';
import { DAY, type Made, make, newKey, pemOf, temporaryFolder } from './support.js';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

let good: Made;
beforeAll(async () => {
  good = await make({ names: ['NS1.example.test', '*.example.test'] });
});

/** Files with these contents, loaded. */
function load(cert: string, key: string) {
  return readCertificate({ certFile: folder.put('a.pem', cert), keyFile: folder.put('a.key', key) });
}

const error = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

function failureOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (thrown) {
    return thrown;
  }
}

describe('a certificate from files', () => {
  it('is described', () => {
    const certificate = load(good.cert, good.key);
    expect(certificate.subject).toBe('CN=NS1.example.test');
    expect(certificate.names).toEqual(['ns1.example.test', '*.example.test']);
    expect(certificate.notBefore.getTime()).toBeLessThan(Date.now());
    expect(certificate.notAfter.getTime()).toBeGreaterThan(Date.now());
    expect(certificate.pin).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    const digest = Buffer.from(certificate.pin, 'base64').toString('hex').toUpperCase();
    expect(certificate.tlsa).toBe(`3 1 1 ${digest}`);
    expect(certificate.warnings).toEqual([]);
  });

  it('has a pin of the octets that stand in the certificate', () => {
    const { publicKey } = new X509Certificate(good.cert);
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    expect(new X509Certificate(good.cert).raw.includes(spki)).toBe(true);
    expect(load(good.cert, good.key).pin).toBe(createHash('sha256').update(spki).digest('base64'));
  });

  it('may lie in one file with its key, between comments and with CRLF', () => {
    const text = `a comment\n${good.key}another\n${good.cert}`.replaceAll('\n', '\r\n');
    const file = folder.put('both.pem', text);
    expect(readCertificate({ certFile: file, keyFile: file }).names).toContain('ns1.example.test');
  });

  it('keeps the chain in its order', async () => {
    const root = await make({ names: ['root'], isIssuer: true });
    const middle = await make({ names: ['middle'], isIssuer: true, issuer: root });
    const leaf = await make({ names: ['leaf'], issuer: middle });
    expect(load(leaf.cert + middle.cert + root.cert, leaf.key).cert.match(/BEGIN/g)).toHaveLength(3);
    expect(failureOf(() => load(middle.cert + leaf.cert, leaf.key))).toEqual(
      error('ADOTD_TLS', /a\.pem is in the wrong order: the certificate of \S+a\.key is number 2, expected it first/),
    );
    expect(failureOf(() => load(leaf.cert + root.cert + middle.cert, leaf.key))).toEqual(
      error('ADOTD_TLS', /certificate 2, of "CN=root", did not issue certificate 1, whose issuer is "CN=middle"/),
    );
  });

  it('is refused when a file cannot be read, naming it', () => {
    const keyFile = folder.put('b.key', good.key);
    const certFile = folder.put('b.pem', good.cert);
    const missing = join(folder.path, 'missing');
    mkdirSync(join(folder.path, 'folder'), { recursive: true });
    expect(failureOf(() => readCertificate({ certFile: missing, keyFile }))).toEqual(
      error('ADOTD_FILE', /^cannot read certificate \S+missing: no such file or directory$/),
    );
    expect(failureOf(() => readCertificate({ certFile, keyFile: missing }))).toEqual(
      error('ADOTD_FILE', /^cannot read private key \S+missing: no such file or directory$/),
    );
    expect(failureOf(() => readCertificate({ certFile: join(folder.path, 'folder'), keyFile }))).toEqual(
      error('ADOTD_FILE', /^cannot read certificate \S+folder: it is a folder, no regular file$/),
    );
    expect(failureOf(() => load('x'.repeat(2 ** 20 + 1), good.key))).toEqual(error('ADOTD_FILE', /has 1048577 octets/));
  });

  it('is refused when it is not PEM, or another kind of PEM', () => {
    const cases: [cert: string, key: string, message: RegExp][] = [
      ['', good.key, /^certificate \S+a\.pem is not PEM: it is empty$/],
      ['hello', good.key, /^certificate \S+a\.pem is not PEM: expected a line "-----BEGIN …-----"$/],
      [good.cert.slice(0, 200), good.key, /^certificate \S+a\.pem is not PEM: .* cut off/],
      [good.key, good.key, /^certificate \S+a\.pem has no block CERTIFICATE$/],
      [
        good.cert.replace(/\n\w{10}/, '\nAAAAAAAAAA'),
        good.key,
        /a\.pem has a block CERTIFICATE \(number 1\) that is none$/,
      ],
      [good.cert, 'hello', /^private key \S+a\.key is not PEM/],
      [good.cert, good.cert, /^private key \S+a\.key has no private key: found CERTIFICATE$/],
      [good.cert, good.key + good.key, /^private key \S+a\.key has 2 private keys, expected one$/],
      [good.cert, good.key.replace(/\n\w{10}/, '\nAAAAAAAAAA'), /^private key \S+a\.key cannot be read/],
    ];
    for (const [cert, key, message] of cases)
      expect(failureOf(() => load(cert, key))).toEqual(error('ADOTD_TLS', message));
    const { raw } = new X509Certificate(good.cert);
    const file = folder.put('der', raw);
    expect(failureOf(() => readCertificate({ certFile: file, keyFile: file }))).toEqual(
      error('ADOTD_TLS', /is not PEM: it looks like DER; convert it/),
    );
    // Of each kind of key, the shortest among them with a length of one octet.
    for (const der of [
      createPrivateKey(good.key).export({ type: 'pkcs8', format: 'der' }),
      createPrivateKey(good.key).export({ type: 'sec1', format: 'der' }),
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' }),
    ]) {
      const keyFile = folder.put('key.der', der);
      expect(failureOf(() => readCertificate({ certFile: folder.put('c.pem', good.cert), keyFile }))).toEqual(
        error('ADOTD_TLS', /^private key \S+key\.der is not PEM: it looks like DER; convert it$/),
      );
    }
  });

  it('is refused with an encrypted key, of either format', () => {
    const encrypted = newKey().export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const old = privateKey.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
    for (const key of [encrypted, old]) {
      expect(failureOf(() => load(good.cert, key.toString()))).toEqual(
        error('ADOTD_TLS', /^private key \S+a\.key is encrypted/),
      );
    }
  });

  it('is refused with the key of another', () => {
    expect(failureOf(() => load(good.cert, pemOf(newKey())))).toEqual(
      error('ADOTD_TLS', /^certificate \S+a\.pem and private key \S+a\.key do not belong together$/),
    );
  });

  it('is read before and after its time', async () => {
    const now = Date.now();
    const old = await make({ from: new Date(now - 2 * DAY), to: new Date(now - DAY) });
    const future = await make({ from: new Date(now + DAY), to: new Date(now + 2 * DAY) });
    expect(load(old.cert, old.key).notAfter.getTime()).toBeLessThan(now);
    expect(load(future.cert, future.key).notBefore.getTime()).toBeGreaterThan(now);
  });

  it('is warned of when everybody can read its key', () => {
    const keyFile = folder.put('open.key', good.key);
    const certFile = folder.put('open.pem', good.cert);
    chmodSync(keyFile, 0o640);
    expect(readCertificate({ certFile, keyFile }).warnings).toEqual([]);
    chmodSync(keyFile, 0o644);
    expect(readCertificate({ certFile, keyFile }).warnings).toEqual([
      expect.stringMatching(/^private key \S+open\.key can be read by everybody on this machine \(mode 644\)/),
    ]);
  });

  it('may be for a key of any usual kind', async () => {
    for (const { privateKey } of [
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    ]) {
      const { generate } = await import('selfsigned');
      const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
      const keyType = privateKey.asymmetricKeyType === 'rsa' ? ('rsa' as const) : ('ec' as const);
      const keyPair = { privateKey: pemOf(privateKey), publicKey };
      const made = await generate([{ name: 'commonName', value: 'x' }], {
        keyType,
        curve: 'P-384',
        algorithm: 'sha256',
        keyPair,
      });
      expect(load(made.cert, pemOf(privateKey)).subject).toBe('CN=x');
    }
  });
});
