import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as immediately, setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { Transport } from '../../src/answer/facts.js';
import { createResponder } from '../../src/answer/respond.js';
import type { Catalog } from '../../src/image/catalog.js';
import { type Libc, libc } from '../../src/transport/libc.js';
import { createRest } from '../../src/transport/rest.js';
import { closeSocket, openUdpSocket } from '../../src/transport/sockets.js';
import {
  GENERATION,
  HEARTBEAT,
  MESSAGES,
  RESTING,
  Resting,
  threadWords,
  UNWATCHED,
} from '../../src/transport/thread-words.js';
import { TransportEvent, type UdpContext } from '../../src/transport/transport.js';
import { listenUdp } from '../../src/transport/udp-dgram.js';
import { type MmsgLoop, serveMmsg, type UdpSocket } from '../../src/transport/udp-mmsg.js';
import { emptyCatalog } from '../support/catalog.js';
import { buildQuery } from '../support/message.js';
import { message } from '../support/responder.js';
import { context } from './support.js';

const loaded = libc();
const system = loaded as Libc;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const OPTIONS = { reusePort: false, receiveBuffer: 4 << 20, sendBuffer: 4 << 20 } as const;

function bind(address: string): UdpSocket {
  const socket = openUdpSocket({ address, port: 0 }, OPTIONS);
  closing.push(() => closeSocket(socket.fd));
  return socket;
}

function serve(sockets: readonly UdpSocket[], shared: UdpContext = context(), words = threadWords()): MmsgLoop {
  const loop = serveMmsg(sockets, emptyCatalog(), shared, words);
  closing.push(() => loop.stop());
  return loop;
}

function client(type: 'udp4' | 'udp6' = 'udp4'): Socket {
  const socket = createSocket(type);
  closing.push(() => socket.close());
  return socket;
}

const send = (from: Socket, octets: Uint8Array, port: number, host = '127.0.0.1'): Promise<void> =>
  new Promise((resolve, reject) => from.send(octets, port, host, (error) => (error ? reject(error) : resolve())));

async function ask(from: Socket, octets: Uint8Array, port: number, host?: string): Promise<[Buffer, RemoteInfo]> {
  const answer = once(from, 'message');
  await send(from, octets, port, host);
  return (await answer) as [Buffer, RemoteInfo];
}

const idOf = (answer: Buffer): number => answer.readUInt16BE(0);

