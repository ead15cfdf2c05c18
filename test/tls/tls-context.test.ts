import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ConnectionOptions, connect, type SecureVersion } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { TlsContexts, type TlsSettings } from '../../src/tls/tls-context.js';
import { listen, type Made, make, makeRsa, visit } from './support.js';

interface Named extends Made {
  readonly keyType: string;
  readonly names: readonly string[];
}

let first: Named;
let second: Named;
let wild: Named;
beforeAll(async () => {
  const named = async (...names: string[]): Promise<Named> => ({ ...(await make({ names })), keyType: 'ec', names });
  [first, second, wild] = await Promise.all([
    named('one.test'),
    named('two.test', 'deep.wild.test'),
    named('*.wild.test'),
  ]);
});

const settings = (changes: Partial<TlsSettings> = {}): TlsSettings => ({
  certificates: [first, second, wild],
  ticketKey: randomBytes(48),
  sessionTimeout: 3600,
  ...changes,
});

const only = (version: SecureVersion): ConnectionOptions => ({ minVersion: version, maxVersion: version });
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** What a client fails with. */
async function refused(port: number, options: ConnectionOptions): Promise<unknown> {
  try {
    return await visit(port, options);
  } catch (error) {
    return error;
  }
}

describe.each(VERSIONS)('a server with %s', (version) => {
  it('selects the certificate by SNI, and has one for every other name and for none', async () => {
    await using server = await listen(new TlsContexts(settings()));
    const namesFor = async (servername: string) => (await visit(server.port, { ...only(version), servername })).names;
    expect(await namesFor('one.test')).toBe('DNS:one.test');
    expect(await namesFor('TWO.Test')).toBe('DNS:two.test, DNS:deep.wild.test');
    expect(await namesFor('any.wild.test')).toBe('DNS:*.wild.test');
    expect(await namesFor('deep.wild.test')).toBe('DNS:two.test, DNS:deep.wild.test');
    expect(await namesFor('a.b.wild.test')).toBe('DNS:one.test');
    expect(await namesFor('wild.test')).toBe('DNS:one.test');
    expect(await namesFor('unknown.test')).toBe('DNS:one.test');
    expect(await namesFor('')).toBe('DNS:one.test');
    expect(server.errors).toEqual([]);
  });

  it('speaks the ALPN protocol dot, takes none, and refuses others with an alert', async () => {
    await using server = await listen(new TlsContexts(settings()));
    const alpn = async (...ALPNProtocols: string[]) =>
      (await visit(server.port, { ...only(version), ALPNProtocols })).alpn;
    expect(await alpn('dot')).toBe('dot');
    expect(await alpn('h2', 'dot')).toBe('dot');
    expect((await visit(server.port, only(version))).alpn).toBe(false);
    expect(await refused(server.port, { ...only(version), ALPNProtocols: ['h2'] })).toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    });
  });

  it('resumes the sessions of another with the same ticket key, whatever certificate was selected', async () => {
    const ticketKey = randomBytes(48);
    await using one = await listen(new TlsContexts(settings({ ticketKey })));
    await using other = await listen(new TlsContexts(settings({ ticketKey })));
    await using stranger = await listen(new TlsContexts(settings()));
    for (const servername of ['', 'one.test', 'two.test']) {
      const { session, resumed } = await visit(one.port, { ...only(version), servername });
      expect(resumed).toBe(false);
      const again = { ...only(version), servername, session };
      expect((await visit(one.port, again)).resumed).toBe(true);
      expect((await visit(other.port, again)).resumed).toBe(true);
      expect((await visit(stranger.port, again)).resumed).toBe(false);
    }
  });

  it('makes a full handshake after a change of the ticket key, once', async () => {
    const contexts = new TlsContexts(settings());
    await using server = await listen(contexts);
    for (const servername of ['', 'two.test']) {
      const before = await visit(server.port, { ...only(version), servername });
      contexts.replace({ ticketKey: randomBytes(48) });
      const after = await visit(server.port, { ...only(version), servername, session: before.session });
      expect(after.resumed).toBe(false);
      const later = await visit(server.port, { ...only(version), servername, session: after.session });
      expect(later.resumed).toBe(true);
    }
  });

  it('goes on resuming when certificates change, and serves the new ones', async () => {
    const contexts = new TlsContexts(settings({ certificates: [first] }));
    await using server = await listen(contexts);
    const { session, names } = await visit(server.port, { ...only(version), servername: 'two.test' });
    expect(names).toBe('DNS:one.test');
    contexts.replace({ certificates: [second, first] });
    expect((await visit(server.port, { ...only(version), servername: 'one.test' })).names).toBe('DNS:one.test');
    expect((await visit(server.port, { ...only(version), servername: 'other.test' })).names).toMatch(/^DNS:two\.test/);
    expect((await visit(server.port, { ...only(version), servername: 'two.test', session })).resumed).toBe(true);
  });

  it('serves the certificate of two for one name that the client can verify, by SNI and by default', async () => {
    const rsa = { ...(await makeRsa('one.test')), keyType: 'rsa', names: ['one.test'] };
    const contexts = new TlsContexts(settings({ certificates: [rsa, first, second] }));
    await using server = await listen(contexts);
    const kind = async (servername: string, sigalgs?: string) =>
      (await visit(server.port, { ...only(version), servername, ...(sigalgs && { sigalgs }) })).keyBits;
    // ECDSA costs both sides less: it comes first for whoever can verify it.
    const [ECDSA, RSA] = [256, 2048];
    for (const servername of ['one.test', '', 'unknown.test']) {
      expect(await kind(servername)).toBe(ECDSA);
      expect(await kind(servername, 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256')).toBe(RSA);
      expect(await kind(servername, 'ecdsa_secp256r1_sha256')).toBe(ECDSA);
    }
    // A name with one certificate has no other: it would be for the wrong name.
    expect(
      await refused(server.port, { ...only(version), servername: 'two.test', sigalgs: 'rsa_pss_rsae_sha256' }),
    ).toBeInstanceOf(Error);
    contexts.replace({ certificates: [first] });
    expect(await kind('one.test')).toBe(ECDSA);
    contexts.replace({ certificates: [rsa] });
    expect(await kind('one.test')).toBe(RSA);
  });

  it('resumes a session of one listener at another, both ways', async () => {
    const contexts = new TlsContexts(settings());
    await using server = await listen(contexts);
    await using plain = await listen(contexts);
    const { port } = plain;
    const upgraded = await visit(port, { ...only(version), servername: 'two.test', ALPNProtocols: ['dot'] });
    expect(upgraded).toMatchObject({ names: 'DNS:two.test, DNS:deep.wild.test', alpn: 'dot', resumed: false });
    expect((await visit(port, { ...only(version), servername: 'none.test' })).names).toBe('DNS:one.test');
    const { session } = upgraded;
    const there = await visit(server.port, { ...only(version), servername: 'two.test', session });
    expect(there.resumed).toBe(true);
    const back = { ...only(version), servername: 'two.test', session: there.session ?? session };
    expect((await visit(port, back)).resumed).toBe(true);
    contexts.replace({ ticketKey: randomBytes(48) });
    expect((await visit(port, back)).resumed).toBe(false);
    expect(await refused(port, { ...only(version), ALPNProtocols: ['h2'] })).toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    });
  });
});

