import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { constants } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionLimits } from '../../../src/session/limits.js';
import { SessionPath } from '../../../src/session/session-end.js';
import { type Libc, libc } from '../../../src/transport/libc.js';
import { HANDSHAKES, HEARTBEAT } from '../../../src/transport/thread-words.js';
import { TransportEvent } from '../../../src/transport/transport.js';
import { framed, message, unframed } from '../../support/responder.js';
import { listenByEpoll } from '../stream-paths.js';
import { type Change, context } from '../support.js';

const system = libc() as Libc;
const AT = { address: '127.0.0.1', port: 0 };
const sockets: Socket[] = [];
const loops: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const loop of loops.splice(0)) await loop.close();
});

/** A loop whose calls of the C library may be changed, and are counted. */
function start(change: Change = {}, calls: Partial<Libc> = {}, patience = 0) {
  const shared = context(change);
  const counts = { accept4: 0, send: 0, recv: 0 };
  const accept = calls.accept4 ?? system.accept4;
  const counted: Libc = {
    ...system,
    ...calls,
    accept4: (...given) => {
      counts.accept4++;
      return accept(...given);
    },
    send: (...given) => {
      counts.send++;
      return (calls.send ?? system.send)(...given);
    },
    recv: (...given) => {
      counts.recv++;
      return (calls.recv ?? system.recv)(...given);
    },
  };
  const loop = listenByEpoll(AT, shared, { system: counted, patience });
  loops.push(loop);
  return { shared, loop, counts, port: loop.endpoint.port };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('the loop of streams', () => {
  it('serves by calls of its own: one that accepts, one that receives and one that sends all answers', async () => {
    const { port, counts } = start();
    const socket = await dial(port);
    socket.write(framed(...Array.from({ length: 50 }, (_, i) => message(i))));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    expect(unframed(chunk).length).toBe(50);
    expect([counts.recv, counts.send]).toEqual([1, 1]);
    expect(counts.accept4).toBeGreaterThan(0);
  });

  it('leaves no descriptor open, and nothing in the table of those that are its own', async () => {
    const before = descriptors();
    const { port, loop } = start();
    for (let i = 0; i < 10; i++) {
      const socket = await dial(port);
      socket.end(framed(message(i)));
      expect(unframed(await all(socket)).length).toBe(1);
    }
    const open = await dial(port);
    await expect.poll(() => loop.owned.some((word) => word !== 0)).toBe(true);
    open.destroy();
    await loop.close();
    loops.length = 0;
    expect(loop.owned.every((word) => word === 0)).toBe(true);
    for (const socket of sockets.splice(0)) socket.destroy();
    await expect.poll(descriptors).toBeLessThanOrEqual(before);
  });

  it('beats while it waits, and tells of no handshakes', async () => {
    const { loop } = start();
    const before = loop.words[HEARTBEAT]!;
    await expect.poll(() => loop.words[HEARTBEAT]!).toBeGreaterThan(before + 2);
    expect(loop.words[HANDSHAKES]).toBe(0);
  });

  it('counts octets and sessions when a connection is gone', async () => {
    const { port, shared } = start();
    const socket = await dial(port);
    socket.end(framed(message(1), message(2)));
    await all(socket);
    await expect.poll(() => shared.sessions.size).toBe(0);
    const { counters } = shared;
    expect([counters.opened(SessionPath.TCP), counters.open(SessionPath.TCP)]).toEqual([1, 0]);
    const octets = framed(message(1), message(2)).length;
    expect([counters.received(SessionPath.TCP), counters.sent(SessionPath.TCP)]).toEqual([octets, octets]);
  });

  it('keeps what the system does not take at once, whatever it takes', async () => {
    let turn = 0;
    const { port } = start(
      {},
      {
        // A full buffer, an interrupted call, and a few octets at a time.
        send(fd, octets, length, flags) {
          const most = [0, 1, 777, 5000][turn++ % 4]!;
          return system.send(fd, octets, Math.min(length, most === 0 ? length : most), flags);
        },
      },
    );
    const socket = await dial(port);
    const ids = Array.from({ length: 40 }, (_, i) => i);
    socket.end(framed(...ids.map((id) => message(id, 100, 50))));
    expect(unframed(await all(socket)).map((m) => m.readUInt16BE(0))).toEqual(ids);
  });

  it.each([
    ['EAGAIN', constants.errno.EAGAIN],
    ['EINTR', constants.errno.EINTR],
  ])('tries again after %s', async (_name, error) => {
    let failing = 0;
    let failed = 0;
    const flaky =
      (call: Libc['send']): Libc['send'] =>
      (...given) => {
        failed = failing++ % 2 === 0 ? error : 0;
        return failed === 0 ? call(...given) : -1;
      };
    const { port } = start(
      {},
      {
        send: flaky(system.send),
        recv: flaky(system.recv),
        errorNumber: () => failed || system.errorNumber(),
      },
    );
    const socket = await dial(port);
    socket.end(framed(message(1), message(2)));
    expect(unframed(await all(socket)).length).toBe(2);
  });

  it('closes what it cannot serve for lack of descriptors, asks others to close, and goes on', async () => {
    let out = true;
    let told = 0;
    let failed = 0;
    const { port, shared } = start(
      { outOfDescriptors: () => void told++ },
      {
        accept4(...given) {
          failed = out ? constants.errno.EMFILE : 0;
          out = false;
          return failed === 0 ? system.accept4(...given) : -1;
        },
        errorNumber: () => failed || system.errorNumber(),
      },
    );
    expect((await all(await dial(port))).length).toBe(0);
    expect(told).toBe(1);
    expect(shared.events).toEqual([TransportEvent.TCP_REFUSED]);
    const socket = await dial(port);
    socket.end(framed(message(1)));
    expect(unframed(await all(socket)).length).toBe(1);
  });

  it('rests while not even one descriptor is to be had, and accepts the same clients later', async () => {
    let out = true;
    const { port, counts } = start(
      {},
      {
        accept4: (...given) => (out ? -1 : system.accept4(...given)),
        fcntl: (fd, command, argument) => (command === 1030 && out ? -1 : system.fcntl(fd, command, argument)),
        errorNumber: () => (out ? constants.errno.ENFILE : system.errorNumber()),
      },
      50,
    );
    const socket = await dial(port);
    socket.end(framed(message(1)));
    await expect.poll(() => counts.accept4).toBeGreaterThan(1);
    out = false;
    expect(unframed(await all(socket)).length).toBe(1);
    // It did not spin meanwhile.
    expect(counts.accept4).toBeLessThan(100);
  });

  it('ends the connection that brings a mistake of ours about, and no other', async () => {
    const mistakes: unknown[] = [];
    const { port, shared } = start({ mistake: (error) => void mistakes.push(error) });
    const other = await dial(port);
    const victim = await dial(port);
    await expect.poll(() => shared.sessions.size).toBe(2);
    const session = [...shared.sessions.all.sessions][1]!;
    session.received = () => {
      throw new Error('made to fail');
    };
    victim.write(framed(message(1)));
    expect((await all(victim)).length).toBe(0);
    expect(mistakes).toEqual([new Error('made to fail')]);
    other.end(framed(message(2)));
    expect(unframed(await all(other)).length).toBe(1);
    await expect.poll(() => shared.sessions.size).toBe(0);
  });

  it('gives a closed connection’s number to another, and mixes up neither', async () => {
    const limits = new ConnectionLimits({ connections: 4, connectionsPerClient: 1000 });
    const { port, shared } = start({ limits });
    // There are more clients than may be open: each new one ends an idle one, whose number is taken at once.
    for (let round = 0; round < 20; round++) {
      const dialled = await Promise.all(Array.from({ length: 10 }, () => dial(port)));
      const asked = dialled.map(async (socket, i) => {
        const answers = all(socket).catch(() => Buffer.alloc(0));
        socket.end(framed(message(round * 100 + i)));
        return (await answers).length === 0 ? undefined : unframed(await answers).map((m) => m.readUInt16BE(0));
      });
      for (const [i, ids] of (await Promise.all(asked)).entries()) {
        if (ids !== undefined) expect(ids).toEqual([round * 100 + i]);
      }
    }
    await expect.poll(() => shared.sessions.size).toBe(0);
    expect(limits.open).toBe(0);
  });

  it('closes sessions when their time is up, though nothing happens on any socket', async () => {
    const settings = { idleTime: 120, idleTimeMin: 120, drainTime: 80 };
    const { port, shared } = start({ settings });
    const silent = await dial(port);
    // It does not close either: its FIN is awaited for the drain time.
    await once(silent.resume(), 'end');
    await expect.poll(() => shared.sessions.size).toBe(0);
    await wait(1);
  });
});
