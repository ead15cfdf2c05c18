/** Messages on a stream that answer no query, and messages without a question. */
import { describe, expect, it } from 'vitest';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { createClient } from '../../../src/client/index.js';
import type { ClientSession } from '../../../src/client/session/client-session.js';
import { openSession } from '../../../src/client/session/connect.js';
import { exchange } from '../../../src/client/session/exchange.js';
import { startServer } from '../../../src/index.js';
import { PATIENCE } from '../../support/patience.js';
import { FakeClock } from '../fake-clock.js';
import { answer, framed, headerOnly, onMessages, tcpServer, udpServer } from '../support.js';

const QUERY = { name: 'a.test', type: 16 };
/** evil. TXT "x" */
const EVIL = Buffer.from('\x04evil\0\0\x10\0\x01\0\0\0\x3c\0\x02\x01x', 'latin1');

/** Letters of the first label. */
const labelOf = (query: Buffer): string => query.toString('latin1', 13, 13 + (query[12] ?? 0));
/** An ID that no query has. */
function freeId(queries: readonly Buffer[]): number {
  const taken = new Set(queries.map((query) => query.readUInt16BE()));
  let id = 0;
  while (taken.has(id)) id++;
  return id;
}
const ended = (session: ClientSession): Promise<void> => new Promise((resolve) => session.onEnded(resolve));

describe('an answer without a question, over UDP', () => {
  const ONCE = { transport: 'udp', timeoutMs: 200, tries: 2 } as const;

  it.each([
    ['NOERROR with a record of another name', (q: Buffer) => headerOnly(q, 0, EVIL)],
    ['NOERROR with nothing', (q: Buffer) => headerOnly(q, 0)],
    ['NXDOMAIN', (q: Buffer) => headerOnly(q, 3)],
    ['YXDOMAIN', (q: Buffer) => headerOnly(q, 6)],
    ['SERVFAIL with a record', (q: Buffer) => headerOnly(q, 2, EVIL)],
  ])('is none when it is %s', async (_what, forged) => {
    await using server = await udpServer((q) => [forged(q), answer(q, { text: 'good' })]);
    expect((await exchange(QUERY, { ...ONCE, timeoutMs: PATIENCE, server })).message.answers).toMatchObject([
      { data: '"good"' },
    ]);
    await using alone = await udpServer((q) => [forged(q)]);
    await expect(exchange(QUERY, { ...ONCE, server: alone })).rejects.toMatchObject({ code: ClientErrorCode.MISMATCH });
  });

  it.each([1, 2, 4, 5])(
    'is an error when its RCODE is %i, and nothing better comes before the next try',
    async (rcode) => {
      await using server = await udpServer((q) => [headerOnly(q, rcode), answer(q, { text: 'good' })]);
      expect((await exchange(QUERY, { ...ONCE, timeoutMs: PATIENCE, server })).message).toMatchObject({
        rcode: 0,
        answers: [{}],
      });
      await using alone = await udpServer((q) => [headerOnly(q, rcode)]);
      expect((await exchange(QUERY, { ...ONCE, server: alone })).message).toMatchObject({ rcode, questions: [] });
      expect(alone.connections()).toBe(1);
    },
  );
});

describe('an error without a question, over TCP', () => {
  it('is taken at once', async () => {
    const clock = new FakeClock();
    await using server = await tcpServer((socket) => onMessages(socket, (q) => socket.write(framed(headerOnly(q, 1)))));
    const { session } = await openSession({ transport: 'tcp', server, clock });
    expect((await session.ask(QUERY, { timeoutMs: PATIENCE })).message).toMatchObject({ rcode: 1, questions: [] });
    session.destroy();
  });
});

