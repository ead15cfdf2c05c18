import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Transport } from '../../src/answer/facts.js';
import { HandshakeEnd, SessionPath } from '../../src/session/session-end.js';
import { TransportEvent } from '../../src/transport/transport.js';
import { framed, message } from '../support/responder.js';
import {
  all,
  ask,
  clientHello,
  first,
  ids,
  isAlert,
  oneAnEvent,
  only,
  relay,
  textLength,
  tlsWorld,
  upTo,
  VERSIONS,
} from './tls.js';

const { listen, listenUpgrading, dial, dialTcp, close } = tlsWorld();
afterEach(close);

/** Handshakes on the port for TLS that have failed. */
function failures({ counters }: Awaited<ReturnType<typeof listen>>['shared']): number {
  const { FULL, RESUMED, ...others } = HandshakeEnd;
  return Object.values(others).reduce<number>((sum, end) => sum + counters.handshakes(SessionPath.TLS, end), 0);
}

describe.each(VERSIONS)('TLS on its own port, %s', (version) => {
  it('answers inside TLS, with ALPN dot and without', async () => {
    const { port, shared } = await listen();
    const dot = await dial(port, { ...only(version), ALPNProtocols: ['dot'] });
    expect([dot.getProtocol(), dot.alpnProtocol, await ask(dot, 7)]).toEqual([version, 'dot', [7]]);
    const none = await dial(port, only(version));
    expect([none.alpnProtocol, await ask(none, 8)]).toEqual([false, [8]]);
    expect(shared.responder.seen.map((facts) => facts.transport)).toEqual([Transport.TLS, Transport.TLS]);
    expect(shared.counters.handshakes(SessionPath.TLS, HandshakeEnd.FULL)).toBe(2);
  });

  it('resumes, and counts that apart', async () => {
    const { port, shared } = await listen();
    const one = await dial(port, only(version));
    const ticket = version === 'TLSv1.2' ? undefined : once(one, 'session');
    await ask(one);
    const session = ticket === undefined ? one.getSession() : ((await ticket) as [Buffer])[0];
    const two = await dial(port, { ...only(version), session });
    expect([two.isSessionReused(), await ask(two)]).toEqual([true, [1]]);
    const ended = [HandshakeEnd.FULL, HandshakeEnd.RESUMED] as const;
    expect(ended.map((end) => shared.counters.handshakes(SessionPath.TLS, end))).toEqual([1, 1]);
  });

  it('closes an idle session with close_notify, and then the connection', async () => {
    const { port, shared } = await listen({ settings: { idleTime: 200, idleTimeMin: 200 } });
    await using between = await relay(port);
    const socket = await dial(between.port, only(version));
    await ask(socket);
    const before = between.records().length;
    expect(await all(socket)).toHaveLength(0);
    await expect.poll(() => between.ends).toBe(1);
    expect(between.records().slice(before)).toEqual([expect.toSatisfy((record) => isAlert(record, version))]);
    await expect.poll(() => shared.sessions.size).toBe(0);
  });

  it('delivers what was asked before it stops, then close_notify', async () => {
    const { port, listener, shared } = await listen();
    await using between = await relay(port);
    const socket = await dial(between.port, only(version));
    const answers = all(socket);
    socket.write(framed(...upTo(40).map((id) => message(id, 250, 100))));
    await expect.poll(() => shared.responder.seen.length).toBeGreaterThan(0);
    await listener.close();
    expect(ids(await answers)).toEqual(upTo(40));
    expect(isAlert(between.records().at(-1) ?? { type: 0, length: 0 }, version)).toBe(true);
    expect(shared.sessions.size).toBe(0);
  });

  it('answers a client that has closed its direction', async () => {
    const { port } = await listen();
    const socket = await dial(port, { ...only(version), allowHalfOpen: true });
    const answers = all(socket);
    socket.end(framed(message(1), message(2)));
    expect(ids(await answers)).toEqual([1, 2]);
  });

  it.each([1, 7, 100])('takes records in pieces of %i octets', async (piece) => {
    const { port } = await listen();
    await using between = await relay(port, piece);
    const socket = await dial(between.port, only(version));
    const stream = framed(message(1), message(2, 300), message(3));
    for (const end of [1, 2, 3, 23, 25, stream.length]) {
      socket.write(stream.subarray(socket.bytesWritten, end));
      await wait(1);
    }
    expect(ids(await first(socket, stream.length))).toEqual([1, 2, 3]);
  });

  it.each([
    ['at once', undefined],
    ['and withholds the FIN', 500],
  ])(
    'answers fifty queries of one record so that one who reads a message an event gets all, %s',
    async (_, withholdFin) => {
      const { port } = await listen({ withholdFin });
      const socket = await dial(port, only(version));
      await ask(socket);
      const answers = oneAnEvent(socket, 50);
      socket.write(framed(...upTo(50).map((id) => message(id))));
      expect(await answers).toEqual(upTo(50));
    },
  );

  it('gives an answer the fewest records that it fits in, and none of them to two answers', async () => {
    const { port } = await listen();
    await using between = await relay(port);
    const socket = await dial(between.port, only(version));
    await ask(socket);
    const before = between.records().length;
    // With its length field the second fills a record; the third has one octet more, the fourth as many as a message can have.
    const sizes = [20, 16_382, 16_383, 65_535, 20, 20];
    socket.write(framed(...sizes.map((size, id) => message(id, size))));
    await first(
      socket,
      sizes.reduce((sum, size) => sum + 2 + size, 0),
    );
    const full = 16_384;
    const texts = between
      .records()
      .slice(before)
      .map((record) => textLength(record, version));
    expect(texts).toEqual([22, full, full, 1, full, full, full, full, 1, 22, 22]);
  });

  it.each([
    ['a record that nobody has sealed', Buffer.from('1703030014'.padEnd(50, 'a'), 'hex')],
    ['an alert in the clear', Buffer.from('15030300020228', 'hex')],
    ['a record that is too long', Buffer.from('170303ffff'.padEnd(50, 'a'), 'hex')],
    ['DNS in the clear', framed(message(1))],
  ])('closes at once behind the alert when it gets %s (RFC 8446 §6.2)', async (_, octets) => {
    const { port, shared, count } = await listen();
    await using between = await relay(port);
    const raw = await dialTcp(between.port);
    const socket = await dial(between.port, { ...only(version), socket: raw });
    await ask(socket);
    const before = between.records().length;
    raw.write(octets);
    await expect.poll(() => between.ends).toBe(1);
    const told = between.records().slice(before);
    // An alert is not answered by one.
    if (octets[0] !== 21) expect(told.at(-1)).toSatisfy((record) => isAlert(record, version));
    await expect.poll(() => shared.sessions.size).toBe(0);
    expect(count(TransportEvent.TCP_ERROR)).toBe(1);
    expect(failures(shared)).toBe(0);
  });

  it('survives resets at every step, and forgets those sessions', async () => {
    const { port, shared } = await listen();
    const hello = await clientHello(only(version));
    for (let length = 0; length <= hello.length; length += 16) {
      const socket = await dialTcp(port);
      socket.write(hello.subarray(0, length));
      if (length % 3 === 0) await wait(1);
      socket.resetAndDestroy();
    }
    for (let step = 0; step < 12; step++) {
      const raw = await dialTcp(port);
      const socket = await dial(port, { ...only(version), socket: raw });
      if (step > 2) socket.write(framed(message(step, 250, 255), message(step)).subarray(0, step * 40));
      if (step > 6) await wait(1);
      if (step > 8) await once(socket, 'data');
      raw.resetAndDestroy();
    }
    expect(await ask(await dial(port, only(version)))).toEqual([1]);
    await expect.poll(() => shared.sessions.size).toBe(1);
    expect(shared.counters.open(SessionPath.TLS)).toBe(1);
  });

  it('answers no more than one who does not read has room for, and the rest once it reads', async () => {
    const { port, shared } = await listen();
    const slow = await dial(port, only(version));
    slow.pause();
    const queries = 300;
    slow.write(framed(...upTo(queries).map((id) => message(id, 250, 255))));
    let answered = -1;
    while (answered !== shared.responder.seen.length) {
      answered = shared.responder.seen.length;
      await wait(200);
    }
    expect(answered).toBeLessThan(queries);
    expect(await ask(await dial(port, only(version)))).toEqual([1]);
    const answers = first(slow, queries * (2 + 250 * 255));
    slow.resume();
    expect(ids(await answers)).toEqual(upTo(queries));
  });

  it('cuts off one who never reads when its time is up', async () => {
    const { port, shared } = await listen({ settings: { idleTime: 300, idleTimeMin: 300 } });
    const slow = await dial(port, only(version));
    slow.pause();
    slow.write(framed(...upTo(300).map((id) => message(id, 250, 255))));
    await expect.poll(() => shared.responder.seen.length).toBeGreaterThan(0);
    await expect.poll(() => shared.sessions.size).toBe(0);
  });
});

