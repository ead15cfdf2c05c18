import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { configuredKeys } from '../../src/server/plane/tsig-secrets.js';
import { isRemote, remotesOf } from '../../src/server/remotes.js';
import { pinOf } from '../../src/tls/pin.js';
import { standInCertificate } from '../../src/tls/self-signed.js';
import type { Peer } from '../../src/transfer/peer.js';

const tsig = ['one.key', 'two.key'].map((name) => ({
  name,
  algorithm: 'hmac-sha256',
  secret: 'c2VjcmV0IG9mIHRoZSB0ZXN0cw==',
}));
const [one, two] = configuredKeys(configSchema.parse({ tsig }));
const peer = (change: Partial<Peer> = {}): Peer => ({
  address: Uint8Array.of(192, 0, 2, 1),
  port: 53,
  transport: 1,
  key: undefined,
  certificate: undefined,
  ...change,
});

function matches(remote: object, who: Peer): boolean {
  const config = configSchema.parse({ tsig, remotes: [{ name: 'it', ...remote }] });
  return isRemote(remotesOf(config).get('it')!, who);
}

describe('a peer', () => {
  it('is a remote by its address, in either family', () => {
    const remote = { addresses: ['192.0.2.1', '2001:db8:0::1'] };
    expect(matches(remote, peer())).toBe(true);
    expect(matches(remote, peer({ address: Uint8Array.of(192, 0, 2, 2) }))).toBe(false);
    const v6 = Uint8Array.from([0x20, 1, 0x0d, 0xb8, ...new Array(11).fill(0), 1]);
    expect(matches(remote, peer({ address: v6 }))).toBe(true);
    expect(matches(remote, peer({ address: v6.fill(2, 15) }))).toBe(false);
  });

  it('is a remote with a key only if it signed with that key, from wherever it may come', () => {
    expect(matches({ key: 'One.Key.' }, peer({ key: one }))).toBe(true);
    expect(matches({ key: 'one.key' }, peer({ key: two }))).toBe(false);
    expect(matches({ key: 'one.key' }, peer())).toBe(false);
    expect(matches({ key: 'one.key', addresses: ['192.0.2.9'] }, peer({ key: one }))).toBe(false);
    expect(matches({ key: 'one.key', addresses: ['192.0.2.1'] }, peer({ key: one }))).toBe(true);
  });

  it('may sign with a key that the remote does not have', () => {
    expect(matches({ addresses: ['192.0.2.1'] }, peer({ key: two }))).toBe(true);
  });

  it('is never a remote whose addresses are names only', () => {
    expect(matches({ addresses: ['second.example'] }, peer())).toBe(false);
  });

  it('with a certificate is a remote only if the certificate has the name, or the pin', async () => {
    const { cert } = await standInCertificate({ folder: '', names: ['second.example'], addresses: [] });
    const certificate = new X509Certificate(cert);
    const shown = peer({ certificate: Uint8Array.from(certificate.raw) });
    const tls = (own: object): object => ({ addresses: ['192.0.2.1'], tls: own });
    expect(matches(tls({ name: 'second.example.' }), shown)).toBe(true);
    expect(matches(tls({ name: 'other.example' }), shown)).toBe(false);
    expect(matches(tls({ pins: [pinOf(certificate.publicKey)] }), shown)).toBe(true);
    expect(matches(tls({ pins: [Buffer.alloc(32).toString('base64')] }), shown)).toBe(false);
    // On other listeners none is asked for.
    expect(matches(tls({ name: 'second.example' }), peer())).toBe(true);
    expect(matches({ tls: { name: 'second.example' } }, peer())).toBe(false);
    expect(matches({ tls: { name: 'second.example' } }, shown)).toBe(true);
  });
});
