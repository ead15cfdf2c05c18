import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { openSession } from '../../../src/client/session/connect.js';
import { type ExchangeOptions, exchange } from '../../../src/client/session/exchange.js';
import { PATIENCE } from '../../support/patience.js';
import { DAY, type Made, make } from '../../tls/support.js';
import { answer, framed, onMessages, type TestServer, tcpServer } from '../support.js';

const QUERY = { name: 'a.test', type: 16, edns: {} };
let authority: Made;
let signed: Made;
let expired: Made;
let pin: string;

/** A DNS-over-TLS server; the text of its answers is the server name that the client sent. */
async function tlsServer(options: TlsOptions = {}): Promise<TestServer> {
  let connections = 0;
  const server = createServer({ ...signed, ALPNProtocols: ['dot'], ...options }, (socket) => {
    connections++;
    socket.on('error', () => {});
    const name = (): string => String('servername' in socket ? socket.servername || 'none' : 'none');
    onMessages(socket, (query) => socket.write(framed(answer(query, { text: name(), ednsFlags: 0 }))));
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

const ask = (server: ExchangeOptions['server'], tls: ExchangeOptions['tls'] = {}) =>
  exchange(QUERY, { transport: 'tls', server, timeoutMs: PATIENCE, tls });

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is missing');
  return value;
}

beforeAll(async () => {
  authority = await make({ names: ['Test CA'], isIssuer: true });
  signed = await make({ names: ['ns1.test', 'ns2.test'], issuer: authority });
  const [from, to] = [new Date(Date.now() - 9 * DAY), new Date(Date.now() - DAY)];
  expired = await make({ names: ['ns1.test'], issuer: authority, from, to });
  await using server = await tlsServer();
  pin = (await ask(server)).tls?.certificate?.pin ?? '';
});

describe('TLS', () => {
  it('is shown: version, cipher, ALPN, certificate, time of each step', async () => {
    await using server = await tlsServer();
    const done = await ask(server);
    expect(done).toMatchObject({
      transport: 'tls',
      encrypted: true,
      upgrade: undefined,
      tls: {
        version: 'TLSv1.3',
        cipher: expect.stringMatching(/^TLS_/),
        alpn: 'dot',
        resumed: false,
        verified: 'none',
        certificate: {
          subject: 'CN=ns1.test',
          names: ['DNS:ns1.test', 'DNS:ns2.test'],
          pin: expect.stringMatching(/^.{43}=$/),
        },
      },
    });
    expect(Object.keys(done.times)).toEqual(['connect', 'handshake', 'answer']);
    expect(Date.parse(done.tls?.certificate?.notAfter ?? '')).toBeGreaterThan(Date.now() + 80 * DAY);
  });

  it('of version 1.2 only works, as does a server without ALPN', async () => {
    await using old = await tlsServer({ maxVersion: 'TLSv1.2', ALPNProtocols: undefined });
    expect((await ask(old)).tls).toMatchObject({ version: 'TLSv1.2', alpn: undefined });
    await using any = await tlsServer();
    expect((await ask(any, { maxVersion: 'TLSv1.2' })).tls).toMatchObject({ version: 'TLSv1.2', alpn: 'dot' });
  });

  it('fails with the reason when nothing fits', async () => {
    await using old = await tlsServer({ maxVersion: 'TLSv1.2' });
    await expect(ask(old, { minVersion: 'TLSv1.3' })).rejects.toMatchObject({
      code: ClientErrorCode.HANDSHAKE,
      message: expect.stringMatching(/protocol version/),
    });
    await using other = await tlsServer({ ALPNProtocols: ['h2'] });
    await expect(ask(other)).rejects.toMatchObject({
      code: ClientErrorCode.HANDSHAKE,
      message: expect.stringMatching(/no application protocol/),
    });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('of %s is resumed with the ticket of a session before', async (version) => {
    await using server = await tlsServer({ maxVersion: version, ticketKeys: randomBytes(48) });
    const first = await ask(server, { name: 'ns1.test' });
    expect(first.tls?.resumed).toBe(false);
    const ticket = present(first.ticket);
    const second = await ask(server, { name: 'ns1.test', ticket });
    expect(second.tls).toMatchObject({ resumed: true, version, certificate: { subject: 'CN=ns1.test' } });
    // A resumed session must meet the caller's demands too.
    const pins = [randomBytes(32).toString('base64')];
    await expect(ask(server, { ticket, verification: { kind: 'pin', pins } })).rejects.toMatchObject({
      code: ClientErrorCode.CERTIFICATE,
    });
    const pinned = await ask(server, { name: 'ns1.test', ticket, verification: { kind: 'pin', pins: [pin] } });
    expect(pinned.tls).toMatchObject({ resumed: true, verified: 'pin' });
    const verification = { kind: 'ca', ca: authority.cert } as const;
    const verified = await ask(server, { name: 'ns1.test', ticket, verification });
    expect(verified.tls).toMatchObject({ resumed: false, verified: 'ca' });
    const again = await ask(server, { name: 'ns1.test', ticket: present(verified.ticket), verification });
    expect(again.tls).toMatchObject({ resumed: true, verified: 'ca' });
    const misnamed = ask(server, { name: 'ns3.test', ticket: present(verified.ticket), verification });
    await expect(misnamed).rejects.toMatchObject({ code: ClientErrorCode.CERTIFICATE });
  });

  it('sends the name as SNI when one is known', async () => {
    await using server = await tlsServer();
    expect((await ask(server, { name: 'ns2.test' })).message.answers[0]?.data).toBe('"ns2.test"');
    expect((await ask(server)).message.answers[0]?.data).toBe('"none"');
  });

  it('does not come about with a server of plaintext, nor with a port that is closed', async () => {
    const server = await tcpServer((socket) => socket.on('data', () => socket.end('\0\x0c...........')));
    await expect(ask(server)).rejects.toMatchObject({ code: ClientErrorCode.HANDSHAKE, step: 'handshake' });
    await server[Symbol.asyncDispose]();
    await expect(ask(server)).rejects.toMatchObject({ code: ClientErrorCode.REFUSED, step: 'connect' });
  });

  it('carries many queries in one session, and is closed with close_notify', async () => {
    await using server = await tlsServer();
    const { session } = await openSession({ transport: 'tls', server });
    const asked = Array.from({ length: 100 }, (_, i) =>
      session.ask({ ...QUERY, name: `n${i}.test` }, { timeoutMs: PATIENCE }),
    );
    expect(new Set((await Promise.all(asked)).map(({ message }) => message.id)).size).toBe(100);
    expect(server.connections()).toBe(1);
    await session.close();
  });
});

describe('a certificate', () => {
  const ca = () => ({ kind: 'ca', ca: authority.cert }) as const;

  it('of an authority and for the name is accepted', async () => {
    await using server = await tlsServer();
    const done = await ask(server, { name: 'ns2.test', verification: ca() });
    expect(done.tls).toMatchObject({ verified: 'ca' });
  });

  it.each([
    ['for another name', () => signed, 'ns3.test', /it is for DNS:ns1\.test, DNS:ns2\.test, not for ns3\.test/],
    ['for no address', () => signed, undefined, /not for 127\.0\.0\.1/],
    ['that has expired', () => expired, 'ns1.test', /CERT_HAS_EXPIRED|expired/i],
  ] as const)('%s is not accepted, and nothing is asked', async (_what, made, name, reason) => {
    await using server = await tlsServer(made());
    await expect(ask(server, { verification: ca(), ...(name && { name }) })).rejects.toMatchObject({
      code: ClientErrorCode.CERTIFICATE,
      step: 'handshake',
      message: expect.stringMatching(reason),
    });
  });

  it('of another authority, or of its own, is not accepted', async () => {
    const other = await make({ names: ['Other CA'], isIssuer: true });
    await using server = await tlsServer();
    const verification = { kind: 'ca', ca: other.cert } as const;
    await expect(ask(server, { name: 'ns1.test', verification })).rejects.toMatchObject({
      code: ClientErrorCode.CERTIFICATE,
      message: expect.stringMatching(/UNABLE_TO|VERIFY/),
    });
    await using self = await tlsServer(await make({ names: ['ns1.test'] }));
    await expect(ask(self, { name: 'ns1.test', verification: ca() })).rejects.toMatchObject({
      code: ClientErrorCode.CERTIFICATE,
      message: expect.stringMatching(/SELF_SIGNED/),
    });
    expect((await ask(self)).tls).toMatchObject({ verified: 'none' });
  });

  it('is known by its pin, whoever signed it', async () => {
    await using server = await tlsServer();
    const other = randomBytes(32).toString('base64');
    const done = await ask(server, { verification: { kind: 'pin', pins: [other, pin] } });
    expect(done.tls).toMatchObject({ verified: 'pin', certificate: { pin } });
    await expect(ask(server, { verification: { kind: 'pin', pins: [other] } })).rejects.toMatchObject({
      code: ClientErrorCode.CERTIFICATE,
      message: expect.stringContaining(`its pin is ${pin}, expected ${other}`),
    });
  });
});