describe('a port for TLS', () => {
  it('gives no DNS answer to what is sent in the clear', async () => {
    const { port, shared } = await listen();
    for (const octets of [framed(message(1)), framed(message(0x1603, 300)), Buffer.from('GET / HTTP/1.0\r\n\r\n')]) {
      const socket = await dialTcp(port);
      socket.write(octets);
      const came = await all(socket);
      // An alert (RFC 8446 §6), or nothing.
      expect([undefined, 21]).toContain(came[0]);
      expect(came.length).toBeLessThanOrEqual(7);
    }
    expect(shared.responder.seen).toEqual([]);
    expect(failures(shared)).toBe(3);
  });

  it('cuts off handshakes that take too long, at whatever octet they stall', async () => {
    const { port, shared } = await listen({ settings: { handshakeTime: 250 } });
    const hello = await clientHello();
    const began = performance.now();
    const closed = [0, 1, 5, 6, 100, hello.length - 1, hello.length].map(async (length) => {
      const socket = await dialTcp(port);
      socket.write(hello.subarray(0, length));
      await all(socket);
    });
    await Promise.all(closed);
    expect(performance.now() - began).toBeGreaterThan(240);
    await expect.poll(() => shared.sessions.size).toBe(0);
  });

  it('takes a ClientHello octet by octet', async () => {
    const { port } = await listen();
    await using between = await relay(port, 1);
    expect(await ask(await dial(between.port))).toEqual([1]);
  });

  it('does not renegotiate', async () => {
    const { port, shared } = await listen();
    const socket = await dial(port, only('TLSv1.2'));
    expect(await ask(socket)).toEqual([1]);
    const outcome = await new Promise<Error | null>((resolve) => {
      socket.once('error', resolve);
      if (!socket.renegotiate({ rejectUnauthorized: false }, resolve)) resolve(new Error('refused at once'));
    });
    expect(outcome).toBeInstanceOf(Error);
    expect(await ask(await dial(port))).toEqual([1]);
    expect(shared.responder.seen).toHaveLength(2);
  });
});

