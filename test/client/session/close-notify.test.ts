import type { Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSession } from '../../../src/client/session/connect.js';
import { startServer } from '../../../src/index.js';
import { PATIENCE } from '../../support/patience.js';
import { make } from '../../tls/support.js';
import { answer, framed, onMessages, TO, tcpServer, upgraded } from '../support.js';

let certificate: TlsOptions;
beforeAll(async () => {
  certificate = await make();
});

const QUERY = { name: 'a.test', type: 16 };
const ended = (session: { onEnded(listener: () => void): void }): Promise<void> =>
  new Promise((resolve) => session.onEnded(resolve));

/** Whether the client finds a session closed cleanly. `end` ends it in the server, with the answer still to be written. */
async function seen(
  transport: 'tls' | 'starttls',
  end: (secure: TLSSocket, raw: Socket, reply: Buffer) => void,
  observeClose = true,
): Promise<boolean | undefined> {
  await using server = await tcpServer((raw) => {
    const secured = (): void => {
      const secure = upgraded(raw, certificate);
      onMessages(secure, (query) => end(secure, raw, framed(answer(query, { text: 'hello' }))));
    };
    if (transport === 'tls') return secured();
    onMessages(raw, (query) => {
      raw.write(framed(answer(query, { ednsFlags: TO })));
      secured();
    });
  });
  const { session } = await openSession({ transport, server, observeClose });
  expect(session.closedCleanly).toBeUndefined();
  const reply = await session.ask(QUERY, { timeoutMs: PATIENCE });
  expect(reply.message.answers).toMatchObject([{ data: '"hello"' }]);
  await ended(session);
  const { closedCleanly } = session;
  await session.close();
  return closedCleanly;
}

describe('the end of a TLS session', () => {
  it.each(['tls', 'starttls'] as const)(
    'over %s by a close_notify is clean, even in one write with the answer',
    async (transport) => {
      expect(await seen(transport, (secure, _raw, reply) => secure.end(reply))).toBe(true);
    },
  );

  it.each(['tls', 'starttls'] as const)(
    'over %s by a close_notify, the FIN coming later, is clean',
    async (transport) => {
      const closing = seen(transport, (secure, raw, reply) => {
        // The FIN is held back.
        raw.end = () => raw;
        secure.end(reply);
        setTimeout(() => raw.destroy(), 100);
      });
      expect(await closing).toBe(true);
    },
  );

  it.each(['tls', 'starttls'] as const)('over %s by a bare FIN is not clean', async (transport) => {
    const closing = seen(transport, (secure, raw, reply) => void secure.write(reply, () => raw.destroySoon()));
    expect(await closing).toBe(false);
  });

  it('by a reset is not clean', async () => {
    const closing = seen('tls', (secure, raw, reply) => {
      secure.write(reply);
      setTimeout(() => raw.resetAndDestroy(), 50);
    });
    expect(await closing).toBe(false);
  });

  it('is not known where it was not observed', async () => {
    expect(await seen('tls', (secure, _raw, reply) => secure.end(reply), false)).toBeUndefined();
  });

  it('is clean from our own server', async () => {
    const zones = { 'a.test': '@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1' };
    const server = await startServer({ zones, config: { tls: { enabled: true } } });
    const at = { address: server.address, port: server.tls };
    const { session } = await openSession({ transport: 'tls', server: at, observeClose: true });
    expect((await session.ask({ name: 'ns.a.test', type: 1 }, { timeoutMs: PATIENCE })).message.answers).toHaveLength(
      1,
    );
    const closed = ended(session);
    await Promise.all([server.close(), closed]);
    expect(session.closedCleanly).toBe(true);
    await session.close();
  });
});

describe('a session whose close_notify is observed', () => {
  it('carries as much as one that is not', async () => {
    await using server = await tcpServer((raw) => {
      const secure = upgraded(raw, certificate);
      onMessages(secure, (query) => {
        secure.write(framed(answer(query, { text: 'x'.repeat(200) })));
      });
    });
    const { session, tls } = await openSession({ transport: 'tls', server, observeClose: true });
    expect(tls).toMatchObject({ version: 'TLSv1.3', alpn: 'dot' });
    const asked = Array.from({ length: 2000 }, (_, i) =>
      session.ask({ name: `n${i}.test`, type: 16 }, { timeoutMs: 60_000 }),
    );
    expect(await Promise.all(asked)).toHaveLength(2000);
    await session.close();
    expect(session.closedCleanly).toBeUndefined();
  });
});

describe('the end of a TCP session', () => {
  it.each([
    ['FIN', (socket: Socket): unknown => socket.end(), true],
    ['reset', (socket: Socket): unknown => socket.resetAndDestroy(), false],
  ] as const)('by a %s is known', async (_what, end, clean) => {
    await using server = await tcpServer((socket) => {
      setTimeout(() => end(socket), 20);
    });
    const { session } = await openSession({ transport: 'tcp', server });
    await ended(session);
    expect(session.closedCleanly).toBe(clean);
    await session.close();
  });
});
