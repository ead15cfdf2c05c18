import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TlsContexts } from '../../src/tls/tls-context.js';
import { make, makeRsa } from '../tls/support.js';
import { ask, only, relay, tlsWorld, VERSIONS } from './tls.js';

const { listen, listenUpgrading, dial, dialTcp, close } = tlsWorld();
afterEach(close);

/** One name with an RSA and an ECDSA certificate, and another name with an RSA one. */
let contexts: TlsContexts;
beforeAll(async () => {
  const ecdsa = { ...(await make({ names: ['one.test'] })), keyType: 'ec', names: ['one.test'] };
  const rsa = { ...(await makeRsa('one.test')), keyType: 'rsa', names: ['one.test'] };
  const other = { ...(await makeRsa('two.test')), keyType: 'rsa', names: ['two.test'] };
  contexts = new TlsContexts({ certificates: [rsa, ecdsa, other], ticketKey: randomBytes(48), sessionTimeout: 3600 });
});

const RSA_ONLY = 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256';

describe.each(['TLS', 'STARTTLS'] as const)('over %s, with every octet in a segment of its own,', (path) => {
  /** Connects over a relay that passes octets on one by one, and describes the certificate. */
  async function certificate(
    servername: string,
    version: (typeof VERSIONS)[number],
    sigalgs?: string,
  ): Promise<string> {
    const { port } = await (path === 'TLS' ? listen({ tls: contexts }) : listenUpgrading({ tls: contexts }));
    await using slow = await relay(port, 1);
    const socket = await dialTcp(slow.port);
    if (path === 'STARTTLS') await ask(socket);
    const secure = await dial(slow.port, { socket, servername, ...only(version), ...(sigalgs && { sigalgs }) });
    const { subjectaltname, bits } = secure.getPeerCertificate();
    await ask(secure);
    return `${subjectaltname} ${bits}`;
  }

  it.each(VERSIONS)('a client gets the certificate that it can verify, for its name: %s', async (version) => {
    expect(await certificate('one.test', version)).toBe('DNS:one.test 256');
    expect(await certificate('one.test', version, RSA_ONLY)).toBe('DNS:one.test 2048');
    expect(await certificate('', version)).toBe('DNS:one.test 256');
    expect(await certificate('unknown.test', version, RSA_ONLY)).toBe('DNS:one.test 2048');
    expect(await certificate('two.test', version)).toBe('DNS:two.test 2048');
  });
});
