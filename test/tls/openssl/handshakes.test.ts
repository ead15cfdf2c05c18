import { randomBytes } from 'node:crypto';
import { type ConnectionOptions, DEFAULT_CIPHERS } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { TlsSettings } from '../../../src/tls/tls-context.js';
import { certified, KEYS, MemoryServer, only, settingsWith, VERSIONS, visitNode } from './support.js';

/** What both paths say to a client: what was agreed on, or that they have nothing in common. */
async function both(settings: TlsSettings, options: ConnectionOptions): Promise<readonly [string, string]> {
  using server = new MemoryServer(settings);
  const said = async (visit: () => ReturnType<typeof visitNode>): Promise<string> => {
    try {
      const { version, cipher, alpn, names, keyBits, group } = await visit();
      return [version, cipher, alpn, names, keyBits, group].join(' ');
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  };
  return [await said(() => server.visit(options)), await said(() => visitNode(settings, options))];
}

describe.each(VERSIONS)('a client with %s', (version) => {
  it.each(Object.keys(KEYS))('is served with a key of the kind %s', async (kind) => {
    const settings = settingsWith({ certificates: [certified(kind, 'ns.test')] });
    const sigalgs = kind === 'ed448' || kind === 'RSA-PSS' ? { sigalgs: `ed448:${RSA_PSS}` } : {};
    const [engine, node] = await both(settings, { ...only(version), ...sigalgs });
    expect(engine).toContain(`${version} `);
    expect(engine).toContain('DNS:ns.test');
    expect(engine).toBe(node);
  });

  it('sends its octets one by one, and is served', async () => {
    using server = new MemoryServer(settingsWith());
    const seen = await server.visit({ ...only(version), servername: 'ns.test' }, 1);
    expect(seen).toMatchObject({ back: 'hello', version, alpn: 'dot', resumed: false });
    expect(seen.served).toEqual({
      version,
      group: 'x25519',
      isDot: true,
      isXot: version === 'TLSv1.3',
      cipher: seen.cipher,
      resumed: false,
      serverName: 'ns.test',
      isNamed: true,
    });
    expect(server.engine.counts).toEqual({ open: 0, refused: 0, leftovers: 0, callbackMistakes: 0 });
  });

  it('is served with dot or without ALPN, and refused when it offers others only', async () => {
    using server = new MemoryServer(settingsWith());
    expect((await server.visit({ ...only(version), ALPNProtocols: ['h2', 'dot'] })).alpn).toBe('dot');
    expect((await server.visit({ ...only(version), ALPNProtocols: [] })).alpn).toBe(false);
    using refused = server.connect({ ...only(version), ALPNProtocols: ['h2', 'http/1.1'] });
    await new Promise((resolve) => refused.client.once('close', resolve));
    expect(refused.error).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' });
    expect(refused.connection.events).toEqual(['failed ERR_SSL_NO_APPLICATION_PROTOCOL']);
  });

  it('gets the certificate for its name that it can verify', async () => {
    const certificates = [
      certified('RSA 2048', 'one.test'),
      certified('P-256', 'one.test'),
      certified('RSA 2048', 'two.test'),
      certified('P-384', '*.wild.test'),
    ];
    using server = new MemoryServer(settingsWith({ certificates }));
    const certificate = async (servername: string, sigalgs?: string): Promise<string> => {
      const { names, keyBits } = await server.visit({ ...only(version), servername, ...(sigalgs && { sigalgs }) });
      return `${names} ${keyBits}`;
    };
    expect(await certificate('one.test')).toBe('DNS:one.test 256');
    expect(await certificate('ONE.test', RSA)).toBe('DNS:one.test 2048');
    expect(await certificate('')).toBe('DNS:one.test 256');
    expect(await certificate('unknown.test', RSA)).toBe('DNS:one.test 2048');
    expect(await certificate('two.test')).toBe('DNS:two.test 2048');
    expect(await certificate('a.wild.test')).toBe('DNS:*.wild.test 384');
  });
});

const RSA_PSS = 'rsa_pss_pss_sha256:rsa_pss_rsae_sha256';
const RSA = 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256';
const GROUPS = ['X25519', 'P-256', 'P-384', 'P-521', 'X448', 'ffdhe2048', 'ffdhe8192', 'secp256k1'];

describe('what is offered', () => {
  const settings = settingsWith({ certificates: [certified('P-256', 'ns.test'), certified('RSA 2048', 'ns.test')] });

  it('are the same versions on both paths, and nothing before TLS 1.2', async () => {
    for (const version of ['TLSv1', 'TLSv1.1', ...VERSIONS] as const) {
      const old = version === 'TLSv1' || version === 'TLSv1.1';
      const options = { minVersion: version, maxVersion: version, ...(old && { ciphers: 'ALL:@SECLEVEL=0' }) };
      const [engine, node] = await both(settings, options);
      expect(engine).toBe(node);
      expect(engine).toContain(old ? 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' : version);
    }
  });

  it('are the same groups on both paths: X25519, P-256 and P-384', async () => {
    const served: string[] = [];
    for (const version of VERSIONS) {
      for (const ecdhCurve of GROUPS) {
        if (version === 'TLSv1.2' && ecdhCurve.startsWith('ffdhe')) continue;
        const [engine, node] = await both(settings, { ...only(version), ecdhCurve });
        expect(`${ecdhCurve}: ${engine}`).toBe(`${ecdhCurve}: ${node}`);
        if (engine.startsWith('TLS')) served.push(ecdhCurve);
      }
    }
    expect(new Set(served)).toEqual(new Set(['X25519', 'P-256', 'P-384']));
  });

  it('are the same ciphers on both paths, AEAD with forward secrecy only', async () => {
    const served: string[] = [];
    const names = [...new Set([...DEFAULT_CIPHERS.split(':'), ...CIPHERS])].filter((name) =>
      /^[A-Z0-9_-]+$/.test(name),
    );
    for (const cipher of names) {
      const version = cipher.startsWith('TLS_') ? 'TLSv1.3' : 'TLSv1.2';
      const ciphers = version === 'TLSv1.3' ? cipher : `${cipher}:@SECLEVEL=0`;
      const [engine, node] = await both(settings, { ...only(version), ciphers });
      expect(`${cipher}: ${engine}`).toBe(`${cipher}: ${node}`);
      if (engine.includes(cipher)) served.push(cipher);
    }
    expect(served.sort()).toEqual([
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-RSA-CHACHA20-POLY1305',
      'TLS_AES_128_GCM_SHA256',
      'TLS_AES_256_GCM_SHA384',
      'TLS_CHACHA20_POLY1305_SHA256',
    ]);
  });

  it('is chosen in the same way on both paths', async () => {
    const wishes = [
      'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256',
      'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
      'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
    ];
    for (const ciphers of wishes) {
      const version = ciphers.startsWith('TLS_') ? 'TLSv1.3' : 'TLSv1.2';
      const [engine, node] = await both(settings, { ...only(version), ciphers });
      expect(engine).toBe(node);
      expect(engine).toContain(version);
    }
  });

  it('are the same signatures on both paths', async () => {
    const served: string[] = [];
    for (const version of VERSIONS) {
      for (const sigalgs of SIGNATURES) {
        const [engine, node] = await both(settings, { ...only(version), sigalgs, ciphers: 'ALL:@SECLEVEL=0' });
        expect(`${version} ${sigalgs}: ${engine}`).toBe(`${version} ${sigalgs}: ${node}`);
        if (engine.startsWith('TLS')) served.push(sigalgs);
      }
    }
    expect(served.filter((one) => /sha1|SHA1/.test(one))).toEqual([]);
    expect(served.length).toBeGreaterThan(6);
  });
});

const CIPHERS = [
  'AES128-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-ECDSA-AES128-CCM',
  'ECDHE-RSA-AES256-SHA384',
  'DHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'TLS_AES_128_CCM_SHA256',
  'PSK-AES128-GCM-SHA256',
  'ADH-AES128-GCM-SHA256',
];
const SIGNATURES = [
  'ecdsa_secp256r1_sha256',
  'ECDSA+SHA384',
  'ECDSA+SHA1',
  'RSA+SHA1',
  'rsa_pkcs1_sha256',
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha512',
  'ed25519',
];

describe('a certificate', () => {
  it('is refused when OpenSSL does not take it, and nothing has changed', async () => {
    const settings = settingsWith();
    const [good] = settings.certificates;
    const other = certified('P-256', 'other.test');
    using server = new MemoryServer(settings);
    const refused: Partial<TlsSettings>[] = [
      { certificates: [] },
      { certificates: [{ ...other, key: good?.key ?? '' }] },
      { certificates: [{ ...other, cert: '' }] },
      { certificates: [{ ...other, cert: other.cert.replace(/\n[A-Za-z0-9+/]{64}\n/, '\n') }] },
      { certificates: [{ ...other, key: 'nonsense' }] },
    ];
    for (const changes of refused) {
      expect(() => server.engine.replace(changes)).toThrow(expect.objectContaining({ code: 'ADOTD_TLS' }));
      expect(() => new MemoryServer({ ...settings, ...changes })).toThrow(
        expect.objectContaining({ code: 'ADOTD_TLS' }),
      );
    }
    expect((await server.visit()).names).toBe('DNS:ns.test');
  });

  it('may change while connections begin and go on', async () => {
    using server = new MemoryServer(settingsWith());
    using before = server.connect();
    await new Promise((resolve) => before.client.once('secureConnect', resolve));
    for (let i = 0; i < 30; i++) {
      const name = `ns${i}.test`;
      const certificates = [certified('P-256', name), certified('P-256', `other${i}.test`)];
      const [during] = await Promise.all([
        server.visit({ servername: name }),
        Promise.resolve().then(() => server.engine.replace({ certificates })),
      ]);
      expect(during.back).toBe('hello');
      expect((await server.visit({ servername: `other${i}.test` })).names).toBe(`DNS:other${i}.test`);
      server.engine.replace({ ticketKey: randomBytes(48) });
    }
    before.client.write('still there');
    const back = await new Promise((resolve) => before.client.once('data', resolve));
    expect(String(back)).toBe('still there');
    expect(before.client.getPeerCertificate().subjectaltname).toBe('DNS:ns.test');
  });
});
