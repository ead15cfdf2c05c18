import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { openSession } from '../../../src/client/session/connect.js';
import { exchange } from '../../../src/client/session/exchange.js';
import { connectPrimary } from '../../../src/server/secondaries/connect-primary.js';
import { PrimaryConnection } from '../../../src/server/secondaries/primary-connection.js';
import type { PrimaryTls } from '../../../src/server/secondaries/primary-settings.js';
import { systemClock } from '../../../src/session/clock.js';
import { standInCertificate } from '../../../src/tls/self-signed.js';

const open = new Set<Server>();
afterEach(async () => {
  for (const server of open) {
    server.close();
    await once(server, 'close');
  }
  open.clear();
});

/** A port on which something answers what comes first. */
async function port(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  open.add(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What other protocols say to what they cannot read, and then close or not. */
const SAYS = {
  TLS: (socket: Socket) => socket.end(Buffer.from('15030100020246', 'hex')),
  HTTP: (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  SSH: (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\nInvalid SSH identification string.\r\n'),
  'another protocol': (socket: Socket) => socket.end('220 mail.example ESMTP\r\n'),
  silence: (socket: Socket) => socket.end(),
  // So ends whatever closes with octets unread.
  reset: (socket: Socket) => socket.resetAndDestroy(),
};
const IN_CLEAR: Record<keyof typeof SAYS, [RegExp, RegExp]> = {
  TLS: [
    /there is TLS on this port: ask it over the transport tls/,
    /there is TLS on this port, expected DNS without TLS; set `tls` of the remote/,
  ],
  HTTP: [
    /there is HTTP on this port, not DNS: is the port right\?$/,
    /there is HTTP on this port, .* is its `port` right\?/,
  ],
  SSH: [/there is SSH on this port/, /there is SSH on this port/],
  'another protocol': [/there is another protocol on this port/, /there is another protocol on this port/],
  silence: [
    /closed the connection without an answer; is there TLS/,
    /closed the connection without an answer; if there is TLS on this port, set `tls`/,
  ],
  reset: [
    /reset without an answer; is there TLS/,
    /reset.* without an answer; if there is TLS on this port, set `tls`/,
  ],
};
const NO_TLS: Record<keyof typeof SAYS, [RegExp, RegExp]> = {
  // An alert is how a server with TLS refuses a handshake.
  TLS: [/the TLS handshake failed: .*alert/, /the TLS handshake failed: .*alert/],
  HTTP: [/no TLS on this port: what answers is something else/, /no TLS on this port: .*set `tls.port` of the remote/],
  SSH: [/no TLS on this port/, /no TLS on this port/],
  'another protocol': [/no TLS on this port/, /no TLS on this port/],
  silence: [
    /closed the connection in the TLS handshake; is there TLS on this port\?/,
    /in the TLS handshake; this may be a port without TLS: set `tls.port`/,
  ],
  reset: [
    /in the TLS handshake: connection reset; is there TLS on this port\?/,
    /in the TLS handshake; this may be a port without TLS: set `tls.port`/,
  ],
};
const CODES: Partial<Record<keyof typeof SAYS, string>> = {
  silence: ClientErrorCode.CLOSED,
  reset: ClientErrorCode.RESET,
};
const NAMES = Object.keys(SAYS) as (keyof typeof SAYS)[];
const TLS = { pins: [], ca: undefined, name: undefined, certificate: undefined, isAlpnOptional: false };

function primaryAt(at: number, tls: PrimaryTls | undefined) {
  return { name: 'one', addresses: ['127.0.0.1'], port: at, key: undefined, sources: [], tls };
}

/** Asks a primary, and returns why it failed. */
async function failureOf(at: number, tls?: PrimaryTls): Promise<string> {
  const socket = await connectPrimary(primaryAt(at, tls), '127.0.0.1', systemClock);
  const timing = { idleTimeout: 60, timeout: 60 };
  return new Promise((resolve) => {
    const place = `127.0.0.1:${at}`;
    const connection = new PrimaryConnection(socket, {
      clock: systemClock,
      place,
      isEncrypted: tls !== undefined,
      ...timing,
      closed() {},
    });
    const failed = ({ message }: Error): void => resolve(message);
    connection.ask(1, Buffer.from('000100000001000000000000', 'hex'), { isTransfer: false, take: () => true, failed });
  });
}

describe('a port without DNS', () => {
  it.each(NAMES)('is named when it is asked without TLS: %s', async (name) => {
    const at = await port(SAYS[name]);
    const [client, secondary] = IN_CLEAR[name];
    const asked = exchange(
      { name: 'example.', type: 6 },
      { transport: 'tcp', server: { address: '127.0.0.1', port: at }, timeoutMs: 60_000 },
    );
    const code = CODES[name] ?? ClientErrorCode.MALFORMED;
    await expect(asked).rejects.toMatchObject({ code, message: expect.stringMatching(client) });
    expect(await failureOf(at)).toMatch(secondary);
  });

  it.each(NAMES)('is named when it is asked by TLS: %s', async (name) => {
    const at = await port(SAYS[name]);
    const [client, secondary] = NO_TLS[name];
    const server = { address: '127.0.0.1', port: at };
    await expect(openSession({ transport: 'tls', server, timeoutMs: 60_000 })).rejects.toThrow(client);
    await expect(connectPrimary(primaryAt(at, TLS), '127.0.0.1', systemClock)).rejects.toThrow(secondary);
  });

  it.each([
    [
      'answers',
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      /there is HTTP on this port, not DNS/,
      /there is HTTP on this port, expected DNS inside TLS; is its `tls.port` right\?/,
    ],
    [
      'closes',
      '',
      /without an answer; is there DNS inside TLS on this port\?/,
      /without an answer; is there DNS inside TLS on this port\?/,
    ],
  ])('is named when it is another one inside TLS, which %s', async (_, says, client, secondary) => {
    const { cert, key, pin } = await standInCertificate({ folder: '', names: ['ns.test'], addresses: [] });
    const server = createTlsServer({ cert, key, ALPNProtocols: ['dot'] }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(says));
    });
    open.add(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = (server.address() as AddressInfo).port;
    const asked = { transport: 'tls', server: { address: '127.0.0.1', port: at }, timeoutMs: 60_000 } as const;
    await expect(exchange({ name: 'example.', type: 6 }, asked)).rejects.toThrow(client);
    expect(await failureOf(at, { ...TLS, pins: [pin] })).toMatch(secondary);
  });
});
