import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { constants } from 'node:os';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { UpgradeBit } from '../../../src/answer/facts.js';
import { createTlsEngine, type TlsEngine } from '../../../src/tls/openssl/engine.js';
import type { TlsSettings } from '../../../src/tls/tls-context.js';
import { type Libc, libc } from '../../../src/transport/libc.js';
import { TransportEvent } from '../../../src/transport/transport.js';
import { framed, message, unframed } from '../../support/responder.js';
import { make } from '../../tls/support.js';
import { listenByEpoll } from '../stream-paths.js';
import { type Change, context } from '../support.js';
import { all, clientHello, first, ids, upTo } from '../tls.js';

const system = libc() as Libc;
const AT = { address: '127.0.0.1', port: 0 };
let settings: TlsSettings;
const sockets: Socket[] = [];
const ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  const certificate = { ...(await make({ names: ['ns.test'] })), keyType: 'ec', names: ['ns.test'] };
  settings = { certificates: [certificate], ticketKey: randomBytes(48), sessionTimeout: 3600 };
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const end of ends.splice(0)) await end();
});

/** A port for TLS on the loop; calls of the C library may be changed. `timeless`: nothing takes time, as the loop sees it. */
function start(change: Change = {}, calls: Partial<Libc> = {}, secure = true, timeless = false) {
  const shared = context(change);
  const clock = timeless ? { ...shared.clock, milliseconds: () => 0 } : shared.clock;
  const tls = createTlsEngine(settings) as TlsEngine;
  const loop = listenByEpoll(AT, shared, { system: { ...system, ...calls }, tls, clock }, secure);
  ends.push(async () => {
    await loop.close();
    const { open, ...mistakes } = tls.counts;
    tls.close();
    expect([open, mistakes]).toEqual([0, { refused: 0, leftovers: 0, callbackMistakes: 0 }]);
  });
  return { shared, tls, port: loop.endpoint.port };
}

/** Notes in the last of `rounds` each turn of a handshake, which takes one millisecond as the loop sees it; a round begins a new one. */
function watchRounds(tls: TlsEngine, rounds: string[]): void {
  let spent = 0;
  Object.defineProperty(tls, 'handshakeTime', { get: () => spent });
  const { startTurn, begin } = tls;
  tls.startTurn = () => {
    spent = 0;
    rounds.push('');
    startTurn.call(tls);
  };
  tls.begin = (handle, address, length) => {
    if (tls.isHandshaking(handle)) {
      spent++;
      rounds[rounds.length - 1] += 'h';
    }
    return begin.call(tls, handle, address, length);
  };
}

async function dialTcp(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  sockets.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function dial(port: number, socket?: Socket): Promise<TLSSocket> {
  const secure = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(socket && { socket }) });
  sockets.push(secure);
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  return secure;
}