describe('a message with an ID that nothing was asked with', () => {
  it('fails the one query that is outstanding at once, and the next transport is tried', async () => {
    const clock = new FakeClock();
    await using tcp = await tcpServer((socket) =>
      onMessages(socket, (q) => socket.write(framed(answer(q, { id: q.readUInt16BE() ^ 1 })))),
    );
    const { session } = await openSession({ transport: 'tcp', server: tcp, clock });
    await expect(session.ask(QUERY, { timeoutMs: PATIENCE })).rejects.toMatchObject({
      code: ClientErrorCode.MISMATCH,
      step: 'answer',
    });
    // The right answer may still come.
    expect(session.open).toBe(true);
    session.destroy();
  });

  it('ends the session when it may be meant for any of several queries', async () => {
    const waiting: Buffer[] = [];
    await using server = await tcpServer((socket) => {
      onMessages(socket, (query) => {
        if (waiting.push(query) === 8) socket.write(framed(answer(query, { id: freeId(waiting) })));
      });
    });
    const { session } = await openSession({ transport: 'tcp', server });
    const asked = Array.from({ length: 8 }, () => session.ask(QUERY, { timeoutMs: PATIENCE }));
    for (const one of await Promise.allSettled(asked))
      expect(one).toMatchObject({ status: 'rejected', reason: { code: ClientErrorCode.MISMATCH } });
    expect(session.open).toBe(false);
  });

  it('is the failure of the query that it is meant for, not of those beside it', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `n${i}.example.test`);
    const zone = names.map((_, i) => `n${i} A 192.0.2.${i}`).join('\n');
    const faults = [{ fault: 'wrong-id', name: 'n3.example.test' }] as const;
    await using server = await startServer({ zones: { 'example.test': zone }, faults });
    const verification = { kind: 'pin', pins: server.pins } as const;
    await using client = createClient({ profile: 'pre-deployed', order: ['tls'], verification });
    const at = { address: server.address, port: server.udp, tlsPort: server.tls };
    const done = await Promise.allSettled(names.map((name) => client.resolve({ server: at, name, type: 'A' })));
    for (const [i, one] of done.entries()) {
      const wanted =
        i === 3
          ? { status: 'rejected', reason: { code: 'CLIENT_NOT_PRIVATE', reason: 'CLIENT_MISMATCH' } }
          : { status: 'fulfilled', value: { message: { answers: [{ data: `192.0.2.${i}` }] } } };
      expect(one).toMatchObject(wanted);
    }
  });

  it('closes a session over which nothing is outstanding', async () => {
    await using server = await tcpServer((socket) =>
      onMessages(socket, (q) => socket.write(Buffer.concat([framed(answer(q)), framed(Buffer.alloc(0))]))),
    );
    const { session } = await openSession({ transport: 'tcp', server });
    const over = ended(session);
    await session.ask(QUERY, { timeoutMs: PATIENCE });
    await over;
    expect(session.open).toBe(false);
  });

  it('is no harm when it is an answer come late, or come twice, or both, but a hundred repeats in a row are', async () => {
    const late: Buffer[] = [];
    let times = 2;
    await using server = await tcpServer((socket) => {
      onMessages(socket, (q) => {
        if (labelOf(q) === 'late') return void late.push(q);
        const again = Array.from({ length: times }, () => framed(answer(q)));
        socket.write(
          Buffer.concat([...late.splice(0).flatMap((one) => [framed(answer(one)), framed(answer(one))]), ...again]),
        );
      });
    });
    const clock = new FakeClock();
    const { session } = await openSession({ transport: 'tcp', server, clock });
    const given = session.ask({ ...QUERY, name: 'late.test' }, { timeoutMs: 100 });
    await expect.poll(() => late.length).toBe(1);
    clock.advance(100);
    await expect(given).rejects.toMatchObject({ code: ClientErrorCode.TIMED_OUT });
    for (let i = 0; i < 60; i++) await session.ask(QUERY, { timeoutMs: PATIENCE });
    await expect.poll(() => session.unexpected).toBe(61);
    times = 101;
    await session.ask(QUERY, { timeoutMs: PATIENCE });
    await expect.poll(() => session.unexpected).toBe(161);
    expect(session.open).toBe(true);
    times = 102;
    const over = ended(session);
    await session.ask(QUERY, { timeoutMs: PATIENCE });
    await over;
    expect(session.unexpected).toBe(262);
  });

  it('does not keep a session open by flooding it', async () => {
    let closed: Promise<void> | undefined;
    await using server = await tcpServer((socket) => {
      closed = new Promise((resolve) => void socket.once('close', () => resolve()));
      onMessages(socket, (query) => {
        socket.write(framed(answer(query)));
        const flood = Buffer.alloc(16_384);
        const more = (): void => {
          while (!socket.destroyed && socket.write(flood));
          if (!socket.destroyed) socket.once('drain', more);
        };
        more();
      });
    });
    const { session } = await openSession({ transport: 'tcp', server });
    await session.ask(QUERY, { timeoutMs: PATIENCE });
    await closed;
    expect(session.unexpected).toBe(1);
  });
});
