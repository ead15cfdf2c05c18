import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { summaryOf } from '../../../src/observe/counters/summary.js';
import type { Spawn } from '../../../src/server/plane/thread-messages.js';
import { type Client, framed, openClient } from '../../load/client.js';
import { several } from '../../load/scenarios.js';
import { askTcp, askUdp } from '../../support/ask.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { misbehavingWorkers } from '../../support/misbehaving-workers.mjs';
import { Misdeed } from '../../support/misdeed.mjs';
import { freePort } from '../../support/peers/server.js';
import { STREAMS } from '../../support/streams-path.js';
import { startThreads, threadNames } from '../../support/threads.js';

const zone = (address: string): string =>
  `@ 300 SOA ns1 h 1 7200 3600 1209600 300\n@ 300 NS ns1\nns1 300 A ${address}\n`;
const QUERY = buildQuery({ name: 'ns1.a.test.', type: 'A' });
const certs = mkdtempSync(join(tmpdir(), 'adotd-threads-'));
afterAll(() => rmSync(certs, { recursive: true, force: true }));
const TLS = { tls: { certs_folder: certs } };

const addressOf = (answer: Uint8Array | undefined): string | undefined =>
  answer && decodeMessage(answer).answer[0]?.text;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('the data plane in threads', () => {
  it('answers over UDP, TCP and TLS on IPv4 and IPv6, and says which path runs', async () => {
    await using running = await startThreads(
      { 'a.test': zone('192.0.2.1') },
      { ...TLS, workers: 2, listen: ['127.0.0.1', '::1'] },
    );
    const { port, plane } = running;
    for (const host of ['127.0.0.1', '::1']) {
      expect(addressOf(await askUdp({ port, host }, QUERY)), host).toBe('192.0.2.1');
      expect(addressOf(await askTcp({ port, host }, QUERY)), host).toBe('192.0.2.1');
    }
    const client = await openClient('tls', running);
    await client.ask(framed(QUERY));
    await client.close();
    const counts = { open: expect.any(Number), refused: 0, leftovers: 0, callbackMistakes: 0 };
    const tlsEngine = STREAMS === 'epoll' ? counts : undefined;
    const workers = { udpWorkers: 2, streamWorkers: 2, restarts: 0 };
    expect(plane.status).toEqual({ path: 'threads', ...workers, streams: STREAMS, tlsEngine });
    expect(summaryOf(running.server.counters)).toMatchObject({
      udp: { messages: 2 },
      tcp: { messages: 2 },
      tls: { messages: 1 },
    });
    await running.logged(/answered by threads: 2 for UDP \(recvmmsg\), 2 for streams/);
    expect(threadNames()).toEqual(
      expect.arrayContaining(['adotd', 'adotd-udp-0', 'adotd-udp-1', 'adotd-stream-0', 'adotd-stream-1']),
    );
    const { udp, stream } = plane.cpu();
    expect([udp > 0, stream > 0, udp + stream < process.uptime() * 4]).toEqual([true, true, true]);
  });

  it('refuses no connection once UDP is answered: while stream workers start, connections wait', async () => {
    const workers = misbehavingWorkers();
    let startStreams = (): void => {};
    const late: Spawn = (data, events) => {
      let handle: ReturnType<Spawn> | undefined;
      startStreams = () => {
        handle = workers.spawn.stream(data, events);
      };
      return { post: (order) => handle?.post(order), terminate: () => handle?.terminate() };
    };
    const ports = { port: await freePort(), tls_port: await freePort() };
    const starting = startThreads(
      { 'a.test': zone('192.0.2.1') },
      { ...TLS, ...ports },
      { ...workers.spawn, stream: late },
    );
    while ((await askUdp(ports, QUERY, 50)) === undefined);
    const plain = openClient('tcp', { port: ports.port, tlsPort: ports.tls_port });
    const secure = openClient('tls', { port: ports.port, tlsPort: ports.tls_port });
    await plain;
    startStreams();
    await using running = await starting;
    for (const client of [await plain, await secure]) {
      await client.ask(framed(QUERY));
      await client.close();
    }
    expect(running.plane.status.restarts).toBe(0);
  });

  it('spreads clients over all workers', async () => {
    const workers = misbehavingWorkers();
    await using running = await startThreads({ 'a.test': zone('192.0.2.1') }, { workers: 4 }, workers.spawn);
    for (const kind of ['udp', 'stream'] as const) {
      // A worker that dies is back on its own socket: clients of each are answered after each death.
      for (let worker = 0; worker < 4; worker++) workers.misbehave(kind, worker, Misdeed.THROW);
    }
    for (let i = 0; i < 64; i++) await askUdp(running, QUERY, 300);
    await several(64, () => askTcp(running, QUERY));
    for (let number = 1; number <= 4; number++) {
      await running.logged(new RegExp(`^udp worker ${number} died: made to throw`));
      await running.logged(new RegExp(`^stream worker ${number} died: made to throw`));
    }
    for (let i = 0; i < 32; i++) expect(addressOf(await askUdp(running, QUERY))).toBe('192.0.2.1');
    for (let i = 0; i < 32; i++) expect(addressOf(await askTcp(running, QUERY))).toBe('192.0.2.1');
    expect(running.plane.status.restarts).toBe(8);
  });

  it('answers from what was published, on every worker, once a reload is done', async () => {
    const zones = { 'a.test': zone('192.0.2.1') };
    await using running = await startThreads(zones, { workers: 3 });
    for (let round = 2; round < 30; round++) {
      zones['a.test'] = zone(`192.0.2.${round}`);
      await running.server.reload();
      const answers = await Promise.all(Array.from({ length: 12 }, () => askUdp(running, QUERY)));
      const streams = await Promise.all(Array.from({ length: 12 }, () => askTcp(running, QUERY)));
      const found = new Set([...answers, ...streams].map(addressOf));
      expect([...found]).toEqual([`192.0.2.${round}`]);
    }
  });

  it('resumes TLS sessions whichever worker accepts, also after a worker has died', async () => {
    const workers = misbehavingWorkers();
    await using running = await startThreads({ 'a.test': zone('192.0.2.1') }, { ...TLS, workers: 3 }, workers.spawn);
    const first = await openClient('tls', running);
    await first.ask(framed(QUERY));
    const { session } = first;
    await first.close();
    expect(session).toBeDefined();
    const resumed = async (): Promise<boolean> => {
      const client = await openClient('tls', running, { session });
      await client.ask(framed(QUERY));
      await client.close();
      return client.resumed;
    };
    const before = await several(24, resumed);
    expect(before.filter(Boolean).length).toBe(24);
    workers.misbehave('stream', 0, Misdeed.THROW);
    await running.logged(/^stream worker 1 answers again/);
    expect((await several(24, resumed)).filter(Boolean).length).toBe(24);
  });

  it('holds the limits on connections for all workers together, also when one of them has died', async () => {
    const config = { workers: 3, sessions: { max_per_client: 12 } };
    const workers = misbehavingWorkers();
    await using running = await startThreads({ 'a.test': zone('192.0.2.1') }, config, workers.spawn);
    const open = await several(12, () => openClient('tcp', running));
    await Promise.all(open.map((client) => client.ask(framed(QUERY))));
    const refused = async (): Promise<boolean> => {
      const socket = connect(running.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(framed(QUERY));
      return new Promise((resolve) => {
        socket.once('data', () => resolve(false));
        socket.once('close', () => resolve(true));
      }).then((value) => {
        socket.destroy();
        return value as boolean;
      });
    };
    expect(await refused()).toBe(true);
    workers.misbehave('stream', 0, Misdeed.THROW);
    workers.misbehave('stream', 1, Misdeed.THROW);
    workers.misbehave('stream', 2, Misdeed.THROW);
    for (const number of [1, 2, 3]) await running.logged(new RegExp(`^stream worker ${number} answers again`));
    expect(await refused()).toBe(false);
    await Promise.all(open.map((client: Client) => client.close()));
  });

  it('notices a worker that loops, and ends it', async () => {
    const workers = misbehavingWorkers();
    await using running = await startThreads({ 'a.test': zone('192.0.2.1') }, {}, workers.spawn);
    for (const kind of ['udp', 'stream'] as const) {
      workers.misbehave(kind, 0, Misdeed.SPIN);
      void askUdp(running, QUERY, 50);
      // How soon depends on this machine too; supervised-thread.test.ts has the limit, by a clock of its own.
      await running.logged(new RegExp(`^${kind} worker 1 died: ${kind} worker 1 did not move for \\d+ ms, it loops`));
      await running.logged(new RegExp(`^${kind} worker 1 answers again`));
    }
    expect(addressOf(await askUdp(running, QUERY))).toBe('192.0.2.1');
    expect(addressOf(await askTcp(running, QUERY))).toBe('192.0.2.1');
  });

  it('keeps what is queued while a worker is dead', async () => {
    const workers = misbehavingWorkers();
    await using running = await startThreads({ 'a.test': zone('192.0.2.1') }, {}, workers.spawn);
    workers.misbehave('stream', 0, Misdeed.THROW);
    workers.misbehave('udp', 0, Misdeed.THROW);
    // The batch in hand is lost, which is this message.
    void askUdp(running, QUERY, 20);
    await running.logged(/^udp worker 1 died: made to throw/);
    const streams = Array.from({ length: 20 }, () => askTcp(running, QUERY).catch(() => undefined));
    const datagrams = Array.from({ length: 20 }, () => askUdp(running, QUERY));
    expect(new Set((await Promise.all(datagrams)).map(addressOf))).toEqual(new Set(['192.0.2.1']));
    const answered = (await Promise.all(streams)).filter(Boolean);
    // Those that the dying thread had accepted are lost with it.
    expect(answered.length).toBeGreaterThan(0);
  });

  it('refuses a port that another server of the same user has, although both would share it', async () => {
    await using running = await startThreads({ 'a.test': zone('192.0.2.1') }, { workers: 2 });
    const second = startThreads({ 'a.test': zone('192.0.2.1') }, { workers: 2, port: running.port });
    await expect(second).rejects.toMatchObject({ code: 'ADOTD_LISTEN' });
  });

  it('leaves no descriptor and no thread behind', async () => {
    const start = async (): Promise<void> => {
      const workers = misbehavingWorkers();
      await using running = await startThreads({ 'a.test': zone('192.0.2.1') }, { ...TLS, workers: 2 }, workers.spawn);
      workers.misbehave('stream', 0, Misdeed.THROW);
      await running.logged(/^stream worker 1 answers again/);
    };
    await start();
    await wait(100);
    const before = [descriptors(), readdirSync('/proc/self/task').length];
    for (let i = 0; i < 3; i++) await start();
    await wait(100);
    expect([descriptors(), readdirSync('/proc/self/task').length]).toEqual(before);
  });
});
