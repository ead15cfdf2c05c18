import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { summaryOf } from '../../../src/observe/counters/summary.js';
import { framed } from '../../load/client.js';
import { askTcp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { misbehavingWorkers } from '../../support/misbehaving-workers.mjs';
import { Misdeed } from '../../support/misdeed.mjs';
import { startThreads } from '../../support/threads.js';

const ZONES = { 'a.test': '@ 300 SOA ns1 h 1 7200 3600 1209600 300\n@ 300 NS ns1\nns1 300 A 192.0.2.1\n' };
const QUERY = buildQuery({ name: 'ns1.a.test.', type: 'A' });
const EPOLL = { streams: 'epoll' };
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const descriptors = (): number => readdirSync('/proc/self/fd').length;

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
    const before = descriptors();
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
