/** Whatever a stranger's TLS server sends may fail its own handshake, but must never end the client's process. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/client.js';
import { ClientErrorCode } from '../../src/client/errors.js';
import { probe } from '../../src/client/probe/probe.js';
import { openSession } from '../../src/client/session/connect.js';
import { exchange } from '../../src/client/session/exchange.js';
import { describeCertificate, objection, type Verification } from '../../src/client/trust/certificate.js';
import { matchesTlsa } from '../../src/client/trust/tlsa.js';
import { type CertificateContent, writeCertificate } from '../../src/fixture/tls/x509.js';
import { chanceOf } from '../reference/generate.js';
import { SEED } from '../support/seed.js';
import { newKey, pemOf } from '../tls/support.js';
import { answer, framed, onMessages, type TestServer } from './support.js';

const QUERY = { name: 'a.test', type: 16, edns: {} };

/** Gives a certificate a date of expiry that does not exist. */
class OddDate extends Date {
  override toISOString(): string {
    return '2030-99-99T99:99:99.000Z';
  }
}

function certified(changes: Partial<CertificateContent> = {}): { key: string; cert: string } {
  const key = newKey();
  const publicKey = createPublicKey(key);
  const cert = writeCertificate({
    subject: 'odd',
    issuer: 'odd',
    publicKey,
    signer: key,
    signerPublicKey: publicKey,
    names: ['a.test', '::1', '127.0.0.1'],
    notBefore: new Date(Date.now() - 1e6),
    notAfter: new Date(Date.now() + 1e9),
    authority: false,
    ...changes,
  });
  return { key: pemOf(key), cert };
}

async function tlsServer(options: TlsOptions, host = '127.0.0.1'): Promise<TestServer> {
  let connections = 0;
  const server = createServer({ ALPNProtocols: ['dot'], ...options }, (socket) => {
    connections++;
    socket.on('error', () => {});
    onMessages(socket, (query) => socket.write(framed(answer(query, { text: 'tls', ednsFlags: 0 }))));
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: host,
    port,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Passes everything on to `port`. The server's first octets are followed by `more` in the same write. */
async function relayWith(more: Buffer, port: number): Promise<TestServer> {
  const server = createTcpServer((client) => {
    const beyond = connect(port, '127.0.0.1');
    for (const socket of [client, beyond]) socket.on('error', () => {});
    client.pipe(beyond);
    beyond.once('data', (octets) => {
      client.write(Buffer.concat([octets, more]));
      beyond.pipe(client);
    });
    client.on('close', () => beyond.destroy());
    beyond.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    connections: () => 0,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

const pins = ['AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='];
const VERIFICATIONS: readonly Verification[] = [
  { kind: 'none' },
  { kind: 'ca' },
  { kind: 'pin', pins },
  { kind: 'tlsa', records: [`3 1 1 ${'ab'.repeat(32)}`, `3 0 1 ${'ab'.repeat(32)}`] },
];

describe('a certificate without a valid date of expiry', () => {
  const odd = () => certified({ notAfter: new OddDate() });

  it('is good enough for the opportunistic profile', async () => {
    await using server = await tlsServer(odd());
    await using client = createClient({ order: ['tls'] });
    const done = await client.resolve({ server: { address: server.address, tlsPort: server.port }, ...QUERY });
    expect(done).toMatchObject({ transport: 'tls', tls: { certificate: { subject: 'CN=odd', notAfter: undefined } } });
  });

  it('is judged by its pin if a pin is given, and is not accepted by an authority', async () => {
    const made = odd();
    await using server = await tlsServer(made);
    const { pin = '' } = describeCertificate(new X509Certificate(made.cert));
    const pinned = await exchange(QUERY, {
      transport: 'tls',
      server,
      tls: { verification: { kind: 'pin', pins: [pin] } },
    });
    expect(pinned.tls?.verified).toBe('pin');
    const verification = { kind: 'ca', ca: made.cert } as const;
    await expect(exchange(QUERY, { transport: 'tls', server, tls: { verification } })).rejects.toMatchObject({
      code: ClientErrorCode.CERTIFICATE,
    });
  });

  it('is noted by a probe', async () => {
    await using server = await tlsServer(odd());
    const report = await probe({
      server: server.address,
      port: server.port,
      tlsPort: server.port,
      idleMs: 1,
      stepMs: 300,
    });
    expect(report.tls).toMatchObject({ works: true, certificate: { notAfter: undefined } });
    expect(report.notes).toContainEqual(expect.stringContaining('is no date'));
  });
});

describe('the name in a certificate', () => {
  it('is compared with an address without its zone', async () => {
    const made = certified();
    await using server = await tlsServer(made, '::1');
    const verification = { kind: 'ca', ca: made.cert } as const;
    const at = { address: '::1%lo', port: server.port };
    const done = await exchange(QUERY, { transport: 'tls', server: at, tls: { verification } });
    expect(done.tls?.verified).toBe('ca');
  });

  it('is compared with any name, without an exception', () => {
    const certificate = new X509Certificate(certified().cert);
    for (const identity of ['a\0b', 'x'.repeat(300), '', '.', 'a.test.', 'ä.test', 'fe80::1%eth0', '1.2.3.4'])
      expect(objection({ kind: 'ca' }, certificate, undefined, identity)).toMatch(
        /^it is for DNS:a\.test, .*, not for/,
      );
  });
});

describe('any octets of a certificate', () => {
  it('are described and judged without an exception', () => {
    const random = chanceOf(SEED);
    const der = new X509Certificate(certified().cert).raw;
    const odd = { date: 0, key: 0 };
    for (let round = 0; round < 1200; round++) {
      const octets = Buffer.from(der);
      for (let changes = 1 + random.below(3); changes > 0; changes--)
        octets[random.below(octets.length)] = random.below(256);
      let certificate: X509Certificate;
      try {
        certificate = new X509Certificate(octets);
      } catch {
        continue;
      }
      try {
        const { subject, names, notAfter, pin } = describeCertificate(certificate);
        expect([typeof subject, Array.isArray(names)]).toEqual(['string', true]);
        if (notAfter === undefined) odd.date++;
        if (pin === undefined) odd.key++;
        for (const verification of VERIFICATIONS) {
          for (const identity of ['a.test', '127.0.0.1']) objection(verification, certificate, undefined, identity);
        }
        matchesTlsa([`3 1 1 ${'ab'.repeat(32)}`], certificate);
      } catch (error) {
        throw new Error(`seed ${SEED}: ${octets.toString('hex')}`, { cause: error });
      }
    }
    // The rounds must have met certificates whose fields throw.
    expect(odd.date, `seed ${SEED}`).toBeGreaterThan(0);
    expect(odd.key, `seed ${SEED}`).toBeGreaterThan(0);
  });
});

describe('a record that cannot be decrypted', () => {
  it('right behind the handshake, in one segment with it, is a closed session', async () => {
    const made = certified();
    await using server = await tlsServer({ ...made, minVersion: 'TLSv1.3' });
    const garbage = Buffer.concat([Buffer.from([23, 3, 3, 0, 32]), Buffer.alloc(32, 7)]);
    await using relay = await relayWith(garbage, server.port);
    for (let round = 0; round < 5; round++) {
      const asked = openSession({ transport: 'tls', server: relay, timeoutMs: 2000 }).then(async ({ session }) => {
        try {
          return await session.ask(QUERY, { timeoutMs: 2000 });
        } finally {
          session.destroy();
        }
      });
      await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/HANDSHAKE|CLOSED|RESET/) });
    }
  });
});
