import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Transport } from '../../src/answer/facts.js';
import type { Listener } from '../../src/transport/transport.js';
import { listenUdp } from '../../src/transport/udp-dgram.js';
import { emptyCatalog } from '../support/catalog.js';
import { message } from '../support/responder.js';
import { context } from './support.js';

/** Can the C library be called? */
let callable = true;
vi.mock('../../src/transport/sockets.js', async (load) => {
  const real = await load<typeof import('../../src/transport/sockets.js')>();
  return { ...real, deafenSocket: (fd: number) => callable && real.deafenSocket(fd) };
});

const open: Listener[] = [];
afterEach(async () => {
  callable = true;
  for (const listener of open.splice(0)) await listener.close();
});

async function listen(address: string, port = 0, shared = context()) {
  const listener = await listenUdp({ address, port }, emptyCatalog(), shared);
  open.push(listener);
  return { listener, shared, port: listener.endpoint.port };
}

describe('UDP', () => {
  it.each(['127.0.0.1', '::1'])('answers on %s and tells the responder who asked', async (address) => {
    const { port, shared } = await listen(address);
    const socket = createSocket(address === '::1' ? 'udp6' : 'udp4');
    socket.send(message(7), port, address);
    const [answer] = (await once(socket, 'message')) as [Buffer];
    const clientPort = socket.address().port;
    socket.close();
    expect(answer.readUInt16BE(0)).toBe(7);
    expect(answer[2]).toBe(0x80);
    const facts = shared.responder.seen[0];
    expect(facts).toMatchObject({ transport: Transport.UDP, payloadLimit: 1232, clientPort });
    expect([...(facts?.client ?? [])]).toEqual(address === '::1' ? [...new Array(15).fill(0), 1] : [127, 0, 0, 1]);
    expect(Math.abs((facts?.now ?? 0) - Date.now() / 1000)).toBeLessThan(5);
  });

  it('gives every one of many clients its own answer', async () => {
    const { port } = await listen('127.0.0.1');
    const clients = Array.from({ length: 20 }, () => createSocket('udp4'));
    const answered = clients.map(async (socket, id) => {
      const got: number[] = [];
      for (let i = 0; i < 10; i++) {
        socket.send(message(id * 100 + i), port, '127.0.0.1');
        const [answer] = (await once(socket, 'message')) as [Buffer];
        got.push(answer.readUInt16BE(0));
      }
      return got;
    });
    const all = await Promise.all(answered);
    for (const socket of clients) socket.close();
    expect(all).toEqual(clients.map((_, id) => Array.from({ length: 10 }, (_, i) => id * 100 + i)));
  });

  describe.each(['with', 'without'])('closed, %s the C library', (how) => {
    it('answers what is queued', async () => {
      const { listener, shared, port } = await listen('127.0.0.1');
      callable = how === 'with';
      const socket = createSocket('udp4');
      const answers: number[] = [];
      socket.on('message', (answer) => answers.push(answer.readUInt16BE(0)));
      socket.send(message(0), port, '127.0.0.1');
      await expect.poll(() => answers).toEqual([0]);
      const ids = Array.from({ length: 200 }, (_, i) => i + 1);
      for (const id of ids) socket.send(message(id), port, '127.0.0.1');
      await new Promise((resolve) => socket.send(message(999), port, '127.0.0.1', resolve));
      await listener.close();
      expect(shared.responder.seen).toHaveLength(ids.length + 2);
      await expect.poll(() => answers).toEqual([0, ...ids, 999]);
      socket.close();
    });

    it('refuses at once what comes then, rather than to lose it', async () => {
      const { listener, shared, port } = await listen('127.0.0.1');
      callable = how === 'with';
      const socket = createSocket('udp4');
      socket.connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.send(message(1));
      await once(socket, 'message');
      const refused = once(socket, 'error');
      const closed = listener.close();
      socket.send(message(2));
      expect(await refused).toMatchObject([{ code: 'ECONNREFUSED' }]);
      await closed;
      expect(shared.responder.seen).toHaveLength(1);
      socket.close();
    });
  });

  it('says nothing to what the responder drops, and goes on', async () => {
    const { port } = await listen('127.0.0.1');
    const socket = createSocket('udp4');
    socket.send(message(1, 5), port, '127.0.0.1');
    socket.send(Buffer.alloc(0), port, '127.0.0.1');
    socket.send(message(2), port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    socket.close();
    expect(answer.readUInt16BE(0)).toBe(2);
  });

  it('goes on after a client that is gone', async () => {
    const { port } = await listen('127.0.0.1');
    for (let i = 0; i < 5; i++) {
      const gone = createSocket('udp4');
      await new Promise<void>((resolve) => gone.send(message(i), port, '127.0.0.1', () => gone.close(() => resolve())));
    }
    const socket = createSocket('udp4');
    socket.send(message(6), port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    socket.close();
    expect(answer.readUInt16BE(0)).toBe(6);
  });

  it('says in one line that a port is taken, and what to do', async () => {
    const { port } = await listen('127.0.0.1');
    await expect(listen('127.0.0.1', port)).rejects.toMatchObject({
      code: 'ADOTD_LISTEN',
      message: expect.stringMatching(
        new RegExp(`^cannot listen on UDP 127.0.0.1:${port}: another program uses .*--port`),
      ),
    });
  });

  it('says in one line that an address is not ours', async () => {
    await expect(listen('192.0.2.1')).rejects.toMatchObject({
      code: 'ADOTD_LISTEN',
      message: expect.stringMatching(/^cannot listen on UDP 192\.0\.2\.1:0: no network interface has .*--listen/),
    });
  });

  it('closes while nothing is pending, twice if asked to', async () => {
    const { listener } = await listen('127.0.0.1');
    await listener.close();
    await listener.close();
  });
});
