/** Clients that stop, reset, or send garbage, at every step of a session: the server closes in time, loses nothing, goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildQuery } from '../support/message.js';
import { until } from '../support/patience.js';
import { framed } from '../support/responder.js';
import { missingPrograms, type Server, serve, starttls } from './support.js';
import { ask, DUMMY, toBit, Wire } from './wire.js';

const missing = missingPrograms({ python3: 'python3' });
const WWW = 'www.home.test';
const NAS = 'nas.home.test';

/** Seconds of the timer that is to close; the timers that begin earlier are shorter, and those that are not to close are much longer. */
const SHORT = 1;
const MIDDLE = 2;
const LONG = 60;
/** Seconds that a busy machine may be late: half the way to a timer that is longer. */
const LATE = 30;
/** Seconds that clocks of two processes may differ in. */
const EARLY = 0.05;

type Timer = 'message' | 'idle' | 'handshake';

/** Settings of servers by the timer that is to close sessions there. */
const TIMERS: Readonly<Record<Timer, object>> = {
  message: { message_timeout: SHORT, idle_timeout: LONG, handshake_timeout: LONG },
  idle: { message_timeout: SHORT, idle_timeout: MIDDLE, handshake_timeout: LONG },
  handshake: { message_timeout: SHORT, idle_timeout: SHORT, handshake_timeout: MIDDLE },
};
const SECONDS: Readonly<Record<Timer, number>> = { message: SHORT, idle: MIDDLE, handshake: MIDDLE };

/** The step at which a client stops, the timer that closes its session, and how: with close_notify inside TLS. */
const STOPS = [
  ['connected', 'idle', 'eof'],
  ['length', 'message', 'eof'],
  ['half-query', 'message', 'eof'],
  ['query', 'idle', 'eof'],
  ['answer', 'idle', 'eof'],
  ['hello-start', 'handshake', 'eof'],
  ['half-hello', 'handshake', 'eof'],
  ['hello', 'handshake', 'eof'],
  ['handshake', 'idle', 'close_notify'],
  ['half-inside', 'message', 'close_notify'],
  ['inside', 'idle', 'close_notify'],
] as const;

/** Steps before TLS. */
const PLAINTEXT: readonly string[] = ['connected', 'length', 'half-query', 'query', 'answer'];

