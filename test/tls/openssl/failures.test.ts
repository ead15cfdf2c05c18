import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { HandshakeEnd } from '../../../src/session/session-end.js';
import { TlsContexts } from '../../../src/tls/tls-context.js';
import { handshakeFailure } from '../../../src/transport/handshake-failure.js';
import { type Connection, MemoryServer, only, settingsWith, VERSIONS } from './support.js';

/** How a connection failed; undefined if it did not. */
function failureOf({ events }: Connection): string | undefined {
  return events
    .map(String)
    .find((event) => event.startsWith('failed '))
    ?.slice('failed '.length);
}

const ended = (code = '') => handshakeFailure(code);
const settings = settingsWith();

/** What node:tls says about the same octets. */
function nodeSays(octets: Uint8Array): Promise<string | undefined> {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const server = new TLSSocket(stream, new TlsContexts(settings).options());
  return new Promise<string | undefined>((resolve) => {
    server.once('error', (error) => resolve((error as { code?: string }).code));
    stream.push(octets);
    setImmediate(() => setImmediate(() => resolve(undefined)));
  }).finally(() => {
    server.destroy();
    stream.destroy();
  });
}

const dns = Buffer.from('001d00010100000100000000000004686f6d650474657374000001000100', 'hex');
const GARBAGE: readonly (readonly [string, Buffer, HandshakeEnd | undefined])[] = [
  ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: ns.test\r\n\r\n'), HandshakeEnd.NOT_TLS],
  ['a request to a proxy', Buffer.from('CONNECT ns.test:853 HTTP/1.1\r\n\r\n'), HandshakeEnd.NOT_TLS],
  ['a query of DNS in cleartext', dns, HandshakeEnd.NOT_TLS],
  ['a banner of SSH', Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'), HandshakeEnd.NOT_TLS],
  ['zeros', Buffer.alloc(64), HandshakeEnd.NOT_TLS],
  ['ones', Buffer.alloc(64, 0xff), HandshakeEnd.NOT_TLS],
  [
    'a hello of SSL 2',
    Buffer.from(
      '802e0100020015000000100100800200800300800400800500800600400700c0000102030405060708090a0b0c0d0e0f',
      'hex',
    ),
    undefined,
  ],
  ['a record of data', Buffer.from('1703030005000102030405', 'hex'), undefined],
  ['an alert', Buffer.from('15030100020228', 'hex'), undefined],
  ['an empty record', Buffer.from('1603010000', 'hex'), undefined],
  ['a record that is too long', Buffer.from('160301ffff01', 'hex'), undefined],
  ['a hello that is cut off', Buffer.from('16030100200100001c0303', 'hex'), undefined],
];

describe('what is no handshake', () => {
  it.each(GARBAGE)('is refused as node:tls refuses it: %s', async (_what, octets, end) => {
    using server = new MemoryServer(settings);
    const sent: Buffer[] = [];
    for (const piece of [octets.length, 1]) {
      const connection = server.open((part) => sent.push(part));
      for (let at = 0; at < octets.length; at += piece) connection.receive(octets.subarray(at, at + piece));
      const code = failureOf(connection);
      const node = await nodeSays(octets);
      expect(code === undefined).toBe(node === undefined);
      if (end !== undefined) expect(ended(code)).toBe(end);
      expect(ended(code)).toBe(ended(node));
      expect(server.engine.isHandshaking(connection.handle)).toBe(code === undefined);
      connection.free();
    }
    expect(server.engine.counts).toEqual({ open: 0, refused: 0, leftovers: 0, callbackMistakes: 0 });
  });
});

describe.each(VERSIONS)('a client with %s', (version) => {
  it.each([
    [
      'has no version in common',
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      HandshakeEnd.VERSION,
    ],
    ['has no protocol in common', { ALPNProtocols: ['h2'] }, HandshakeEnd.NOTHING_SHARED],
    ['has no group in common', { ecdhCurve: 'P-521' }, HandshakeEnd.NOTHING_SHARED],
    ['has no signature in common', { sigalgs: 'rsa_pss_rsae_sha256' }, HandshakeEnd.NOTHING_SHARED],
    ['refuses the certificate', { rejectUnauthorized: true, servername: 'ns.test' }, HandshakeEnd.ALERT],
  ] as const)('that %s is counted so', async (_what, options, end) => {
    using server = new MemoryServer(settings);
    using dialled = server.connect({ ...only(version), ...options });
    await new Promise((resolve) => dialled.client.once('close', resolve));
    // With TLS 1.3 the client's alert is on its way when it gives up.
    await new Promise((resolve) => setImmediate(resolve));
    const failure = failureOf(dialled.connection);
    const refusal = end === HandshakeEnd.ALERT;
    // node:tls closes a connection whose certificate it refuses by itself, without an alert.
    if (refusal && failure === undefined) expect(dialled.error).toBeDefined();
    else expect(ended(failure)).toBe(end);
  });
});
