import { afterEach, describe, expect, it } from 'vitest';
import { handshakeFailure } from '../../src/transport/handshake-failure.js';
import { TransportEvent } from '../../src/transport/transport.js';
import { framed, message } from '../support/responder.js';
import { all, clientHello, tlsWorld } from './tls.js';

const { listen, dial, dialTcp, close } = tlsWorld();
afterEach(close);

const NAMES = Object.keys(TransportEvent);
type Listening = Awaited<ReturnType<typeof listen>>;

/** Names of the events that say that, and why, a handshake failed. */
const failures = ({ shared }: Listening): string[] =>
  shared.events.map((event) => NAMES[event] ?? '').filter((name) => /^TLS_.*FAILED/.test(name));

/** Waits for the counts of one failed handshake. */
async function failed(listening: Listening): Promise<string | undefined> {
  await expect.poll(() => failures(listening)).toHaveLength(2);
  const [first, reason] = failures(listening);
  expect(first).toBe('TLS_HANDSHAKE_FAILED');
  return reason;
}

describe('a failed handshake is put down to', () => {
  it.each([
    ['DNS in the clear', framed(message(1))],
    ['HTTP', Buffer.from('GET / HTTP/1.0\r\n\r\n')],
  ])('no TLS at all: %s', async (_, octets) => {
    const listening = await listen();
    const socket = await dialTcp(listening.port);
    socket.write(octets);
    await all(socket);
    expect(await failed(listening)).toBe('TLS_FAILED_NOT_TLS');
  });

  it('the version of the protocol', async () => {
    const listening = await listen();
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(dial(listening.port, old)).rejects.toThrow();
    expect(await failed(listening)).toBe('TLS_FAILED_VERSION');
  });

  it.each([
    ['cipher', { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:@SECLEVEL=0' }],
    ['protocol', { ALPNProtocols: ['h2'] }],
  ] as const)('nothing in common: %s', async (_, options) => {
    const listening = await listen();
    await expect(dial(listening.port, options)).rejects.toThrow();
    expect(await failed(listening)).toBe('TLS_FAILED_NOTHING_SHARED');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('a client that does not trust the certificate, %s', async (version) => {
    // node's own client would complete the handshake and judge then; OpenSSL's verification ends it with an alert.
    const listening = await listen();
    const client = await dialTcp(listening.port);
    client.write(await clientHello({ minVersion: version, maxVersion: version }));
    await new Promise((resolve) => client.once('data', resolve));
    // Alert, fatal, unknown CA: in the clear, as a client sends it that has no keys yet.
    client.write(Buffer.of(21, 3, 3, 0, 2, 2, 48));
    expect(await failed(listening)).toBe('TLS_FAILED_ALERT');
  });

  it('the connection, when the client resets it', async () => {
    const listening = await listen();
    const client = await dialTcp(listening.port);
    client.write(await clientHello());
    await new Promise((resolve) => client.once('data', resolve));
    client.resetAndDestroy();
    expect(await failed(listening)).toBe('TLS_FAILED_CONNECTION');
  });

  it('something else, where the error is new to us', () => {
    for (const error of [
      undefined,
      'text',
      new Error('no code'),
      Object.assign(new Error(), { code: 'ERR_SSL_NEW' }),
    ]) {
      expect(handshakeFailure(error)).toBe(TransportEvent.TLS_FAILED_OTHER);
    }
  });
});