describe.skipIf(missing)(`sessions in trouble${missing ? ` (skipped: ${missing})` : ''}`, () => {
  /** By the timer that closes there; `server` is that of idle sessions. */
  const servers = new Map<Timer, Server>();
  let server: Server;
  const descriptors = new Map<Server, number>();
  beforeAll(async () => {
    for (const [timer, times] of Object.entries(TIMERS) as [Timer, object][]) {
      const one = await serve({ sessions: { idle_timeout_min: SHORT, drain_timeout: 1, ...times } });
      servers.set(timer, one);
      await starttls(one.port, WWW);
      await one.openConnections();
      descriptors.set(one, one.descriptors());
    }
    server = servers.get('idle')!;
  });
  afterAll(() => Promise.all([...servers.values()].map((one) => one.stop())));

  // Whatever a client did: nothing is left of it, and the next one is served.
  afterEach(async () => {
    for (const one of servers.values()) {
      expect(await one.openConnections()).toBe(0);
      expect(one.descriptors()).toBe(descriptors.get(one));
      expect(await upgradedAnswer(one)).toBe('192.0.2.20');
      expect(one.stderr()).not.toMatch(/"level":(50|60)/);
    }
  });

  /** The answer to an ordinary client. */
  async function upgradedAnswer({ port }: Server): Promise<string | undefined> {
    using plain = await Wire.connect(port);
    expect(toBit(await plain.ask(DUMMY))).toBe(true);
    using inside = await plain.startTls();
    return (await inside.ask(ask(NAS))).answer[0]?.text;
  }

  type Closed = Awaited<ReturnType<typeof starttls>>['closed'];

  /** What is wrong with how a session was closed, if anything. */
  function faultOf(closed: Closed, timer: Timer, how: string): Closed | undefined {
    // The handshake is timed as a whole, the rest since its last octets.
    const seconds = (timer === 'handshake' ? closed?.in_all : closed?.after) ?? 0;
    const least = SECONDS[timer] - EARLY;
    return closed?.how === how && seconds >= least && seconds < LATE ? undefined : closed;
  }

  /** Clients that stop, all at once; returns what is wrong, by step. */
  async function stopAll(
    stops: readonly (readonly [string, Timer, string])[],
    portOf: (server: Server) => number,
    ...words: readonly string[]
  ): Promise<Record<string, Closed>> {
    const faults: Record<string, Closed> = {};
    const stop = async ([step, timer, how]: readonly [string, Timer, string]): Promise<void> => {
      const { closed } = await starttls(portOf(servers.get(timer)!), ...words, '--stop', step, WWW);
      const fault = faultOf(closed, timer, how);
      if (fault !== undefined || closed === undefined) faults[step] = closed;
    };
    await Promise.all(stops.map(stop));
    return faults;
  }

  it('clients that stop, at every step: closed by the timer of that step', async () => {
    expect(await stopAll(STOPS, ({ port }) => port)).toEqual({});
  });

  it('clients of port 853 that stop, at every step', async () => {
    const expected = STOPS.filter(([step]) => !PLAINTEXT.includes(step));
    const stops = [['connected', 'handshake', 'eof'] as const, ...expected];
    expect(await stopAll(stops, ({ tlsPort }) => tlsPort, '--dot')).toEqual({});
  });

  it('clients of TLS 1.2 that stop after the ClientHello or in the handshake', async () => {
    const stops = ['half-hello', 'hello'].map((step) => [step, 'handshake', 'eof'] as const);
    expect(await stopAll(stops, ({ port }) => port, '--tls12')).toEqual({});
  });

  /** Writes octets one by one until the server closes; returns how many of them. */
  async function oneByOne(wire: Wire, octets: Buffer): Promise<number> {
    let written = 0;
    for (; written < octets.length && wire.ended === undefined; written++) {
      wire.stream.write(octets.subarray(written, written + 1));
      await sleep(200);
    }
    return written;
  }

  it('octets that come one by one do not make it wait longer', async () => {
    using wire = await Wire.connect(servers.get('message')!.port);
    const octets = framed(buildQuery(ask(`${'x'.repeat(60)}.home.test`)));
    expect(await oneByOne(wire, octets)).toBeLessThan(octets.length);
    expect(wire.received.length).toBe(0);
  });

  it('nor do those of a ClientHello', async () => {
    const began = performance.now();
    using wire = await Wire.connect(servers.get('handshake')!.port);
    await wire.ask({ name: 'STARTTLS.', class: 'CH', type: 'TXT' });
    // It is much longer than the octets that are there.
    const octets = Buffer.from('16030100c8010000c40303'.padEnd(300, '0'), 'hex');
    expect(await oneByOne(wire, octets)).toBeLessThan(octets.length);
    expect((performance.now() - began) / 1000).toBeGreaterThan(SECONDS.handshake - EARLY);
  });

  it.each(STOPS.map(([step]) => step))('a reset at step %s', async (step) => {
    const reset = (port: number, ...words: string[]) => starttls(port, ...words, '--reset', step, WWW);
    const runs = [reset(server.port), reset(server.port, '--tls12')];
    if (step === 'connected' || !PLAINTEXT.includes(step)) runs.push(reset(server.tlsPort, '--dot'));
    expect((await Promise.all(runs)).map(({ steps }) => steps.at(-1))).toEqual(runs.map(() => step));
  });

  it('100 resets at every step at once', async () => {
    const socketsOf = async (port: number): Promise<void> => {
      const wires = await Promise.all(Array.from({ length: 100 }, () => Wire.connect(port)));
      wires.forEach((wire, i) => {
        const hello = Buffer.from('160301002001000000', 'hex');
        wire.stream.write(Buffer.concat([framed(buildQuery({ name: 'STARTTLS.', class: 'CH', type: 'TXT' })), hello]));
        setTimeout(() => wire.stream.resetAndDestroy(), i);
      });
      await Promise.all(wires.map((wire) => wire.closed()));
    };
    await Promise.all([socketsOf(server.port), socketsOf(server.tlsPort)]);
  });

  const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: www.home.test\r\n\r\n');
  const RESPONSE = framed(buildQuery({ name: `${WWW}.`, flagBits: 0x8400 }));
  const HELLO = Buffer.from('160301002001000000', 'hex');
  const NOISE = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * i * 31 + i * 7) % 251));

  it.each([
    ['a query in the clear', framed(buildQuery(ask(WWW)))],
    ['the dummy query', framed(buildQuery({ name: 'STARTTLS.', class: 'CH', type: 'TXT', edns: { flags: 0x4000 } }))],
    ['a request of HTTP', REQUEST],
    ['noise', NOISE],
    ['zeros', Buffer.alloc(100)],
    ['a ClientHello of nonsense', Buffer.concat([HELLO, Buffer.alloc(100, 1)])],
    ['an alert', Buffer.from('15030300020100', 'hex')],
    ['nothing, then the end', Buffer.alloc(0)],
  ])('on port 853, %s gets no DNS answer', async (_what, octets) => {
    const waiting = servers.get('handshake')!;
    const before = await waiting.statistics();
    using wire = await Wire.connect(waiting.tlsPort);
    if (octets.length > 0) wire.stream.write(octets);
    else wire.stream.end();
    expect(await wire.closed()).toMatch(/end|close|ECONNRESET|EPIPE/);
    // At most an alert (type 21) comes back.
    if (wire.received.length > 0) expect([wire.received[0], wire.received.length]).toEqual([21, 7]);
    const after = await waiting.statistics();
    expect([after.tls?.messages, after.tcp?.messages]).toEqual([before.tls?.messages, before.tcp?.messages]);
  });

  describe('on port 53', () => {
    const sent: Readonly<Record<string, Buffer>> = {
      'a ClientHello': HELLO,
      'a request of HTTP': REQUEST,
      'a response': RESPONSE,
      'a message of no octets': Buffer.alloc(2),
      'noise that is no whole message': Buffer.concat([Buffer.of(255, 255), NOISE]),
      'nothing, then the end': Buffer.alloc(0),
    };
    const found = new Map<string, { readonly closed: string; readonly received: number }>();
    // All at once: most of them are closed by a timer.
    beforeAll(async () => {
      const send = async ([what, octets]: [string, Buffer]): Promise<void> => {
        using wire = await Wire.connect(server.port);
        if (octets.length > 0) wire.stream.write(octets);
        else wire.stream.end();
        found.set(what, { closed: await wire.closed(), received: wire.received.length });
      };
      await Promise.all(Object.entries(sent).map(send));
    });

    it.each(Object.keys(sent))('%s is closed over', (what) => {
      expect(found.get(what)?.closed).toMatch(/end|close|ECONNRESET|EPIPE/);
      expect(found.get(what)?.received).toBe(0);
    });
  });

  it('SIGTERM closes idle sessions with close_notify, and ends the process long before the drain time', async () => {
    await using brief = await serve({ sessions: { idle_timeout: LONG, drain_timeout: LONG } });
    const sessions = [starttls(brief.port, '--watch', WWW), starttls(brief.tlsPort, '--dot', '--watch', WWW)];
    expect(await brief.openConnections(2)).toBe(2);
    const answered = async (): Promise<boolean> => {
      const { tls, starttls: upgraded } = await brief.statistics();
      return tls?.messages === 1 && upgraded?.messages === 1;
    };
    await until('both answers', answered);
    const began = performance.now();
    expect((await brief.stop()).status).toBe(0);
    expect((performance.now() - began) / 1000).toBeLessThan(LATE);
    expect((await Promise.all(sessions)).map(({ closed }) => closed?.how)).toEqual(['close_notify', 'close_notify']);
  });
});
