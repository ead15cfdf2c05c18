import { describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/config/schema.js';
import type { Catalog } from '../../../src/image/catalog.js';
import { COUNTER_WORDS } from '../../../src/observe/counters/counters.js';
import { silentLog } from '../../../src/observe/log.js';
import { RESTING_INTERVAL, WATCH_INTERVAL } from '../../../src/server/plane/heartbeat.js';
import { SupervisedThread } from '../../../src/server/plane/supervised-thread.js';
import type { Order, ThreadData, ThreadEvents } from '../../../src/server/plane/thread-messages.js';
import { threadSettings } from '../../../src/server/plane/thread-settings.js';
import { ConnectionLimits, ownShare } from '../../../src/session/limits.js';
import { NO_SESSIONS } from '../../../src/session/session-report.js';
import { descriptorTable } from '../../../src/transport/epoll/owned-descriptors.js';
import { HANDSHAKES, HEARTBEAT, RESTING, Resting, THREAD, UNWATCHED } from '../../../src/transport/thread-words.js';
import { emptyCatalog } from '../../support/catalog.js';
import { FakeClock } from '../../support/clock.js';

/** A thread that exists on paper only. */
interface PaperThread {
  readonly data: ThreadData;
  readonly events: ThreadEvents;
  readonly orders: Order[];
  terminated: number;
}

function bench(streams: ThreadData['streams'] = 'node') {
  const clock = new FakeClock();
  const threads: PaperThread[] = [];
  const lines: string[] = [];
  let cpu = 0;
  const calls = { awake: 0 };
  const settings = threadSettings(defaultConfig(), 0, silentLog);
  const share = ownShare();
  const note = (_fields: object, message: string): void => void lines.push(message);
  const data = {
    name: 'adotd-udp-0',
    settings,
    catalog: catalogOf(1),
    tls: undefined,
    sockets: [],
    counters: new Float64Array(COUNTER_WORDS),
    share,
    transferShare: ownShare(),
    streams,
    owned: descriptorTable(0),
  };
  const thread = new SupervisedThread({
    name: 'udp worker 1',
    data,
    clock,
    log: { debug: note, info: note, warn: note, error: note },
    cpuOf: () => cpu,
    awake: () => void calls.awake++,
    spawn(given, events) {
      const paper: PaperThread = { data: given, events, orders: [], terminated: 0 };
      given.words[THREAD] = threads.push(paper);
      return { post: (order) => void paper.orders.push(order), terminate: () => void paper.terminated++ };
    },
  });
  return {
    clock,
    thread,
    threads,
    lines,
    calls,
    limits: new ConnectionLimits(settings.connections, settings.shared, share),
    last: () => threads[threads.length - 1]!,
    /** Begins, and answers. */
    async begin() {
      const begun = thread.begin();
      this.last().events.report({ kind: 'ready' });
      await begun;
    },
    /** Looks `times`, each WATCH_INTERVAL after the one before; of that time the thread runs for `share`. */
    watch(times: number, share: number) {
      for (let i = 0; i < times; i++) {
        clock.advance(WATCH_INTERVAL);
        cpu += WATCH_INTERVAL * share;
        thread.watch();
      }
    },
  };
}

const catalogOf = (generation: number): Catalog => ({ ...emptyCatalog(), generation });

describe('a supervised thread', () => {
  it('begins when it says that it is ready, and is started with what it serves from', async () => {
    const { thread, last, threads } = bench();
    const begun = thread.begin();
    expect(thread.serving).toBe(false);
    expect(last().data.catalog.generation).toBe(1);
    last().events.report({ kind: 'ready' });
    await begun;
    expect([thread.serving, threads.length]).toEqual([true, 1]);
  });

  it('cannot begin when it ends before it is ready', async () => {
    const { thread, last, threads } = bench();
    const begun = thread.begin();
    last().events.exit(new Error('no such socket'));
    await expect(begun).rejects.toThrow('no such socket');
    expect(threads.length).toBe(1);
  });

  it('is started again at once when it dies, on memory of its own, and the log says so', async () => {
    const setup = bench();
    await setup.begin();
    setup.limits.admit(Uint8Array.of(192, 0, 2, 1), 4);
    setup.last().events.exit(new Error('made to throw'));
    expect(setup.lines).toEqual(['udp worker 1 died: made to throw; it is started again at once']);
    expect([setup.threads.length, setup.thread.serving, setup.thread.restarts]).toEqual([2, false, 1]);
    expect(setup.threads[0]?.data.words).not.toBe(setup.threads[1]?.data.words);
    expect(setup.limits.open).toBe(0);
    setup.last().events.report({ kind: 'ready' });
    expect(setup.lines[1]).toBe('udp worker 1 answers again');
  });

  it('waits longer and longer when it dies again and again, and forgets that after a long life', async () => {
    const setup = bench();
    await setup.begin();
    const delays: number[] = [];
    for (let death = 0; death < 12; death++) {
      setup.last().events.exit(new Error('again'));
      const before = setup.threads.length;
      let waited = 0;
      for (; setup.threads.length === before && waited < 60_000 && setup.clock.timers > 0; waited += 50)
        setup.clock.advance(50);
      delays.push(waited);
    }
    expect(delays).toEqual([0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    setup.last().events.report({ kind: 'ready' });
    setup.clock.advance(10_000);
    const before = setup.threads.length;
    setup.last().events.exit(new Error('once more'));
    expect(setup.threads.length).toBe(before + 1);
  });

  it('leaves epoll when it has died three times in a row, and not before', async () => {
    const setup = bench('epoll');
    await setup.begin();
    const paths: string[] = [];
    for (let death = 1; death <= 4; death++) {
      setup.last().events.exit(new Error('again'));
      setup.clock.advance(1000);
      setup.last().events.report({ kind: 'ready' });
      paths.push(setup.last().data.streams);
    }
    expect(paths).toEqual(['epoll', 'epoll', 'node', 'node']);
    expect(setup.lines.filter((line) => line.includes('node:net'))).toEqual([
      'udp worker 1 has died 3 times in a row; it runs on node:net and node:tls from now on',
    ]);
  });

  it('stays on epoll when it dies now and then', async () => {
    const setup = bench('epoll');
    await setup.begin();
    for (let death = 1; death <= 5; death++) {
      setup.clock.advance(10_000);
      setup.last().events.exit(new Error('again'));
      setup.last().events.report({ kind: 'ready' });
    }
    expect(setup.last().data.streams).toBe('epoll');
  });

  it('is ended within 500 ms when it loops', async () => {
    const setup = bench();
    await setup.begin();
    setup.watch(6, 1);
    expect(setup.last().terminated).toBe(0);
    setup.watch(4, 1);
    expect(setup.last().terminated).toBe(1);
    setup.last().events.exit();
    expect(setup.lines[0]).toMatch(
      /^udp worker 1 died: udp worker 1 did not move for \d+ ms, it loops; it is started again at once$/,
    );
  });

  it('is ended when it loops on a machine that has much else to do', async () => {
    const setup = bench();
    await setup.begin();
    setup.watch(12, 0.2);
    expect(setup.last().terminated).toBe(0);
    setup.watch(12, 0.2);
    expect(setup.last().terminated).toBe(1);
    setup.last().events.exit();
    expect(setup.lines[0]).toMatch(/ did not move for \d+ ms, it loops; /);
  });

  it('may rest as long as it likes, and is ended within 500 ms when it loops then', async () => {
    const setup = bench();
    await setup.begin();
    const { words } = setup.last().data;
    words[RESTING] = 1;
    setup.watch(1000, 0);
    expect(setup.last().terminated).toBe(0);
    words[RESTING] = 0;
    setup.watch(5, 1);
    expect(setup.last().terminated).toBe(0);
    setup.watch(5, 1);
    expect(setup.last().terminated).toBe(1);
  });

  it('is still when it rests and has not moved since the last look, and when there is nothing to look at', async () => {
    const setup = bench();
    const { thread, last } = setup;
    expect(thread.watch()).toBe('still');
    await setup.begin();
    const { words } = last().data;
    words[RESTING] = 1;
    expect([thread.watch(), thread.watch()]).toEqual(['resting', 'still']);
    words[HEARTBEAT]!++;
    expect([thread.watch(), thread.watch()]).toEqual(['resting', 'still']);
    words[RESTING] = 0;
    expect([thread.watch(), thread.watch()]).toEqual(['moving', 'moving']);
    last().events.exit(new Error('dead'));
    expect(thread.watch()).toBe('still');
  });

  it('is looked at less often while it rests briefly and beats, is never left then, and is ended when it does not beat', async () => {
    const setup = bench();
    await setup.begin();
    const { words } = setup.last().data;
    words[RESTING] = Resting.BRIEFLY;
    for (let looks = 0; looks < 50; looks++) {
      words[HEARTBEAT]!++;
      expect(setup.thread.watch()).toBe('resting');
      expect([setup.thread.leave(), words[UNWATCHED]]).toEqual([false, 0]);
    }
    expect(setup.thread.watch()).toBe('moving');
    setup.watch(10, 1);
    expect(setup.last().terminated).toBe(1);
  });

  it('is ended as soon when it was looked at less often because it rested', async () => {
    const setup = bench();
    await setup.begin();
    const { words } = setup.last().data;
    words[RESTING] = 1;
    setup.watch(3, 0);
    words[RESTING] = 0;
    words[HEARTBEAT]!++;
    const began = setup.clock.now;
    setup.clock.advance(RESTING_INTERVAL - WATCH_INTERVAL);
    for (let looks = 0; setup.last().terminated === 0 && looks < 20; looks++) setup.watch(1, 1);
    expect(setup.clock.now - began).toBe(400);
    expect(setup.last().terminated).toBe(1);
  });

  it('is left when it rests, and says when it has to be looked at', async () => {
    const setup = bench();
    const { thread, last, calls } = setup;
    expect([thread.leave(), calls.awake]).toEqual([true, 0]);
    await setup.begin();
    const { words } = last().data;
    expect([thread.leave(), words[UNWATCHED], calls.awake]).toEqual([false, 0, 1]);
    words[RESTING] = 1;
    expect([thread.leave(), words[UNWATCHED]]).toEqual([true, 1]);
    last().events.report({ kind: 'awake' });
    thread.lookAgain();
    expect([words[UNWATCHED], calls.awake]).toEqual([0, 2]);
    last().events.exit(new Error('dead'));
    last().events.report({ kind: 'ready' });
    expect(calls.awake).toBe(3);
  });

  it('is given time for the handshakes that it has under way', async () => {
    const setup = bench();
    await setup.begin();
    setup.last().data.words[HANDSHAKES] = 1000;
    setup.watch(20, 1);
    expect(setup.last().terminated).toBe(0);
    setup.watch(8, 1);
    expect(setup.last().terminated).toBe(1);
  });

  it('is left alone as long as it beats, however busy it is', async () => {
    const setup = bench();
    await setup.begin();
    for (let i = 0; i < 100; i++) {
      setup.watch(3, 1);
      setup.last().data.words[HEARTBEAT]!++;
    }
    expect(setup.last().terminated).toBe(0);
  });

  it('is left alone for ten seconds when it does not get the CPU, or carries out what takes long', async () => {
    const setup = bench();
    await setup.begin();
    setup.watch(190, 0.01);
    expect(setup.last().terminated).toBe(0);
    setup.watch(11, 0.01);
    expect(setup.last().terminated).toBe(1);
    const other = bench();
    await other.begin();
    other.thread.replaceTls({ certificates: [], ticketKey: new Uint8Array(48), sessionTimeout: 1 });
    other.watch(150, 1);
    expect(other.last().terminated).toBe(0);
    other.last().events.report({ kind: 'done' });
    other.watch(1, 1);
    expect(other.last().terminated).toBe(1);
  });

  it('is not judged by time in which nobody looked: the whole process was stopped', async () => {
    const setup = bench();
    await setup.begin();
    setup.watch(2, 1);
    setup.clock.advance(60_000);
    setup.watch(1, 1);
    setup.last().data.words[HEARTBEAT]!++;
    setup.watch(3, 1);
    expect(setup.last().terminated).toBe(0);
  });

  it('has published when it says so', async () => {
    const setup = bench();
    await setup.begin();
    let published = false;
    const done = setup.thread.publish(catalogOf(2)).then(() => (published = true));
    setup.last().events.report({ kind: 'published', generation: 1 });
    await Promise.resolve();
    expect(published).toBe(false);
    setup.last().events.report({ kind: 'published', generation: 2 });
    await done;
    expect(setup.last().orders).toEqual([{ kind: 'publish', catalog: expect.objectContaining({ generation: 2 }) }]);
  });

  it('publishes to one that is starting when it is ready, and starts the next one with what is new', async () => {
    const setup = bench();
    await setup.begin();
    setup.last().events.exit(new Error('dead'));
    let published = false;
    const done = setup.thread.publish(catalogOf(2)).then(() => (published = true));
    expect(setup.last().orders).toEqual([]);
    setup.last().events.report({ kind: 'ready' });
    expect(setup.last().orders).toEqual([{ kind: 'publish', catalog: expect.objectContaining({ generation: 2 }) }]);
    await Promise.resolve();
    expect(published).toBe(false);
    setup.last().events.exit(new Error('dead again'));
    await done;
    setup.clock.advance(100);
    expect(setup.last().data.catalog.generation).toBe(2);
    setup.last().events.report({ kind: 'ready' });
    expect(setup.last().orders).toEqual([]);
  });

  it('stops when told, is ended when it does not, and is not started again', async () => {
    const setup = bench();
    await setup.begin();
    const stopped = setup.thread.stop(1000);
    expect(setup.last().orders).toEqual([{ kind: 'stop' }]);
    setup.clock.advance(999);
    expect(setup.last().terminated).toBe(0);
    setup.clock.advance(1);
    expect(setup.last().terminated).toBe(1);
    setup.last().events.exit();
    await stopped;
    expect(setup.threads.length).toBe(1);
  });

  it('does not come back when it is stopped while it waits to be started again', async () => {
    const setup = bench();
    await setup.begin();
    setup.last().events.exit(new Error('one'));
    setup.last().events.exit(new Error('two'));
    await setup.thread.stop(1000);
    setup.clock.advance(60_000);
    expect(setup.threads.length).toBe(2);
  });

  it('passes on what it logs, with its name', async () => {
    const setup = bench();
    await setup.begin();
    setup.last().events.report({ kind: 'log', level: 'warn', fields: { a: 1 }, message: 'hello' });
    expect(setup.lines).toEqual(['hello']);
  });

  it('tells a thread that answers of other settings, and one that is being started when it does', async () => {
    const made = bench();
    const { thread, threads, last } = made;
    await made.begin();
    const settings = threadSettings(defaultConfig(), 0, silentLog);
    const told = thread.configure(settings);
    expect(last().orders).toEqual([{ kind: 'settings', settings }]);
    last().events.report({ kind: 'done' });
    await told;
    last().events.exit();
    expect(threads).toHaveLength(2);
    expect(last().data.settings).toBe(settings);
    const later = { ...settings };
    await thread.configure(later);
    expect(last().orders).toEqual([]);
    last().events.report({ kind: 'ready' });
    expect(last().orders).toEqual([{ kind: 'settings', settings: later }]);
  });

  it('lets nobody wait for a thread that has died', async () => {
    const made = bench();
    const { thread, last } = made;
    await made.begin();
    const told = thread.configure(threadSettings(defaultConfig(), 0, silentLog));
    const sessions = thread.sessions(3);
    last().events.exit(new Error('gone'));
    await told;
    expect(await sessions).toEqual(NO_SESSIONS);
  });

  it('asks for sessions, and waits for the answer only so long', async () => {
    const made = bench();
    const { thread, clock, last } = made;
    expect(await thread.sessions(1)).toEqual(NO_SESSIONS);
    await made.begin();
    const report = { ...NO_SESSIONS, open: 7 };
    const asked = thread.sessions(3);
    expect(last().orders).toEqual([{ kind: 'sessions', longest: 3, number: 1 }]);
    last().events.report({ kind: 'sessions', report, number: 1 });
    expect(await asked).toBe(report);
    const late = thread.sessions(3);
    clock.advance(5000);
    expect(await late).toEqual(NO_SESSIONS);
    const next = thread.sessions(3);
    last().events.report({ kind: 'sessions', report, number: 2 });
    const fresh = { ...NO_SESSIONS, open: 8 };
    last().events.report({ kind: 'sessions', report: fresh, number: 3 });
    expect(await next).toBe(fresh);
  });

  it('tells of the sessions while it stops', async () => {
    const made = bench();
    const { thread, last } = made;
    await made.begin();
    const stopped = thread.stop(4000);
    const report = { ...NO_SESSIONS, open: 2, draining: 2 };
    const asked = thread.sessions(3);
    last().events.report({ kind: 'sessions', report, number: 1 });
    expect(await asked).toBe(report);
    const never = thread.sessions(3);
    last().events.exit();
    await stopped;
    expect(await never).toEqual(NO_SESSIONS);
  });

  it('stops with the time that sessions are given', async () => {
    const made = bench();
    const { thread, last } = made;
    await made.begin();
    const stopped = thread.stop(4000, 3000);
    expect(last().orders).toEqual([{ kind: 'stop', drainTime: 3000 }]);
    last().events.exit();
    await stopped;
  });
});
