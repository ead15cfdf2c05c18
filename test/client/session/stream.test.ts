import { describe, expect, it } from 'vitest';
import { ClientErrorCode } from '../../../src/client/errors.js';
import { openSession } from '../../../src/client/session/connect.js';
import { exchange } from '../../../src/client/session/exchange.js';
import { PATIENCE } from '../../support/patience.js';
import { answer, framed, headerOnly, onMessages, pause, questionOf, tcpServer } from '../support.js';

const QUERY = { name: 'a.test', type: 16 };
const PATIENT = { timeoutMs: PATIENCE };

describe('a question over TCP', () => {
  it('goes out with its length in one write, and the time of each step is measured', async () => {
    const reads: number[] = [];
    await using server = await tcpServer((socket) => {
      socket.on('data', (octets) => reads.push(octets.length));
      onMessages(socket, (query) => socket.write(framed(answer(query, { text: 'hello' }))));
    });
    const done = await exchange(QUERY, { transport: 'tcp', server });
    expect(done.message.answers).toMatchObject([{ data: '"hello"' }]);
    expect(done).toMatchObject({ transport: 'tcp', encrypted: false, sent: 24, tls: undefined });
    expect(reads).toEqual([26]);
    expect(done.times).toEqual({ connect: expect.any(Number), answer: expect.any(Number) });
  });

  it('is answered however the answer is split, the length too', async () => {
    await using server = await tcpServer((socket) => {
      onMessages(socket, async (query) => {
        for (const octet of framed(answer(query, { text: 'split' }))) {
          socket.write(Buffer.of(octet));
          await pause(1);
        }
      });
    });
    const done = await exchange(QUERY, { transport: 'tcp', server });
    expect(done.message.answers).toMatchObject([{ data: '"split"' }]);
  });

  it('to a closed port is refused', async () => {
    const server = await tcpServer(() => {});
    await server[Symbol.asyncDispose]();
    await expect(exchange(QUERY, { transport: 'tcp', server })).rejects.toMatchObject({
      code: ClientErrorCode.REFUSED,
      step: 'connect',
    });
  });

  it.each([
    ['never', (_query: Buffer) => [], ClientErrorCode.TIMED_OUT, /no answer within 1 s$/],
    [
      'with another ID',
      (q: Buffer) => [answer(q, { id: q.readUInt16BE() ^ 1 })],
      ClientErrorCode.MISMATCH,
      /a message of \d+ octets, ID \d+, came that answers nothing we asked/,
    ],
    [
      'with another question',
      (q: Buffer) => [answer(q, { question: Buffer.from('\x01b\x04test\0\0\x10\0\x01') })],
      ClientErrorCode.MISMATCH,
      /another question: b\.test\./,
    ],
    [
      'with another type',
      (q: Buffer) => [answer(q, { question: Buffer.from('\x01a\x04test\0\0\x01\0\x01') })],
      ClientErrorCode.MISMATCH,
      /another question/,
    ],
    ['with the query itself', (q: Buffer) => [q], ClientErrorCode.MISMATCH, /is no response/],
    [
      'with a message cut off',
      (q: Buffer) => [answer(q, { text: 'hello' }).subarray(0, -3)],
      ClientErrorCode.MALFORMED,
      /ends within RDATA/,
    ],
    ['with two octets', (q: Buffer) => [q.subarray(0, 2)], ClientErrorCode.MALFORMED, /a message of 2 octets/],
    ['with nothing in a message', () => [Buffer.alloc(0)], ClientErrorCode.MISMATCH, /of 0 octets came that answers/],
    ['without a question', (q: Buffer) => [headerOnly(q, 0)], ClientErrorCode.MISMATCH, /does not repeat the question/],
    [
      'as an unknown name without a question',
      (q: Buffer) => [headerOnly(q, 3)],
      ClientErrorCode.MISMATCH,
      /the question/,
    ],
  ] as const)('answered %s fails as that', async (_what, respond, code, message) => {
    await using server = await tcpServer((socket) => {
      onMessages(socket, (query) => {
        for (const one of respond(query)) socket.write(framed(Buffer.from(one)));
      });
    });
    const timeoutMs = code === ClientErrorCode.TIMED_OUT ? 1000 : PATIENCE;
    const asked = exchange(QUERY, { transport: 'tcp', server, timeoutMs });
    await expect(asked).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('takes an answer whose question has another letter case, and one without a question', async () => {
    await using server = await tcpServer((socket) => {
      onMessages(socket, (query) => {
        const upper = Buffer.from(questionOf(query).toString('latin1').replace('a', 'A'), 'latin1');
        socket.write(framed(answer(query, { question: upper, text: 'x' })));
      });
    });
    await expect(exchange(QUERY, { transport: 'tcp', server })).resolves.toMatchObject({ transport: 'tcp' });
  });

  it.each([
    [
      'reset',
      (socket: { resetAndDestroy(): void }) => socket.resetAndDestroy(),
      ClientErrorCode.RESET,
      /connection reset/,
    ],
    [
      'closed',
      (socket: { end(): void }) => socket.end(),
      ClientErrorCode.CLOSED,
      /the server closed the connection, 5 of/,
    ],
  ] as const)('fails when the connection is %s within the answer', async (_what, end, code, message) => {
    await using server = await tcpServer((socket) => {
      onMessages(socket, async (query) => {
        socket.write(framed(answer(query, { text: 'hello' })).subarray(0, 7));
        await pause(30);
        end(socket);
      });
    });
    const asked = exchange(QUERY, { transport: 'tcp', server, ...PATIENT });
    await expect(asked).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('a session', () => {
  it('matches the answers to many queries at once, in any order', async () => {
    const waiting: Buffer[] = [];
    await using server = await tcpServer((socket) => {
      onMessages(socket, (query) => {
        waiting.push(query);
        if (waiting.length < 50) return;
        socket.write(Buffer.concat(waiting.reverse().map((q) => framed(answer(q, { text: `n${q[13]}` })))));
      });
    });
    const { session } = await openSession({ transport: 'tcp', server });
    const names = Array.from({ length: 50 }, (_, i) => String.fromCharCode(0x61 + (i % 26)) + i);
    const replies = await Promise.all(names.map((name) => session.ask({ name, type: 16 }, { timeoutMs: PATIENCE })));
    expect(replies.map(({ message }) => message.questions[0]?.name)).toEqual(names.map((name) => `${name}.`));
    expect(server.connections()).toBe(1);
    await session.close();
    expect(session.open).toBe(false);
    await expect(session.ask(QUERY, PATIENT)).rejects.toMatchObject({ code: ClientErrorCode.CLOSED });
  });

  it('tells every outstanding query when it breaks, and goes on after one that timed out', async () => {
    let count = 0;
    await using server = await tcpServer((socket) => {
      onMessages(socket, (query) => {
        count++;
        if (count === 2) socket.write(framed(answer(query)));
        if (count === 4) socket.destroy();
      });
    });
    const { session } = await openSession({ transport: 'tcp', server });
    await expect(session.ask(QUERY, { timeoutMs: 50 })).rejects.toMatchObject({ code: ClientErrorCode.TIMED_OUT });
    await expect(session.ask(QUERY, PATIENT)).resolves.toMatchObject({ sent: 24 });
    const both = await Promise.allSettled([session.ask(QUERY, PATIENT), session.ask(QUERY, PATIENT)]);
    for (const one of both) expect(one).toMatchObject({ status: 'rejected', reason: { code: ClientErrorCode.CLOSED } });
  });

  it('refuses a second query with the ID of an outstanding one', async () => {
    await using server = await tcpServer(() => {});
    const { session } = await openSession({ transport: 'tcp', server });
    const first = session.ask({ ...QUERY, id: 5 }, { timeoutMs: 50 });
    await expect(session.ask({ ...QUERY, id: 5 }, PATIENT)).rejects.toMatchObject({ code: ClientErrorCode.INPUT });
    await expect(first).rejects.toMatchObject({ code: ClientErrorCode.TIMED_OUT });
    session.destroy();
  });
});
