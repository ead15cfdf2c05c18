import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Transport } from '../../src/answer/facts.js';
import { ConnectionLimits } from '../../src/session/limits.js';
import { SessionPath } from '../../src/session/session-end.js';
import { type Listener, TransportEvent } from '../../src/transport/transport.js';
import { framed, message, unframed } from '../support/responder.js';
import { STREAM_PATHS } from './stream-paths.js';
import { context } from './support.js';

const open: Listener[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const listener of open.splice(0)) await listener.close();
});

async function dial(port: number, host = '127.0.0.1', allowHalfOpen = true): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen });
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Everything the server sends until it closes. */
async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe.each(STREAM_PATHS)('TCP by $path', ({ listenTcp }) => {
  async function listen(address: string, port = 0, shared = context()) {
    const listener = await listenTcp({ address, port }, shared);
    open.push(listener);
    return { listener, shared, port: listener.endpoint.port };
  }

  it.each(['127.0.0.1', '::1'])('answers on %s, then closes with the client', async (address) => {
    const { port, shared } = await listen(address);
    const socket = await dial(port, address);
    const clientPort = socket.localPort;
    socket.end(framed(message(1), message(2)));
    expect(unframed(await all(socket)).map((m) => m.readUInt16BE(0))).toEqual([1, 2]);
    expect(shared.responder.seen[0]).toMatchObject({ transport: Transport.TCP, keepalive: 50, clientPort });
    expect(shared.responder.seen[0]?.client.length).toBe(address === '::1' ? 16 : 4);
  });

  it('serves who has connected when it stops, and asks them to close; then nobody can connect', async () => {
    const { port, listener, shared } = await listen('127.0.0.1');
    const socket = await dial(port);
    const closing = listener.close();
    const answers = all(socket);
    socket.write(framed(message(1)));
    await expect.poll(() => shared.responder.seen.length).toBe(1);
    expect(shared.responder.seen[0]?.keepalive).toBe(0);
    expect(unframed(await answers)).toHaveLength(1);
    socket.end();
    await closing;
    await expect(dial(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('answers messages that come in any pieces', async () => {
    const { port } = await listen('127.0.0.1');
    const socket = await dial(port);
    socket.setNoDelay(true);
    const stream = framed(message(1), message(2, 300), message(3));
    for (let at = 0; at < stream.length; at += 37) {
      socket.write(stream.subarray(at, at + 37));
      await wait(1);
    }
    socket.end();
    expect(unframed(await all(socket)).map((m) => m.readUInt16BE(0))).toEqual([1, 2, 3]);
  });

  it('sends all answers to one read in one segment', async () => {
    const { port } = await listen('127.0.0.1');
    const socket = await dial(port);
    socket.write(framed(...Array.from({ length: 50 }, (_, i) => message(i))));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(unframed(chunk).length).toBe(50);
  });

  it('delivers the answers before closing at a message that is no query', async () => {
    const { port } = await listen('127.0.0.1');
    const socket = await dial(port);
    socket.write(framed(message(1), message(2, 5), message(3)));
    socket.write(Buffer.alloc(100_000));
    expect(unframed(await all(socket)).map((m) => m.readUInt16BE(0))).toEqual([1]);
  });

  it('closes an idle connection with FIN', async () => {
    const settings = { idleTime: 100, idleTimeMin: 100, messageTime: 50 };
    const { port } = await listen('127.0.0.1', 0, context({ settings }));
    const began = performance.now();
    const socket = await dial(port, '127.0.0.1', false);
    expect((await all(socket)).length).toBe(0);
    expect(performance.now() - began).toBeGreaterThan(90);
  });

  it('refuses connections above the limit of one client, and takes new ones after a close', async () => {
    const limits = new ConnectionLimits({ connections: 100, connectionsPerClient: 2 });
    const { port, shared } = await listen('127.0.0.1', 0, context({ limits }));
    const first = await dial(port);
    const second = await dial(port);
    const third = await dial(port);
    expect((await all(third)).length).toBe(0);
    expect(shared.events).toContain(TransportEvent.TCP_REFUSED);
    second.write(framed(message(5)));
    await once(second, 'data');
    first.destroy();
    while (limits.open > 1) await wait(5);
    const fourth = await dial(port);
    fourth.end(framed(message(6)));
    expect(unframed(await all(fourth)).length).toBe(1);
  });

  it('tells when the last descriptors are being used, which accept() itself does not', async () => {
    let told = 0;
    const few = { descriptors: 12, outOfDescriptors: () => void told++ };
    const { port } = await listen('127.0.0.1', 0, context(few));
    const socket = await dial(port);
    socket.end(framed(message(1)));
    expect(unframed(await all(socket)).length).toBe(1);
    expect(told).toBe(1);
  });

  it('serves others while one does not read, and gives that one everything once it does', async () => {
    const { port } = await listen('127.0.0.1');
    const slow = await dial(port);
    slow.pause();
    const burst = framed(...Array.from({ length: 300 }, (_, i) => message(i, 250, 255)));
    slow.write(burst);
    slow.end();
    await wait(100);
    const other = await dial(port);
    other.end(framed(message(1)));
    expect(unframed(await all(other)).length).toBe(1);
    expect(unframed(await all(slow)).map((m) => m.readUInt16BE(0))).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  it('forgets one who resets the connection while nothing is read from it', async () => {
    const { port, shared } = await listen('127.0.0.1');
    const socket = await dial(port);
    socket.pause();
    socket.write(framed(...Array.from({ length: 300 }, (_, i) => message(i, 250, 255))));
    await expect.poll(() => [...shared.sessions.all.sessions].map(({ evictable }) => evictable)).toEqual([false]);
    socket.resetAndDestroy();
    await expect.poll(() => shared.sessions.size).toBe(0);
    expect(shared.events).toContain(TransportEvent.TCP_ERROR);
  });

  it('survives resets at every moment', async () => {
    const { port, shared } = await listen('127.0.0.1');
    for (let i = 0; i < 20; i++) {
      const socket = await dial(port);
      socket.write(framed(message(i), message(i)).subarray(0, i * 3));
      if (i % 3 === 0) await wait(1);
      socket.resetAndDestroy();
    }
    const socket = await dial(port);
    socket.end(framed(message(9)));
    expect(unframed(await all(socket)).length).toBe(1);
    await expect.poll(() => shared.sessions.size).toBe(0);
  });

  it('finishes its sessions when it is closed, and counts every connection out', async () => {
    const shared = context();
    const { port, listener } = await listen('127.0.0.1', 0, shared);
    const socket = await dial(port, '127.0.0.1', false);
    socket.write(framed(message(1)));
    const answer = all(socket);
    await wait(50);
    await listener.close();
    expect(unframed(await answer).length).toBe(1);
    expect(shared.sessions.size).toBe(0);
    expect([shared.counters.opened(SessionPath.TCP), shared.counters.open(SessionPath.TCP)]).toEqual([1, 0]);
  });

  it('says in one line that a port is taken', async () => {
    const { port } = await listen('127.0.0.1');
    await expect(listen('127.0.0.1', port)).rejects.toMatchObject({
      code: 'ADOTD_LISTEN',
      message: expect.stringMatching(new RegExp(`^cannot listen on TCP 127.0.0.1:${port}: another program uses`)),
    });
  });
});
