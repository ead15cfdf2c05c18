import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { writeCertificate } from '../../src/fixture/tls/x509.js';
import { readCertificate } from '../../src/tls/certificates.js';
import { keyMistake } from '../../src/tls/key-kinds.js';
import { TlsContexts } from '../../src/tls/tls-context.js';
import { DAY, listen, newKey, pemOf, temporaryFolder, visit } from './support.js';

type Make = () => KeyObject;
const ec =
  (namedCurve: string, paramEncoding: 'named' | 'explicit' = 'named'): Make =>
  () =>
    generateKeyPairSync('ec', { namedCurve, paramEncoding }).privateKey;
const rsa =
  (modulusLength: number): Make =>
  () =>
    generateKeyPairSync('rsa', { modulusLength }).privateKey;

/** A certificate for a key of any kind, issued by a P-256 key. */
function certificateOf(key: KeyObject): string {
  const signer = newKey();
  return writeCertificate({
    subject: 'ns.test',
    issuer: 'issuer',
    publicKey: createPublicKey(key),
    signer,
    signerPublicKey: createPublicKey(signer),
    names: ['ns.test'],
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    authority: false,
  });
}

/** Whether OpenSSL's client, as it comes, gets through a handshake with a key. */
async function handshakes(key: KeyObject, version: 'TLSv1.2' | 'TLSv1.3'): Promise<boolean> {
  const certificate = { cert: certificateOf(key), key: pemOf(key), keyType: 'any', names: [] };
  const settings = { certificates: [certificate], ticketKey: randomBytes(48), sessionTimeout: 3600 };
  try {
    await using server = await listen(new TlsContexts(settings));
    return (await visit(server.port, { minVersion: version, maxVersion: version })).version === version;
  } catch {
    return false;
  }
}

describe('a key', () => {
  it.each<[string, Make]>([
    ['P-256', ec('P-256')],
    ['P-384', ec('P-384')],
    ['P-521', ec('P-521')],
    ['RSA 2048', rsa(2048)],
    ['RSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
    ['Ed448', () => generateKeyPairSync('ed448').privateKey],
  ])('%s is taken, and a client gets through a handshake with it', async (_, make) => {
    const key = make();
    expect(keyMistake(createPublicKey(key))).toBeUndefined();
    expect(await handshakes(key, 'TLSv1.2')).toBe(true);
    expect(await handshakes(key, 'TLSv1.3')).toBe(true);
  });

  it.each<[string, Make, RegExp]>([
    ['secp256k1', ec('secp256k1'), /^on the curve secp256k1, which .*; expected P-256, P-384, P-521$/],
    ['brainpoolP256r1', ec('brainpoolP256r1'), /^on the curve brainpoolP256r1, /],
    ['brainpoolP384r1', ec('brainpoolP384r1'), /^on the curve brainpoolP384r1, /],
    ['P-224', ec('P-224'), /^on the curve secp224r1, /],
    [
      'DSA',
      () => generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).privateKey,
      /^of the kind dsa, /,
    ],
    ['X25519', () => generateKeyPairSync('x25519').privateKey, /^of the kind x25519, /],
  ])('%s is refused, and no client gets through a handshake with it', async (_, make, message) => {
    const key = make();
    expect(keyMistake(createPublicKey(key))).toMatch(message);
    expect(await handshakes(key, 'TLSv1.2')).toBe(false);
    expect(await handshakes(key, 'TLSv1.3')).toBe(false);
  });

  it.each<[string, Make, RegExp]>([
    ['RSA 1024', rsa(1024), /^of 1024 bits \(RSA\), which clients refuse; expected at least 2048$/],
    ['RSA 2047', rsa(2047), /^of 2047 bits \(RSA\)/],
    ['P-256 with explicit parameters', ec('P-256', 'explicit'), /^with explicit EC parameters; expected a named curve/],
  ])('%s is refused, though some clients take it', (_, make, message) => {
    expect(keyMistake(createPublicKey(make()))).toMatch(message);
  });

  it('that is refused makes a certificate unusable, with the name of its file', () => {
    using folder = temporaryFolder();
    const key = ec('secp256k1')();
    const files = { certFile: folder.put('a.pem', certificateOf(key)), keyFile: folder.put('a.key', pemOf(key)) };
    expect(() => readCertificate(files)).toThrow(
      expect.objectContaining({
        code: 'ADOTD_TLS',
        message: expect.stringMatching(/^certificate \S+a\.pem has a key on the curve secp256k1, /),
      }),
    );
  });
});
