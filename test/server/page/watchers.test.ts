import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Overview, ShownEvent } from '../../../src/page/contract.js';
import { figuresOf } from '../../../src/report/figures.js';
import { MAX_WATCHERS, Watchers } from '../../../src/server/page/watchers.js';
import { FakeClock } from '../../support/clock.js';
import { until } from '../../support/patience.js';

const SECOND = 1000;

function overview(at: number, padding = ''): Overview {
  return {
    at,
    server: 'ns1',
    version: '1.2.3',
    state: 'ready',
    since: 0,
    health: 'ok',
    zones: { served: 1, failed: 0, kept: 0, waiting: 0, records: 1 },
    certificates: [],
    zonesAt: at,
    problems: [padding],
    restart: [],
    reloads: { done: 0, failed: 0 },
    sessions: { open: 0, limit: 1 },
    memory: 1,
    clients: {},
    figures: figuresOf(new Map()),
    point: [at],
  };
}

const open: { server: Server; watchers: Watchers; sockets: Socket[] }[] = [];
afterEach(() => {
  for (const { server, watchers, sockets } of open.splice(0)) {
    watchers.close();
    for (const socket of sockets) socket.destroy();
    server.close();
    server.closeAllConnections();
  }
});

/** Watchers behind an HTTP server; `padding` makes what they are sent long. */
async function start(padding = '') {
  const clock = new FakeClock();
  const log: ShownEvent[] = [];
  let looks = 0;
  const watchers = new Watchers({
    clock,
    overview: () => {
      looks++;
      return overview(clock.now, padding);
    },
    events: (after) => log.filter(({ number }) => number > after),
  });
  const server = createServer((asked, response) => watchers.answer(asked, response, { 'Cache-Control': 'no-store' }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  open.push({ server, watchers, sockets });
  /** A watcher; what has come to it. */
  const watch = async (method = 'GET'): Promise<{ socket: Socket; text(): string }> => {
    const before = watchers.count;
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    let came = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (came += piece));
    socket.write(`${method} /page/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const isIn = (): boolean => method === 'HEAD' || watchers.count > before || / 503 /.test(came);
    await until('an answer', () => isIn() && came.includes('\r\n\r\n'));
    return { socket, text: () => came };
  };
  return { clock, log, watchers, port, watch, looks: () => looks };
}

/** The data of the events of a name that have come whole. */
const data = (text: string, name: string): unknown[] =>
  [...text.matchAll(new RegExp(`^event: ${name}\ndata: (.*)\n\n`, 'gm'))].map(([, json = '']) => JSON.parse(json));

describe('the stream of events', () => {
  it('begins with what is known, and goes on each second', async () => {
    const { clock, log, watch } = await start();
    log.push({ number: 1, at: 5, level: 'warn', text: 'one\nwith two lines' });
    const { text } = await watch();
    await until('the first overview', () => data(text(), 'overview').length === 1);
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text()).toMatch(/^content-type: text\/event-stream\r$/im);
    expect(text()).toMatch(/^x-accel-buffering: no\r$/im);
    expect(text()).toMatch(/^cache-control: no-store\r$/im);
    expect(text()).toMatch(/^retry: 2000$/m);
    expect(data(text(), 'points')).toEqual([[]]);
    expect(data(text(), 'log')).toEqual([log]);
    log.push({ number: 2, at: 6, level: 'info', text: 'two' });
    clock.advance(SECOND);
    await until('the second overview', () => data(text(), 'overview').length === 2);
    expect(data(text(), 'log').at(-1)).toEqual([log[1]]);
    clock.advance(SECOND);
    await until('the third overview', () => data(text(), 'overview').length === 3);
    expect(data(text(), 'log')).toHaveLength(2);
    expect(data(text(), 'overview').map((one) => (one as Overview).at)).toEqual([1_000_000, 1_001_000, 1_002_000]);
  });

  it('is made once for all who watch; one who comes later gets the points before', async () => {
    const { clock, watch, looks } = await start();
    const first = await watch();
    clock.advance(SECOND);
    clock.advance(SECOND);
    const second = await watch();
    const before = looks();
    clock.advance(SECOND);
    expect(looks()).toBe(before + 1);
    await until(
      'the same overview',
      () => second.text().includes('"at":1003000') && first.text().includes('"at":1003000'),
    );
    expect(data(second.text(), 'points')).toEqual([[[1_001_000], [1_002_000]]]);
  });

  it('keeps the points of five minutes', async () => {
    const { clock, watch } = await start();
    await watch();
    for (let i = 0; i < 400; i++) {
      clock.advance(SECOND);
      // It reads meanwhile.
      await nextTurn();
    }
    const { text } = await watch();
    await until('the points', () => data(text(), 'points').length === 1);
    expect(data(text(), 'points')[0]).toHaveLength(300);
  });

  it('costs nothing while nobody watches', async () => {
    const { clock, watch, watchers, looks } = await start();
    expect(clock.timers).toBe(0);
    const one = await watch();
    expect(clock.timers).toBe(1);
    one.socket.destroy();
    await until('the end of it', () => watchers.count === 0);
    expect(clock.timers).toBe(0);
    const before = looks();
    clock.advance(60 * SECOND);
    expect(looks()).toBe(before);
    // What was before is too long ago for a line.
    const { text } = await watch();
    await until('the points', () => data(text(), 'points').length === 1);
    expect(data(text(), 'points')).toEqual([[]]);
  });

  it('has room for so many, and then again when some are gone', async () => {
    const { watch, watchers } = await start();
    const all = [];
    for (let i = 0; i < MAX_WATCHERS; i++) all.push(await watch());
    const refused = await watch();
    expect(refused.text()).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused.text()).toMatch(/^retry-after: 10\r$/im);
    expect(watchers.count).toBe(MAX_WATCHERS);
    all[0]?.socket.destroy();
    await until('room', () => watchers.count === MAX_WATCHERS - 1);
    expect((await watch()).text()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('has a head without a stream', async () => {
    const { watch, watchers, clock } = await start();
    const { text } = await watch('HEAD');
    expect(text()).toMatch(/^HTTP\/1\.1 200 /);
    expect([watchers.count, clock.timers]).toEqual([0, 0]);
  });

  it('cuts off one who does not read; the others go on, and what waits for them is bounded', async () => {
    const { clock, watch, watchers } = await start('x'.repeat(100_000));
    const slow = await watch();
    slow.socket.pause();
    const quick = await watch();
    const gone = once(slow.socket, 'close');
    for (let seconds = 1; watchers.count === 2; seconds++) {
      // The buffers of the system take some megabytes.
      if (seconds > 1000) throw new Error('it is not cut off');
      clock.advance(SECOND);
      await until('the quick one', () => data(quick.text(), 'overview').length === seconds + 1);
    }
    slow.socket.resume();
    await gone;
    const before = data(quick.text(), 'overview').length;
    clock.advance(SECOND);
    await until('the next one', () => data(quick.text(), 'overview').length === before + 1);
  });

  it('ends when the listener closes', async () => {
    const { watch, watchers, clock } = await start();
    const { socket } = await watch();
    const ended = once(socket, 'end');
    watchers.close();
    await ended;
    expect(clock.timers).toBe(0);
  });

  it('of a server that starts has no point', async () => {
    const clock = new FakeClock();
    const basics = { server: 'ns1', version: '1', since: 0 };
    const watchers = new Watchers({
      clock,
      overview: () => ({ ...basics, at: clock.now, state: 'starting' }),
      events: () => [],
    });
    const server = createServer((asked, response) => watchers.answer(asked, response, {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push({ server, watchers, sockets: [] });
    const { port } = server.address() as AddressInfo;
    let came = '';
    const asked = request({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', (piece: string) => (came += piece));
      response.on('error', () => {});
    });
    asked.on('error', () => {});
    asked.end();
    await until('an event', () => watchers.count === 1);
    clock.advance(SECOND);
    await until('the next one', () => data(came, 'overview').length === 2);
    expect(data(came, 'overview')).toEqual([
      { ...basics, at: 1_000_000, state: 'starting' },
      { ...basics, at: 1_001_000, state: 'starting' },
    ]);
  });
});
