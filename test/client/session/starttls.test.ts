import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { openSession } from '../../../src/client/session/connect.js';
import { type ExchangeOptions, exchange, notResumed } from '../../../src/client/session/exchange.js';
import { PATIENCE } from '../../support/patience.js';
import { make } from '../../tls/support.js';
import { answer, framed, onMessages, pause, questionOf, TO, tcpServer, toSet, upgraded } from '../support.js';

const QUERY = { name: 'secret.test', type: 16, edns: { padding: 128 } };
const CLIENT_HELLO = 0x16;
let certificate: TlsOptions;
beforeAll(async () => {
  certificate = await make();
});

/** What a server saw, in order. */
interface Seen {
  readonly plain: Buffer[];
  readonly secure: Buffer[];
}

/** A server that follows the draft. `before` is written in plaintext between the answer and the handshake. */
function upgrading(seen: Seen, before?: (query: Buffer) => Buffer): (socket: Socket) => void {
  return (socket) => {
    onMessages(socket, (query) => {
      seen.plain.push(query);
      const first = framed(answer(query, { text: 'STARTTLS', ednsFlags: TO }));
      socket.write(Buffer.concat([first, before?.(query) ?? Buffer.alloc(0)]));
      const secure = upgraded(socket, certificate);
      onMessages(secure, (inside) => {
        seen.secure.push(inside);
        secure.write(framed(answer(inside, { text: 'secure', ednsFlags: 0 })));
      });
    });
  };
}

const by = (server: ExchangeOptions['server'], more: Partial<ExchangeOptions> = {}): ExchangeOptions => ({
  transport: 'starttls',
  server,
  timeoutMs: PATIENCE,
  ...more,
});

