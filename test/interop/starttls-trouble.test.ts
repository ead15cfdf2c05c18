/** Clients that stop, reset, or send garbage, at every step of a session: the server closes in time, loses nothing, goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildQuery } from '../support/message.js';
import { framed } from '../support/responder.js';
import { missingPrograms, type Server, serve, starttls } from './support.js';
import { ask, DUMMY, toBit, Wire } from './wire.js';

const missing = missingPrograms({ python3: 'python3' });
const WWW = 'www.home.test';
const NAS = 'nas.home.test';

/** Seconds: different, so that it shows which of the timers closed. */
const MESSAGE = 1;
const IDLE = 2;
const HANDSHAKE = 3;
/** Seconds that a busy machine may be late. */
const LATE = 0.9;

/** The step at which a client stops, the timer that closes its session, and how: with close_notify inside TLS. */
const STOPS = [
  ['connected', IDLE, 'eof'],
  ['length', MESSAGE, 'eof'],
  ['half-query', MESSAGE, 'eof'],
  ['query', IDLE, 'eof'],
  ['answer', IDLE, 'eof'],
  ['hello-start', HANDSHAKE, 'eof'],
  ['half-hello', HANDSHAKE, 'eof'],
  ['hello', HANDSHAKE, 'eof'],
  ['handshake', IDLE, 'close_notify'],
  ['half-inside', MESSAGE, 'close_notify'],
  ['inside', IDLE, 'close_notify'],
] as const;

/** Steps before TLS. */
const PLAINTEXT: readonly string[] = ['connected', 'length', 'half-query', 'query', 'answer'];

describe.skipIf(missing)(`sessions in trouble${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server;
  let descriptors = 0;
  beforeAll(async () => {
    server = await serve({
      sessions: {
        idle_timeout: IDLE,
        idle_timeout_min: IDLE,
        message_timeout: MESSAGE,
        handshake_timeout: HANDSHAKE,
        drain_timeout: 1,
      },
    });
    await starttls(server.port, WWW);
    await server.openConnections();
    descriptors = server.descriptors();
  });
  afterAll(() => server?.stop());

  // Whatever a client did: nothing is left of it, and the next one is served.
  afterEach(async () => {
    expect(await server.openConnections()).toBe(0);
    expect(server.descriptors()).toBe(descriptors);
    expect(await upgradedAnswer()).toBe('192.0.2.20');
    expect(server.stderr()).not.toMatch(/"level":(50|60)/);
  });

  /** The answer to an ordinary client. */
  async function upgradedAnswer(): Promise<string | undefined> {
    using plain = await Wire.connect(server.port);
    expect(toBit(await plain.ask(DUMMY))).toBe(true);
    using inside = await plain.startTls();
    return (await inside.ask(ask(NAS))).answer[0]?.text;
  }

  it('clients that stop, at every step: closed by the timer of that step', async () => {
    const results = await Promise.all(STOPS.map(([step]) => starttls(server.port, '--stop', step, WWW)));
    const seen = results.map(({ closed }, i) => {
      const [step, after, how] = STOPS[i] ?? ['', 0, ''];
      const late = (closed?.after ?? 0) - after;
      return [step, closed?.how === how && late > -0.3 && late < LATE ? 'as expected' : closed];
    });
    expect(seen).toEqual(STOPS.map(([step]) => [step, 'as expected']));
  });

  it('clients of port 853 that stop, at every step', async () => {
    const expected = STOPS.filter(([step]) => !PLAINTEXT.includes(step));
    const stops = [['connected', HANDSHAKE, 'eof'] as const, ...expected];
    const results = await Promise.all(stops.map(([step]) => starttls(server.tlsPort, '--dot', '--stop', step, WWW)));
    const seen = results.map(({ closed }, i) => {
      const [step, after, how] = stops[i] ?? ['', 0, ''];
      const late = (closed?.after ?? 0) - after;
      return [step, closed?.how === how && late > -0.3 && late < LATE ? 'as expected' : closed];
    });
    expect(seen).toEqual(stops.map(([step]) => [step, 'as expected']));
  });

  it('clients of TLS 1.2 that stop after the ClientHello or in the handshake', async () => {
    const results = await Promise.all(
      ['half-hello', 'hello'].map((step) => starttls(server.port, '--tls12', '--stop', step, WWW)),
    );
    for (const { closed } of results) {
      expect(closed?.how).toBe('eof');
      expect(closed?.after).toBeGreaterThan(HANDSHAKE - 0.3);
      expect(closed?.after).toBeLessThan(HANDSHAKE + LATE);
    }
  });

  it('octets that come one by one do not make it wait longer', async () => {
    using wire = await Wire.connect(server.port);
    const octets = framed(buildQuery(ask(WWW)));
    const began = Date.now();
    for (const octet of octets) {
      if (wire.ended !== undefined) break;
      wire.stream.write(Buffer.of(octet));
      await sleep(200);
    }
    expect(wire.received.length).toBe(0);
    expect(Date.now() - began).toBeLessThan((MESSAGE + LATE) * 1000);
  });

  it('nor do those of a ClientHello', async () => {
    using wire = await Wire.connect(server.port);
    await wire.ask({ name: 'STARTTLS.', class: 'CH', type: 'TXT' });
    const began = Date.now();
    for (const octet of Buffer.from('16030100c8010000c40303'.padEnd(100, '0'), 'hex')) {
      if (wire.ended !== undefined) break;
      wire.stream.write(Buffer.of(octet));
      await sleep(200);
    }
    const seconds = (Date.now() - began) / 1000;
    expect(seconds).toBeGreaterThan(HANDSHAKE - 0.3);
    expect(seconds).toBeLessThan(HANDSHAKE + LATE);
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
    const before = await server.statistics();
    using wire = await Wire.connect(server.tlsPort);
    if (octets.length > 0) wire.stream.write(octets);
    else wire.stream.end();
    expect(await wire.closed()).toMatch(/end|close|ECONNRESET|EPIPE/);
    // At most an alert (type 21) comes back.
    if (wire.received.length > 0) expect([wire.received[0], wire.received.length]).toEqual([21, 7]);
    const after = await server.statistics();
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

  it('SIGTERM closes idle sessions with close_notify, and ends the process in the drain time', async () => {
    await using brief = await serve({ sessions: { drain_timeout: 2 } });
    const sessions = [starttls(brief.port, '--watch', WWW), starttls(brief.tlsPort, '--dot', '--watch', WWW)];
    expect(await brief.openConnections(2)).toBe(2);
    const answered = async (): Promise<number> => (await brief.statistics()).tls?.messages ?? 0;
    for (let tries = 0; tries < 100 && (await answered()) < 2; tries++) await sleep(50);
    const began = Date.now();
    expect((await brief.stop()).status).toBe(0);
    expect(Date.now() - began).toBeLessThan(2_500);
    expect((await Promise.all(sessions)).map(({ closed }) => closed?.how)).toEqual(['close_notify', 'close_notify']);
  });
});