describe.each(VERSIONS)('STARTTLS on a TCP listener, %s', (version) => {
  it('goes from the first answer into TLS, and answers there', async () => {
    const { port, shared } = await listenUpgrading();
    const raw = await dialTcp(port);
    expect(await ask(raw, 1)).toEqual([1]);
    const socket = await dial(port, { ...only(version), socket: raw });
    expect(await ask(socket, 2)).toEqual([2]);
    const answers = oneAnEvent(socket, 50);
    socket.write(framed(...upTo(50).map((id) => message(id))));
    expect(await answers).toEqual(upTo(50));
    const transports = shared.responder.seen.map((facts) => facts.transport);
    expect([transports[0], ...new Set(transports.slice(1))]).toEqual([Transport.TCP, Transport.STARTTLS]);
    socket.end();
    await expect.poll(() => shared.sessions.size).toBe(0);
  });

  it('resumes what was begun on the port for TLS', async () => {
    const { port: secure } = await listen();
    const { port, shared } = await listenUpgrading();
    const one = await dial(secure, only(version));
    const ticket = version === 'TLSv1.2' ? undefined : once(one, 'session');
    await ask(one);
    const session = ticket === undefined ? one.getSession() : ((await ticket) as [Buffer])[0];
    const raw = await dialTcp(port);
    await ask(raw);
    const two = await dial(port, { ...only(version), socket: raw, session });
    expect([two.isSessionReused(), await ask(two)]).toEqual([true, [1]]);
    expect(shared.counters.handshakes(SessionPath.STARTTLS, HandshakeEnd.RESUMED)).toBe(1);
  });

  it('survives resets at every step of the upgrade', async () => {
    const { port, shared } = await listenUpgrading();
    const hello = await clientHello(only(version));
    const opening = Buffer.concat([framed(message(1)), hello]);
    for (let length = 0; length <= opening.length; length += 11) {
      const raw = await dialTcp(port);
      raw.write(opening.subarray(0, Math.min(length, 22)));
      if (length > 22) {
        await first(raw, 22);
        raw.write(opening.subarray(22, length));
      }
      if (length % 2 === 0) await wait(1);
      raw.resetAndDestroy();
    }
    await expect.poll(() => shared.sessions.size).toBe(0);
    const raw = await dialTcp(port);
    await ask(raw);
    expect(await ask(await dial(port, { ...only(version), socket: raw }))).toEqual([1]);
  });
});