describe('STARTTLS', () => {
  it('sends the dummy query, waits for its answer, and asks inside TLS without TO', async () => {
    const seen: Seen = { plain: [], secure: [] };
    await using server = await tcpServer(upgrading(seen));
    const done = await exchange(QUERY, by(server));
    expect(seen.plain.map((query) => query.subarray(2).toString('hex'))).toEqual([
      ['00000001000000000001', '085354415254544c5300', '00100003', '00002904d0000040000000'].join(''),
    ]);
    expect(seen.secure).toHaveLength(1);
    const [inside = Buffer.alloc(0)] = seen.secure;
    expect(questionOf(inside).toString('latin1')).toContain('secret');
    expect(toSet(inside)).toBe(false);
    expect(inside.length % 128).toBe(0);
    expect(done).toMatchObject({
      transport: 'starttls',
      encrypted: true,
      upgrade: { offered: true },
      tls: {
        version: 'TLSv1.3',
        alpn: 'dot',
        resumed: false,
        verified: 'none',
        certificate: { names: ['DNS:ns.test'] },
      },
    });
    expect(done.message.answers).toMatchObject([{ data: '"secure"' }]);
    expect(Object.keys(done.times)).toEqual(['connect', 'upgrade', 'handshake', 'answer']);
  });

  it('says why a session does not resume the one before', async () => {
    await using server = await tcpServer(upgrading({ plain: [], secure: [] }));
    const one = await exchange(QUERY, by(server));
    // The server has other keys for the tickets of each connection.
    const two = await exchange(QUERY, by(server, { tls: { ...(one.ticket && { ticket: one.ticket }) } }));
    expect(one.ticket).toBeDefined();
    const resumed = { ...two, tls: two.tls && { ...two.tls, resumed: true } };
    const ticketless = { ...one, ticket: undefined };
    const plain = { ...one, tls: undefined };
    expect([
      notResumed(one, resumed),
      notResumed(one, two),
      notResumed(ticketless, two),
      notResumed(plain, two),
      notResumed(one, plain),
    ]).toEqual([
      undefined,
      'the server did not take the ticket of the session before',
      'the server gave no ticket in the session before',
      'the session before had no TLS: the server did not offer the upgrade',
      'this session has no TLS: the server did not offer the upgrade',
    ]);
  });

  it('can send the query itself first, in plaintext, and is encrypted behind it', async () => {
    const seen: Seen = { plain: [], secure: [] };
    await using server = await tcpServer(upgrading(seen));
    const { session, upgrade } = await openSession({
      transport: 'starttls',
      server,
      upgrade: { first: QUERY },
    });
    expect(upgrade?.reply.message.questions).toMatchObject([{ name: 'secret.test.' }]);
    expect(seen.plain.map(toSet)).toEqual([true]);
    const more = await session.ask({ ...QUERY, name: 'more.test' }, { timeoutMs: PATIENCE });
    expect(more.message.answers).toMatchObject([{ data: '"secure"' }]);
    await session.close();
    const done = await exchange(QUERY, by(server, { upgrade: { first: 'query' } }));
    expect(done).toMatchObject({ encrypted: false, upgrade: { offered: true }, tls: { version: 'TLSv1.3' } });
    expect(done.message.answers).toMatchObject([{ data: '"STARTTLS"' }]);
  });

  it.each([
    ['TO stripped', { ednsFlags: 0, text: 'STARTTLS' }, /TO is not set/],
    ['EDNS stripped', { text: 'STARTTLS' }, /has no EDNS/],
    ['NO_TLS', { ednsFlags: 0, text: 'NO_TLS' }, /TO is not set/],
    ['REFUSED without TO', { ednsFlags: 0, rcode: 5 }, /TO is not set/],
  ])(
    'with %s starts no handshake: it fails, or goes on in plaintext when allowed to',
    async (_what, options, reason) => {
      const plain: Buffer[] = [];
      await using server = await tcpServer((socket) => {
        socket.on('data', (octets) => plain.push(octets));
        onMessages(socket, (query) => socket.write(framed(answer(query, options))));
      });
      await expect(exchange(QUERY, by(server))).rejects.toMatchObject({
        code: ClientErrorCode.NO_UPGRADE,
        step: 'upgrade',
        message: expect.stringMatching(reason),
      });
      const done = await exchange(QUERY, by(server, { upgrade: { withoutOffer: 'plaintext' } }));
      expect(done).toMatchObject({ encrypted: false, tls: undefined, upgrade: { offered: false } });
      // The failing exchange sent only the dummy query; the other sent that and the query over one connection.
      expect(server.connections()).toBe(2);
      expect(plain).toHaveLength(3);
      expect(plain.filter((octets) => octets.includes('secret'))).toHaveLength(1);
      expect(plain.some((octets) => octets[0] === CLIENT_HELLO)).toBe(false);
    },
  );

  it('does the handshake whatever the TXT record says, even NO_TLS, when TO is set', async () => {
    await using server = await tcpServer((socket) => {
      onMessages(socket, (query) => {
        socket.write(framed(answer(query, { text: 'NO_TLS', ednsFlags: TO })));
        const secure = upgraded(socket, certificate);
        onMessages(secure, (inside) => secure.write(framed(answer(inside))));
      });
    });
    expect(await exchange(QUERY, by(server))).toMatchObject({ encrypted: true });
  });

  it('never takes plaintext after the answer for octets from inside TLS', async () => {
    const seen: Seen = { plain: [], secure: [] };
    // Forged answers with every ID, so that one of them fits.
    const forged = (query: Buffer): Buffer => {
      const one = { question: Buffer.from('\x06secret\x04test\0\0\x10\0\x01', 'latin1'), text: 'forged' };
      return Buffer.concat(Array.from({ length: 2000 }, (_, id) => framed(answer(query, { ...one, id }))));
    };
    await using server = await tcpServer(upgrading(seen, forged));
    const asked = exchange({ ...QUERY, id: 1000 }, by(server));
    await expect(asked).rejects.toMatchObject({
      code: ClientErrorCode.HANDSHAKE,
      message: expect.stringMatching(/octets of plaintext came between/),
    });
    expect(seen.secure).toEqual([]);
  });

  it('never takes plaintext within the handshake for an answer', async () => {
    await using server = await tcpServer((socket) => {
      onMessages(socket, async (query) => {
        socket.write(framed(answer(query, { ednsFlags: TO })));
        await pause(20);
        const forged = { question: Buffer.from('\x06secret\x04test\0\0\x10\0\x01', 'latin1'), text: 'forged' };
        socket.write(framed(answer(query, { ...forged, id: 1000 })));
      });
    });
    const asked = exchange({ ...QUERY, id: 1000 }, by(server));
    await expect(asked).rejects.toMatchObject({ code: ClientErrorCode.HANDSHAKE, step: 'handshake' });
  });

  it.each([
    ['nothing', () => {}, ClientErrorCode.TIMED_OUT, /no TLS handshake within 2 s/],
    ['a FIN', (socket: Socket) => socket.end(), ClientErrorCode.CLOSED, /closed the connection in the TLS handshake/],
    [
      'a reset',
      (socket: Socket) => socket.resetAndDestroy(),
      ClientErrorCode.RESET,
      /in the TLS handshake: connection reset/,
    ],
    [
      'an alert',
      (socket: Socket) => socket.write(Buffer.of(0x15, 3, 1, 0, 2, 2, 40)),
      ClientErrorCode.HANDSHAKE,
      /handshake failed: .*handshake failure/,
    ],
    [
      'text',
      (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
      ClientErrorCode.HANDSHAKE,
      /wrong version number/,
    ],
  ] as const)('whose ClientHello is answered by %s fails as that', async (_what, act, code, message) => {
    const after: Buffer[] = [];
    await using server = await tcpServer((socket) => {
      onMessages(socket, (query) => {
        socket.write(framed(answer(query, { ednsFlags: TO })));
        socket.removeAllListeners('data');
        socket.once('data', (octets) => {
          after.push(octets);
          act(socket);
        });
      });
    });
    const timeoutMs = code === ClientErrorCode.TIMED_OUT ? 2000 : PATIENCE;
    await expect(exchange(QUERY, by(server, { timeoutMs }))).rejects.toMatchObject({
      code,
      step: 'handshake',
      message: expect.stringMatching(message),
    });
    // The client began at once with a ClientHello, and never sent the name.
    expect(after[0]?.[0]).toBe(CLIENT_HELLO);
    expect(Buffer.concat(after).includes('secret')).toBe(false);
  });

  it.each([
    ['is dropped', (_socket: Socket) => {}, ClientErrorCode.TIMED_OUT],
    ['is answered by a reset', (socket: Socket) => socket.resetAndDestroy(), ClientErrorCode.RESET],
    ['is answered by a FIN', (socket: Socket) => socket.end(), ClientErrorCode.CLOSED],
  ] as const)('whose first query %s fails in that step', async (_what, act, code) => {
    await using server = await tcpServer((socket) => onMessages(socket, () => void act(socket)));
    const timeoutMs = code === ClientErrorCode.TIMED_OUT ? 2000 : PATIENCE;
    await expect(exchange(QUERY, by(server, { timeoutMs }))).rejects.toMatchObject({ code });
  });

  it.each([
    ['reset', (socket: Socket) => socket.resetAndDestroy(), ClientErrorCode.RESET],
    ['closed without close_notify', (socket: Socket) => socket.destroy(), ClientErrorCode.CLOSED],
    ['given octets that are not of TLS', (socket: Socket) => socket.write('plaintext'), ClientErrorCode.HANDSHAKE],
  ] as const)('tells the outstanding queries when the session is %s later', async (_what, act, code) => {
    await using server = await tcpServer((socket) => {
      onMessages(socket, (query) => {
        socket.write(framed(answer(query, { ednsFlags: TO })));
        const secure = upgraded(socket, certificate);
        onMessages(secure, () => void act(socket));
      });
    });
    const { session } = await openSession({ transport: 'starttls', server });
    const asked = [session.ask(QUERY, { timeoutMs: PATIENCE }), session.ask(QUERY, { timeoutMs: 1000 })];
    for (const one of await Promise.allSettled(asked))
      expect(one).toMatchObject({ status: 'rejected', reason: { code } });
    expect(session.open).toBe(false);
    await session.close();
  });

  it('is not waited for when the answer has another ID', async () => {
    await using server = await tcpServer((socket) => {
      onMessages(socket, (query) => {
        socket.write(framed(answer(query, { id: query.readUInt16BE() ^ 1, ednsFlags: TO })));
      });
    });
    await expect(exchange(QUERY, by(server))).rejects.toMatchObject({
      code: ClientErrorCode.MISMATCH,
      step: 'upgrade',
    });
  });
});
