import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Counters } from '../../../src/observe/counters/counters.js';
import { summaryOf } from '../../../src/observe/counters/summary.js';
import { planeProblems } from '../../../src/server/plane/plane-problems.js';
import { TransportEvent } from '../../../src/transport/transport.js';
import { framed, openClient } from '../../load/client.js';
import { askTcp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { misbehavingWorkers } from '../../support/misbehaving-workers.mjs';
import { Misdeed } from '../../support/misdeed.mjs';
import { startThreads } from '../../support/threads.js';

const ZONES = { 'a.test': '@ 300 SOA ns1 h 1 7200 3600 1209600 300\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n' };
const QUERY = buildQuery({ name: 'ns1.a.test.', type: 'A' });
const EPOLL = { streams: 'epoll' };
const certs = mkdtempSync(join(tmpdir(), 'adotd-epoll-'));
afterAll(() => rmSync(certs, { recursive: true, force: true }));
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** The number of descriptors when those that are open for a moment only, while threads start, are gone: the same 20 times in a row. */
async function settledDescriptors(): Promise<number> {
  let count = descriptors();
  for (let same = 0; same < 20; same++) {
    await wait(10);
    const now = descriptors();
    if (now !== count) same = 0;
    count = now;
  }
  return count;
}

/** A connection on which one query was answered. */
async function converse(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(framed(QUERY));
  await once(socket, 'data');
  return socket;
}

describe('streams on epoll', () => {
  it('are answered on IPv4 and IPv6 by every worker, and the status says that it is epoll', async () => {
    await using running = await startThreads(ZONES, { ...EPOLL, workers: 2, listen: ['127.0.0.1', '::1'] });
    const { port, plane } = running;
    for (const host of ['127.0.0.1', '::1', '127.0.0.1', '::1']) {
      const answer = await askTcp({ port, host }, QUERY);
      expect(answer && decodeMessage(answer).answer[0]?.text).toBe('192.0.2.1');
    }
    expect(plane.status).toMatchObject({ path: 'threads', streams: 'epoll', streamsObstacle: undefined });
    await running.logged(/2 for streams \(epoll\)/);
    expect(summaryOf(running.server.counters)).toMatchObject({ tcp: { messages: 4 } });
  });

  it('of a worker that has died are closed, and its descriptors with them', async () => {
    const workers = misbehavingWorkers();
    await using running = await startThreads(ZONES, EPOLL, workers.spawn);
    const before = await settledDescriptors();
    for (let round = 1; round <= 3; round++) {
      const open = [await converse(running.port), await converse(running.port)];
      const closed = open.map((socket) => once(socket, 'close'));
      workers.misbehave('stream', 0, round === 2 ? Misdeed.SPIN : Misdeed.THROW);
      await Promise.all(closed);
      await expect.poll(() => running.plane.status.restarts).toBe(round);
      expect(await askTcp(running, QUERY)).toBeDefined();
    }
    await expect.poll(descriptors).toBe(before);
    // No listener of a dead worker takes connections that nobody accepts.
    for (let i = 0; i < 20; i++) expect(await askTcp(running, QUERY)).toBeDefined();
  });

  it('have a TLS engine whose connections the status counts, and whose faults are problems', async () => {
    const workers = misbehavingWorkers();
    const counters: Float64Array[] = [];
    const spawnStream: typeof workers.spawn.stream = (data, events) => {
      counters.push(data.counters);
      return workers.spawn.stream(data, events);
    };
    const spawn = { ...workers.spawn, stream: spawnStream };
    await using running = await startThreads(ZONES, { ...EPOLL, workers: 2, tls: { certs_folder: certs } }, spawn);
    const { plane } = running;
    const none = { open: 0, refused: 0, leftovers: 0, callbackMistakes: 0 };
    expect(plane.status.tlsEngine).toEqual(none);
    const clients = await Promise.all(Array.from({ length: 5 }, () => openClient('tls', running)));
    expect(plane.status.tlsEngine).toEqual({ ...none, open: 5 });
    expect(planeProblems(plane.status)).toEqual([]);
    for (const words of counters) new Counters(words).event(TransportEvent.TLS_OCTETS_LEFT);
    expect(plane.status.tlsEngine).toEqual({ ...none, open: 5, leftovers: 2 });
    expect(planeProblems(plane.status)).toEqual([expect.stringMatching(/^the TLS engine counts turns .*: 2\. /)]);
    for (const client of clients.slice(0, 3)) await client.close();
    await expect.poll(() => plane.status.tlsEngine?.open).toBe(2);
    // What OpenSSL had for the sessions of workers that have died is freed, and the counts of before stay.
    for (const number of [0, 1]) workers.misbehave('stream', number, Misdeed.THROW);
    await expect.poll(() => plane.status.restarts).toBe(2);
    await expect.poll(() => plane.status.tlsEngine).toEqual({ ...none, leftovers: 2 });
    for (const client of clients.slice(3)) await client.close();
  });

  it('are given their time when the server stops, and leave no descriptor behind', async () => {
    const stop = async (): Promise<void> => {
      const running = await startThreads(ZONES, { ...EPOLL, workers: 2 });
      const open = [await converse(running.port), await converse(running.port)];
      const ended = open.map((socket) => once(socket, 'end'));
      await running.server.close();
      await Promise.all(ended);
      await Promise.all(open.map((socket) => socket.closed || once(socket, 'close')));
    };
    await stop();
    const before = descriptors();
    for (let i = 0; i < 3; i++) await stop();
    await expect.poll(descriptors).toBeLessThanOrEqual(before);
  });
});