describe('UDP by recvmmsg', () => {
  it.each(['127.0.0.1', '::1'])('answers on %s and tells the responder who asked', async (address) => {
    const socket = bind(address);
    const shared = context();
    serve([socket], shared);
    const from = client(address === '::1' ? 'udp6' : 'udp4');
    const [answer] = await ask(from, message(7), socket.endpoint.port, address);
    expect(idOf(answer)).toBe(7);
    expect(answer[2]).toBe(0x80);
    const facts = shared.responder.seen[0];
    expect(facts).toMatchObject({
      transport: Transport.UDP,
      payloadLimit: 1232,
      clientPort: from.address().port,
    });
    expect([...(facts?.client ?? [])]).toEqual(address === '::1' ? [...new Array(15).fill(0), 1] : [127, 0, 0, 1]);
    expect(Math.abs((facts?.now ?? 0) - Date.now() / 1000)).toBeLessThan(5);
  });

  it('serves several sockets of both families, and answers from the address that was asked', async () => {
    const sockets = ['127.0.0.1', '::1', '0.0.0.0', '::'].map(bind);
    const shared = context();
    serve(sockets, shared);
    const asked = ['127.0.0.1', '::1', '127.0.0.9', '::1'];
    for (let round = 0; round < 3; round++) {
      for (const [index, { endpoint }] of sockets.entries()) {
        const host = asked[index] ?? '';
        const from = client(host.includes(':') ? 'udp6' : 'udp4');
        const [answer, source] = await ask(from, message(round * 10 + index), endpoint.port, host);
        expect([idOf(answer), source.address, source.port]).toEqual([round * 10 + index, host, endpoint.port]);
      }
    }
    expect(shared.responder.seen.map(({ client: { length } }) => length).slice(0, 4)).toEqual([4, 16, 4, 16]);
  });

  it('gives every one of many clients its own answers', async () => {
    const socket = bind('127.0.0.1');
    serve([socket]);
    const clients = Array.from({ length: 100 }, () => client());
    const answered = clients.map(async (from, number) => {
      const got: number[] = [];
      for (let i = 0; i < 20; i++)
        got.push(idOf((await ask(from, message(number * 100 + i), socket.endpoint.port))[0]));
      return got;
    });
    expect(await Promise.all(answered)).toEqual(
      clients.map((_, number) => Array.from({ length: 20 }, (_, i) => number * 100 + i)),
    );
  });

  it('gives the same responses as node:dgram, to requests of 0 to 65,507 octets', async () => {
    const real = () => ({ ...context(), responder: createResponder(DEFAULT_SETTINGS) });
    const socket = bind('127.0.0.1');
    const asked: number[] = [];
    serve([socket], { ...real(), count: (_facts, _outcome, length) => void asked.push(length) });
    const listener = await listenUdp({ address: '127.0.0.1', port: 0 }, emptyCatalog(), real());
    closing.push(() => listener.close());
    const query = buildQuery({ name: 'a.test.', type: 'A', edns: {} });
    // One option that goes to the end of the message.
    const long = (length: number): Buffer => {
      const octets = Buffer.concat([query, Buffer.alloc(length - query.length)]);
      octets.writeUInt16BE(length - query.length, query.length - 2);
      octets.writeUInt16BE(65_001, query.length);
      octets.writeUInt16BE(length - query.length - 4, query.length + 2);
      return octets;
    };
    const requests = [
      query,
      ...[600, 1232, 4096, 4097, 9000, 65_506, 65_507].flatMap((length) => [
        long(length),
        long(length).subarray(0, length - 1),
        Buffer.concat([query, Buffer.alloc(length - query.length)]),
      ]),
      ...[0, 1, 11].map((length) => query.subarray(0, length)),
      query.subarray(0, 12),
      query.subarray(0, 20),
    ];
    for (const request of requests) {
      const [mine, other] = await Promise.all(
        [socket.endpoint.port, listener.endpoint.port].map(async (port) => {
          const from = client();
          const answers: Buffer[] = [];
          from.on('message', (octets) => answers.push(octets));
          await send(from, request, port);
          await send(from, query, port);
          while (answers.length < (request.length < 12 ? 1 : 2)) await once(from, 'message');
          return answers.map((octets) => octets.toString('hex'));
        }),
      );
      expect(mine, `${request.length} octets`).toEqual(other);
    }
    const others = (length: number): boolean => length !== query.length;
    expect(asked.filter(others)).toEqual(requests.map(({ length }) => length).filter(others));
  });

  it('says nothing to what the responder drops, counts it, and goes on', async () => {
    const socket = bind('127.0.0.1');
    const counted: [number, number][] = [];
    const shared = context({ count: (_facts, _outcome, asked, answered) => void counted.push([asked, answered]) });
    const from = client();
    await send(from, message(1, 5), socket.endpoint.port);
    await send(from, Buffer.alloc(0), socket.endpoint.port);
    await send(from, message(2), socket.endpoint.port);
    const answer = once(from, 'message');
    serve([socket], shared);
    expect(idOf(((await answer) as [Buffer])[0])).toBe(2);
    expect(counted).toEqual([
      [5, 0],
      [0, 0],
      [20, 20],
    ]);
    expect(shared.events).toEqual([TransportEvent.UDP_BATCH]);
  });

  it('counts what cannot be sent, and answers the others', async () => {
    // Responses of more than a datagram can hold.
    const socket = bind('127.0.0.1');
    const shared = context({ udpPayload: 65_535 });
    const from = client();
    const got: number[] = [];
    from.on('message', (octets) => got.push(idOf(octets)));
    await send(from, message(1), socket.endpoint.port);
    await send(from, message(2, 32_767, 2), socket.endpoint.port);
    await send(from, message(3), socket.endpoint.port);
    serve([socket], shared);
    while (got.length < 2) await once(from, 'message');
    expect(got).toEqual([1, 3]);
    expect(shared.events.filter((event) => event === TransportEvent.UDP_ERROR)).toHaveLength(1);
  });

  it('receives up to 64 datagrams at once, and goes on until none is left', async () => {
    const socket = bind('127.0.0.1');
    const shared = context();
    const from = client();
    for (let i = 0; i < 200; i++) await send(from, message(i), socket.endpoint.port);
    const got: number[] = [];
    from.on('message', (octets) => got.push(idOf(octets)));
    await wait(10);
    serve([socket], shared);
    while (got.length < 200) await once(from, 'message');
    expect(got).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(shared.events).toEqual(new Array(4).fill(TransportEvent.UDP_BATCH));
  });

  it('lets a socket that is flooded not keep the others waiting', async () => {
    const [flooded, other] = [bind('127.0.0.1'), bind('127.0.0.1')];
    const shared = context();
    const from = client();
    for (let i = 0; i < 1000; i++) await send(from, message(1), flooded.endpoint.port);
    await send(from, message(2), other.endpoint.port);
    await wait(10);
    const ids: number[] = [];
    const responder = shared.responder;
    const respond: typeof responder.respond = (octets, at, ...rest) => {
      ids.push(((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0));
      return responder.respond(octets, at, ...rest);
    };
    serve([flooded, other], { ...shared, responder: { ...responder, respond } });
    while (ids.length < 1001) await wait(5);
    expect(ids.indexOf(2)).toBe(64);
  });

  it('never sends to port 0', async () => {
    const SOCK_RAW = 3;
    const raw = system.socket(2, SOCK_RAW, 17);
    // Raw sockets are root's.
    if (raw < 0) return;
    closing.push(() => closeSocket(raw));
    const socket = bind('127.0.0.1');
    const counted: number[] = [];
    const shared = context({
      count: (facts, _outcome, _asked, answered) => void counted.push(facts.clientPort, answered),
    });
    serve([socket], shared);
    const datagram = Buffer.concat([Buffer.alloc(8), message(1)]);
    datagram.writeUInt16BE(socket.endpoint.port, 2);
    datagram.writeUInt16BE(datagram.length, 4);
    const to = Buffer.from([2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(system.sendto(raw, datagram, datagram.length, 0, to, to.length)).toBe(datagram.length);
    await ask(client(), message(2), socket.endpoint.port);
    expect(counted.slice(0, 2)).toEqual([0, 20]);
    expect(counted.length).toBe(4);
    expect(shared.events).not.toContain(TransportEvent.UDP_ERROR);
  });

  it('goes on after a client that is gone', async () => {
    const socket = bind('127.0.0.1');
    serve([socket]);
    for (let i = 0; i < 5; i++) {
      const gone = createSocket('udp4');
      await send(gone, message(i), socket.endpoint.port);
      gone.close();
    }
    expect(idOf((await ask(client(), message(9), socket.endpoint.port))[0])).toBe(9);
  });

  it('answers from the catalog that was published, and says so', async () => {
    const socket = bind('127.0.0.1');
    const shared = context();
    const words = threadWords();
    const loop = serve([socket], shared, words);
    const catalog: Catalog = { ...emptyCatalog(), generation: 42 };
    expect(words[GENERATION]).toBe(1);
    await ask(client(), message(1), socket.endpoint.port);
    loop.publish(catalog);
    expect(words[GENERATION]).toBe(42);
    await ask(client(), message(2), socket.endpoint.port);
    expect(shared.responder.seen.map((facts) => facts.catalog.generation)).toEqual([1, 42]);
  });

  it('takes nothing more once stopped', async () => {
    const socket = bind('127.0.0.1');
    const shared = context();
    const loop = serve([socket], shared);
    const from = client();
    await ask(from, message(1), socket.endpoint.port);
    await loop.stop();
    await send(from, message(2), socket.endpoint.port);
    // A loop that runs would have a turn, and wait in it for the socket.
    for (let turn = 0; turn < 3; turn++) await immediately();
    expect(shared.responder.seen).toHaveLength(1);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', 'udp4'],
    ['0.0.0.0', '127.0.0.1', 'udp4'],
    ['::1', '::1', 'udp6'],
    ['::', '::1', 'udp6'],
  ] as const)(
    'answers what is queued on %s when it is stopped; what comes then is refused',
    async (address, to, type) => {
      const socket = bind(address);
      const { port } = socket.endpoint;
      const from = client(type);
      from.connect(port, to);
      await once(from, 'connect');
      const answers: number[] = [];
      from.on('message', (answer: Buffer) => answers.push(answer.readUInt16BE(0)));
      const ids = Array.from({ length: 200 }, (_, i) => i);
      const ask = (id: number) => new Promise<void>((resolve) => from.send(message(id), () => resolve()));
      for (const id of ids) await ask(id);
      const shared = context();
      const loop = serve([socket], shared);
      await loop.stop();
      expect(shared.responder.seen).toHaveLength(ids.length);
      const refused = once(from, 'error');
      await ask(999);
      expect(await refused).toEqual([expect.objectContaining({ code: 'ECONNREFUSED' })]);
      await expect.poll(() => answers).toEqual(ids);
      expect(shared.events).not.toContain(TransportEvent.UDP_ERROR);
    },
  );

  it('leaves a socket that others have too as it is', async () => {
    const socket = bind('127.0.0.1');
    const from = client();
    const { port } = socket.endpoint;
    await send(from, message(1), port);
    const shared = context();
    const answered = once(from, 'message');
    await serve([{ ...socket, shared: true }], shared).stop();
    await answered;
    expect(shared.responder.seen).toHaveLength(1);
    // It can be served again, as if nothing had been.
    serve([socket], shared);
    expect((await ask(from, message(2), port))[0].readUInt16BE(0)).toBe(2);
  });

  it('beats when there is nothing to do', async () => {
    const words = threadWords();
    serve([bind('127.0.0.1')], context(), words);
    for (let i = 0; i < 5; i++) {
      const before = words[HEARTBEAT];
      await expect.poll(() => words[HEARTBEAT], { interval: 10 }).not.toBe(before);
    }
  });

  it('lets timers fire when nothing has come for long', async () => {
    serve([bind('127.0.0.1')]);
    // Each is longer than the wait that no timer shortens.
    for (let i = 0; i < 3; i++) await wait(80);
  });

  it('says that it is awake when something comes and nobody looks', async () => {
    const socket = bind('127.0.0.1');
    const words = threadWords();
    let awake = 0;
    const loop = serveMmsg(
      [socket],
      emptyCatalog(),
      context(),
      words,
      createRest(words, () => void awake++),
    );
    closing.push(() => void loop.stop());
    await ask(client(), message(1), socket.endpoint.port);
    expect(awake).toBe(0);
    Atomics.store(words, UNWATCHED, 1);
    for (let id = 2; id < 5; id++) await ask(client(), message(id), socket.endpoint.port);
    expect([awake, words[UNWATCHED]]).toEqual([1, 0]);
  });

  it('lets the event loop have its turns while queries keep coming', async () => {
    const socket = bind('127.0.0.1');
    const words = threadWords();
    const shared = context();
    serve([socket], shared, words);
    const from = client();
    // As much as comes back goes out again: there is always a query.
    let ended = false;
    from.on('message', (octets) => {
      if (!ended) from.send(message(idOf(octets)), socket.endpoint.port, '127.0.0.1');
    });
    for (let i = 0; i < 100; i++) await send(from, message(i), socket.endpoint.port);
    let ticks = 0;
    for (let i = 0; i < 5; i++, ticks++) {
      Atomics.add(words, MESSAGES, 1);
      await wait(10);
    }
    ended = true;
    expect(ticks).toBe(5);
    expect(shared.responder.seen.length).toBeGreaterThan(100);
  });

  describe('while queries come often', () => {
    /** A server that has been asked 600 times in a second; `calls`: what it receives by from then on, and its RESTING then. */
    async function oftenAsked(sockets: readonly UdpSocket[]) {
      const shared = context();
      let now = 1000;
      const words = threadWords();
      const loop = serve(sockets, { ...shared, clock: { ...shared.clock, seconds: () => now } }, words);
      const from = client();
      const { port } = sockets[0]!.endpoint;
      for (let id = 0; id < 600; id++) await ask(from, message(id), port);
      now++;
      await ask(from, message(600), port);
      const calls: [string, number | undefined][] = [];
      const { recvfrom, recvmmsg } = system;
      system.recvfrom = (...args) => {
        calls.push(['recvfrom', words[RESTING]]);
        return recvfrom(...args);
      };
      system.recvmmsg = (...args) => {
        calls.push(['recvmmsg', words[RESTING]]);
        return recvmmsg(...args);
      };
      closing.push(() => void Object.assign(system, { recvfrom, recvmmsg }));
      return { calls, words, shared, loop, from, port };
    }

    it.each([
      ['127.0.0.1', 'recvfrom'],
      ['0.0.0.0', 'recvmmsg'],
    ])('waits by receiving on %s, and answers all the same', async (address, name) => {
      const { calls, words, from, port } = await oftenAsked([bind(address)]);
      expect(idOf((await ask(from, message(700), port))[0])).toBe(700);
      expect(calls).toContainEqual([name, Resting.BRIEFLY]);
      expect(words[RESTING]).toBe(Resting.NO);
    });

    it('obeys orders, lets timers fire, and can be stopped', async () => {
      const { loop, shared, from, port } = await oftenAsked([bind('127.0.0.1')]);
      for (let i = 0; i < 3; i++) await wait(30);
      loop.publish({ ...emptyCatalog(), generation: 42 });
      await ask(from, message(701), port);
      expect(shared.responder.seen.at(-1)?.catalog.generation).toBe(42);
      await loop.stop();
      await send(from, message(702), port);
      for (let turn = 0; turn < 3; turn++) await immediately();
      expect(shared.responder.seen).toHaveLength(602);
    });

    it.each([
      ['a socket that others have too', () => [{ ...bind('127.0.0.1'), shared: true }]],
      ['several sockets', () => [bind('127.0.0.1'), bind('127.0.0.1')]],
    ])('waits in poll for %s', async (_, sockets) => {
      const { calls, from, port } = await oftenAsked(sockets());
      expect(idOf((await ask(from, message(700), port))[0])).toBe(700);
      expect(calls.length).toBeGreaterThan(0);
      expect(calls.filter(([name, resting]) => name === 'recvfrom' || resting === Resting.BRIEFLY)).toEqual([]);
    });
  });

  it('ends with an error when its socket is taken away, and does not go on in silence', async () => {
    const { fd, endpoint } = openUdpSocket({ address: '127.0.0.1', port: 0 }, OPTIONS);
    const failed = new Promise<Error>((resolve) => {
      const others = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const listener of others) process.on('uncaughtException', listener);
        resolve(error);
      });
    });
    serve([{ fd, endpoint }]);
    await wait(20);
    closeSocket(fd);
    expect((await failed).message).toBe('a UDP socket cannot be received from: EBADF');
  });
});