describe('TLS on the loop', () => {
  it('sends all answers to one read with one call, a record each', async () => {
    let sends = 0;
    const { port } = start({}, { send: (...given) => system.send(...given) + 0 * sends++ });
    const socket = await dial(port);
    const before = sends;
    const records: number[] = [];
    socket.on('data', (octets: Buffer) => records.push(unframed(octets).length));
    socket.write(framed(...upTo(50).map((id) => message(id))));
    await expect.poll(() => records.length).toBe(50);
    expect([sends - before, new Set(records)]).toEqual([1, new Set([1])]);
  });

  it('keeps what the system does not take at once, in handshakes and answers', async () => {
    let turn = 0;
    const { port } = start(
      {},
      {
        send: (fd, octets, length, flags) =>
          system.send(fd, octets, Math.min(length, [1, 777, 30, 5000][turn++ % 4]!), flags),
      },
    );
    const socket = await dial(port);
    socket.write(framed(...upTo(40).map((id) => message(id, 100, 50))));
    expect(ids(await first(socket, 40 * (2 + 5000)))).toEqual(upTo(40));
  });

  it('refuses a ClientHello that promises to be long, with an alert, and counts it', async () => {
    const { port, shared } = start();
    const promised = Buffer.of(22, 3, 1, 0, 6, 1, 2, 0, 0, 3, 3);
    const refused = await Promise.all(
      upTo(20).map(async () => {
        const socket = await dialTcp(port);
        socket.write(promised);
        return all(socket);
      }),
    );
    expect(new Set(refused.map((octets) => octets.toString('hex')))).toEqual(new Set(['1503030002022f']));
    await expect.poll(() => shared.sessions.size).toBe(0);
  });

  it('closes by close_notify without FIN, and keeps no TIME_WAIT when the client closes', async () => {
    const { port, shared } = start({ settings: { idleTime: 100, idleTimeMin: 100, drainTime: 5000 } });
    const opened = await Promise.all(upTo(10).map(() => dial(port)));
    const ours = opened.map((socket) => socket.localPort);
    // The client's TLS ends, and closes its connection then; ours is not half-closed before.
    await Promise.all(opened.map((socket) => all(socket)));
    await expect.poll(() => shared.sessions.size).toBe(0);
    const states = execFileSync('ss', ['-Htan', `sport = :${port} or dport = :${port}`], { encoding: 'utf8' });
    const waiting = states.split('\n').filter((line) => line.startsWith('TIME-WAIT'));
    const local = waiting.map((line) => Number(/:(\d+)\s/.exec(line)?.[1]));
    expect(local.filter((one) => one === port)).toEqual([]);
    expect(local.filter((one) => ours.includes(one)).length).toBe(10);
  });

  it('gives handshakes little time of each round, behind the sessions that are established', async () => {
    const { port, tls, shared } = start({}, {}, true, true);
    const established = await dial(port);
    established.write(framed(message(1)));
    await first(established, 22);
    const others = await Promise.all(upTo(60).map(() => dialTcp(port)));
    await expect.poll(() => shared.sessions.size).toBe(61);
    const rounds: string[] = [''];
    watchRounds(tls, rounds);
    const { seen } = shared.responder;
    const before = seen.length;
    const push = seen.push.bind(seen);
    seen.push = (...facts) => {
      rounds[rounds.length - 1] += 'a';
      return push(...facts);
    };
    const hello = await clientHello({ servername: 'ns.test' });
    for (const other of others) other.write(hello);
    for (const id of upTo(20)) established.write(framed(message(id)));
    await expect.poll(() => rounds.join('').replaceAll('a', '').length).toBeGreaterThanOrEqual(60);
    expect(seen.length).toBe(before + 20);
    // Two handshakes use up the time of a round; answers of the round stand before them.
    expect(rounds.filter((round) => !/^a*h{0,2}$/.test(round))).toEqual([]);
  });

  it('begins with the octets behind the query that asked for TLS, in the same segment', async () => {
    const change = { settings: { upgradeBit: UpgradeBit.IF_ASKED } };
    const { port, shared } = start(change, {}, false);
    shared.responder.outcome.upgrade = 1;
    const hello = await clientHello();
    const socket = await dialTcp(port);
    socket.write(Buffer.concat([framed(message(1)), hello]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(ids(answer.subarray(0, 22))).toEqual([1]);
    await expect.poll(() => socket.bytesRead).toBeGreaterThan(22 + 100);
  });

  it('refuses a connection for which the engine has no room', async () => {
    const { port, tls, shared } = start();
    tls.open = () => -1;
    const socket = await dialTcp(port);
    await once(socket.resume(), 'end');
    expect(shared.events).toEqual([TransportEvent.TCP_REFUSED]);
    Reflect.deleteProperty(tls, 'open');
    const other = await dial(port);
    other.write(framed(message(1)));
    expect(ids(await first(other, 22))).toEqual([1]);
  });

  it('ends the connection that brings a mistake of ours about in the middle of its turn, and no other', async () => {
    const mistakes: unknown[] = [];
    const { port, shared } = start({ mistake: (error) => void mistakes.push(error) });
    const victim = await dial(port);
    const other = await dial(port);
    await expect.poll(() => shared.sessions.size).toBe(2);
    const session = [...shared.sessions.all.sessions][0]!;
    session.received = () => {
      throw new Error('made to fail');
    };
    victim.write(framed(message(1)));
    await once(victim.resume(), 'close');
    expect(mistakes).toEqual([new Error('made to fail')]);
    other.write(framed(message(2)));
    expect(ids(await first(other, 22))).toEqual([2]);
  });

  it.each([
    ['begin', 'did not begin'],
    ['finish', 'left octets for the network'],
  ] as const)('ends a connection whose turn does not %s as it should, and says so', async (name, what) => {
    const mistakes: unknown[] = [];
    const { port, tls } = start({ mistake: (error) => void mistakes.push(error) });
    const victim = await dial(port);
    const other = await dial(port);
    victim.write(framed(message(1)));
    await first(victim, 22);
    tls[name] = () => {
      Reflect.deleteProperty(tls, name);
      // The turn itself is sound, so that the engine goes on.
      return false;
    };
    victim.write(framed(message(2)));
    await once(victim.resume(), 'close');
    expect(mistakes).toEqual([new Error(`a turn of the TLS engine ${what}`)]);
    other.write(framed(message(3)));
    expect(ids(await first(other, 22))).toEqual([3]);
  });

  it('takes it for no mistake when the network breaks in the middle of a large answer', async () => {
    const mistakes: unknown[] = [];
    let breaks = false;
    let error = 0;
    const calls: Partial<Libc> = {
      send(fd, octets, length, flags) {
        error = breaks ? constants.errno.ECONNRESET : 0;
        return breaks ? -1 : system.send(fd, octets, length, flags);
      },
      errorNumber: () => error || system.errorNumber(),
    };
    const settings = { writeBuffer: 262_144, writeBufferTotal: 1_048_576 };
    const { port, tls, shared } = start({ settings, mistake: (one) => void mistakes.push(one) }, calls);
    const victim = await dial(port);
    const other = await dial(port);
    for (const socket of [victim, other]) {
      socket.write(framed(message(1)));
      await first(socket, 22);
    }
    breaks = true;
    // More than the engine gives at once.
    victim.write(framed(...upTo(4).map((id) => message(id, 300, 218))));
    await once(victim.resume(), 'close');
    breaks = false;
    expect([mistakes, tls.counts.leftovers, shared.sessions.size]).toEqual([[], 0, 1]);
    other.write(framed(message(3)));
    expect(ids(await first(other, 22))).toEqual([3]);
  });
});