describe('a TLS server', () => {
  it('refuses versions before TLS 1.2, and ciphers without forward secrecy or AEAD', async () => {
    await using server = await listen(new TlsContexts(settings()));
    const old: ConnectionOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    expect(await refused(server.port, old)).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'DHE-RSA-AES128-GCM-SHA256']) {
      expect(await refused(server.port, { ...only('TLSv1.2'), ciphers }), ciphers).toBeInstanceOf(Error);
    }
    const shared = 'ERR_SSL_NO_SHARED_CIPHER';
    expect(server.errors).toEqual(['ERR_SSL_UNSUPPORTED_PROTOCOL', shared, shared, shared]);
  });

  it('serves what TLS 1.2 clients of 2015 have: P-256 and AES-128-GCM, without SNI and ALPN', async () => {
    await using server = await listen(new TlsContexts(settings()));
    const ciphers = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256';
    const seen = await visit(server.port, { ...only('TLSv1.2'), ciphers, ecdhCurve: 'P-256' });
    expect(seen).toMatchObject({ version: 'TLSv1.2', cipher: 'ECDHE-ECDSA-AES128-GCM-SHA256', alpn: false });
  });

  it('prefers AES-128, and ChaCha20 for clients that do', async () => {
    await using server = await listen(new TlsContexts(settings()));
    const cipher = async (...ciphers: string[]) => (await visit(server.port, { ciphers: ciphers.join(':') })).cipher;
    expect(await cipher('TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256')).toBe(
      'TLS_AES_128_GCM_SHA256',
    );
    expect(await cipher('TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256')).toBe('TLS_CHACHA20_POLY1305_SHA256');
  });

  it('does not renegotiate, and goes on serving others', async () => {
    await using server = await listen(new TlsContexts(settings()));
    const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false, ...only('TLSv1.2') });
    await once(socket, 'secureConnect');
    const failed = new Promise<Error | null>((resolve) => {
      socket.on('error', resolve);
      socket.renegotiate({}, resolve);
    });
    expect(await failed).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
    socket.destroy();
    expect((await visit(server.port)).version).toBe('TLSv1.3');
  });

  it('offers no early data', async () => {
    await using server = await listen(new TlsContexts(settings()));
    const { session } = await visit(server.port, only('TLSv1.3'));
    // The client keeps what it was allowed in field 15 of the session, last but one, unless it is 0 (i2d_SSL_SESSION).
    expect(session?.toString('hex')).toMatch(/b3030201[0-9a-f]{2}$/);
    expect(session?.toString('hex')).not.toMatch(/af0[3-6]020[1-4][0-9a-f]{2,8}b3030201[0-9a-f]{2}$/);
  });

  it('gives no tickets that outlive the session timeout', async () => {
    await using server = await listen(new TlsContexts(settings({ sessionTimeout: 1 })));
    const { session } = await visit(server.port, only('TLSv1.3'));
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect((await visit(server.port, { ...only('TLSv1.3'), session })).resumed).toBe(false);
  });

  it('is as before when it is given what it cannot use', async () => {
    expect(() => new TlsContexts(settings({ certificates: [] }))).toThrow(
      expect.objectContaining({ code: 'ADOTD_TLS' }),
    );
    const contexts = new TlsContexts(settings());
    await using server = await listen(contexts);
    const { session } = await visit(server.port);
    const broken = { cert: first.cert, key: second.key, keyType: 'ec', names: ['broken.test'] };
    for (const certificates of [[], [broken], [first, broken]]) {
      expect(() => contexts.replace({ certificates, ticketKey: randomBytes(48) })).toThrow(
        expect.objectContaining({ code: 'ADOTD_TLS' }),
      );
    }
    expect((await visit(server.port, { session })).resumed).toBe(true);
  });
});
