import { describe, expect, it } from 'vitest';
import { createFacts, createOutcome, Kind, Transport } from '../../../src/answer/facts.js';
import { createDayMemory } from '../../../src/observe/clients/day-clients.js';
import { Counters } from '../../../src/observe/counters/counters.js';
import { makeReport } from '../../../src/report/make-report.js';
import { countedCells } from '../../../src/server/evidence/counted-cells.js';
import { Recorder } from '../../../src/server/evidence/recorder.js';
import { HandshakeEnd, SessionEnd, SessionPath } from '../../../src/session/session-end.js';
import { emptyCatalog } from '../../support/catalog.js';
import { FakeClock } from '../../support/clock.js';

/** Noon of 2026-11-30. */
const NOON = 1_796_040_000;
const DAY = 86_400;

class Table {
  readonly values = new Map<string, Uint8Array>();
  fails = false;
  keys = () => [...this.values.keys()];
  get = (key: string) => this.values.get(key);
  async put(key: string, value: Uint8Array): Promise<void> {
    if (this.fails) throw new Error('the disk is full');
    this.values.set(key, value);
  }
  async remove(key: string): Promise<void> {
    this.values.delete(key);
  }
}

/** A server that counts; each start has counters of its own. */
function start(table: Table | undefined, clock = new FakeClock(), cpu = { control: 0, loader: 0, udp: 0, stream: 0 }) {
  if (clock.now < NOON) clock.now = NOON * 1000;
  const warnings: string[] = [];
  const days = createDayMemory(1);
  const counters = new Counters(undefined, days[0]);
  const use = { cpu: { ...cpu }, memory: 1000, running: 0 };
  const recorder = new Recorder({
    counted: () => countedCells(counters, use),
    days,
    table,
    server: 'ns1',
    clock,
    log: { warn: (_, text) => void warnings.push(text) },
  });
  const ask = (transport: Transport, client: number, times = 1): void => {
    const facts = createFacts(emptyCatalog());
    facts.transport = transport;
    facts.client.set([10, client >> 16, (client >> 8) & 0xff, client & 0xff]);
    for (let i = 0; i < times; i++) counters.count(facts, { ...createOutcome(), kind: Kind.ANSWER }, 40, 100);
  };
  return { recorder, counters, clock, ask, use, warnings };
}

const reportOf = ({ recorder, clock }: Pick<ReturnType<typeof start>, 'recorder' | 'clock'>) =>
  makeReport([recorder.data()], { from: clock.seconds() - DAY, to: clock.seconds() + 60 });

describe('the evidence of a server', () => {
  it('has what was counted in each minute, also in the one that is not over', () => {
    const server = start(undefined);
    server.ask(Transport.UDP, 1, 3);
    server.clock.advance(60_000);
    server.ask(Transport.TLS, 2, 2);
    server.clock.advance(30_000);
    const { minutes, stored } = server.recorder.data();
    expect(stored).toBe(false);
    expect(minutes.map(({ at, cells }) => [at, cells['queries.udp.ipv4'], cells['queries.tls.ipv4']])).toEqual([
      [NOON, 3, undefined],
      [NOON + 60, undefined, 2],
    ]);
    expect(minutes[1]?.cells['octets_out.tls.ipv4']).toBe(200);
  });

  it('goes on after a restart on the same day: counts, and clients, each once', async () => {
    const table = new Table();
    const first = start(table);
    for (let client = 0; client < 500; client++) first.ask(Transport.UDP, client);
    await first.recorder.close();
    expect(first.clock.timers).toBe(0);
    const second = start(table, first.clock);
    for (let client = 250; client < 1000; client++) second.ask(Transport.UDP, client);
    const { figures, clients } = reportOf(second);
    expect(figures.transports.udp?.queries).toBe(1250);
    expect(clients).toHaveLength(1);
    expect(clients[0]).toMatchObject({ day: '2026-11-30', keys: 1 });
    expect(Math.abs(clients[0]!.all - 1000)).toBeLessThan(30);
  });

  it('hashes with another key each day, and keeps only the one of today', async () => {
    const table = new Table();
    const server = start(table);
    server.ask(Transport.UDP, 1);
    const key = () => Buffer.from(table.values.get('key')!.subarray(5)).toString('hex');
    const before = key();
    server.clock.advance(DAY * 1000);
    server.ask(Transport.UDP, 1);
    server.ask(Transport.UDP, 2);
    expect(key()).not.toBe(before);
    const { clients } = reportOf(server);
    expect(clients.map(({ day, all }) => [day, all])).toEqual([
      ['2026-11-30', 1],
      ['2026-12-01', 2],
    ]);
    expect([...table.values.values()].some((value) => Buffer.from(value).toString('hex').includes(before))).toBe(false);
    await server.recorder.close();
  });

  it('takes no harm of a clock that jumps, and of a table that fails', async () => {
    const table = new Table();
    const server = start(table);
    for (const jump of [400 * DAY, -800 * DAY, 400 * DAY]) {
      server.ask(Transport.TCP, 1);
      server.clock.now += jump * 1000;
      server.recorder.record();
    }
    table.fails = true;
    server.ask(Transport.TCP, 1);
    server.clock.advance(180_000);
    await Promise.resolve();
    table.fails = false;
    server.clock.advance(60_000);
    await server.recorder.close();
    const { hours } = server.recorder.data();
    expect(hours.reduce((sum, { cells }) => sum + (cells['queries.tcp.ipv4'] ?? 0), 0)).toBe(4);
    expect(server.warnings).toEqual(['the report is not stored: the disk is full']);
  });

  it('tells the shares of CPU: that of threads for streams by the time of their sessions and handshakes', () => {
    const server = start(undefined);
    const client = Uint8Array.of(10, 0, 0, 1);
    server.ask(Transport.UDP, 1, 1000);
    server.ask(Transport.TCP, 1, 1000);
    server.ask(Transport.TLS, 1, 1000);
    server.counters.worked(SessionPath.TCP, 0.01, client);
    server.counters.worked(SessionPath.TLS, 0.02, client);
    server.counters.handshakesTook(0.61);
    server.counters.handshakeEnded(SessionPath.TLS, HandshakeEnd.FULL, 5, client);
    server.counters.handshakeEnded(SessionPath.TLS, HandshakeEnd.ALERT, 5, client);
    server.counters.sessionClosed(SessionPath.TLS, SessionEnd.IDLE, 10_000, 1000, client);
    server.use.cpu = { control: 1, loader: 0, udp: 1, stream: 4.88 };
    const { figures, words } = reportOf(server);
    // 0.61 s, 1.22 s and 0.61 s of work: 1.22 s, 2.44 s and 1.22 s of CPU.
    expect(figures.transports.udp?.cpu_per_query).toBeCloseTo(1000);
    expect(figures.transports.tcp?.cpu_per_query).toBeCloseTo(1220);
    expect(figures.transports.tls?.cpu_per_query).toBeCloseTo(2440);
    expect(figures.transports.tls?.cpu_per_query_with_handshakes).toBeCloseTo(3660);
    expect(figures.cpu_per_handshake).toBeCloseTo(1_220_000);
    expect(figures.handshakes.tls).toEqual({
      full: 1,
      resumed: 0,
      failed: 1,
      failures: { alert: 1 },
      mean_seconds: 0.005,
    });
    expect(figures.paths.tls).toMatchObject({ closed_by_server: { idle: 1 }, queries_per_session: 1000 });
    expect(words).toContain('TLS carried 33 % of 3000 queries at 3.7 times the CPU of UDP, handshakes included.');
  });

  it('has how clients move, and where they come back to TLS, also of the hours before; each day begins anew', () => {
    const server = start(undefined);
    const client = Uint8Array.of(10, 0, 0, 1);
    const handshake = (end: HandshakeEnd): void =>
      server.counters.followHandshake(end, 10, client, server.clock.wallMilliseconds());
    server.ask(Transport.UDP, 1);
    handshake(HandshakeEnd.ALERT);
    server.ask(Transport.UDP, 1);
    server.clock.advance(2 * 3600_000);
    handshake(HandshakeEnd.FULL);
    server.ask(Transport.TLS, 1);
    server.ask(Transport.TLS, 2);
    const { figures, words } = reportOf(server);
    expect(figures.following).toMatchObject({
      window: 7200,
      one_in: 1,
      used: { 'udp+tls': 1, tls: 1 },
      moves: [{ from: 'udp', to: 'tls', times: 1, clients: 1 }],
      tried_tls: 1,
      came_back_to_tls: 1,
      after_handshakes: { alert: { asked_in_clear: 1, came_back: 1, came_back_within: { '3 h': 1 }, away: 0 } },
    });
    expect(words).toContain(
      'Of 1 client that tried TLS, 1 completed a handshake, and 1 came back for another. After 1 failed handshake, the client asked in the clear once, and came back to TLS once.',
    );
    server.clock.advance(DAY * 1000);
    server.ask(Transport.UDP, 1);
    server.ask(Transport.TLS, 1);
    const next = makeReport([server.recorder.data()], {
      from: server.clock.seconds() - 3600,
      to: server.clock.seconds() + 60,
    });
    expect(next.figures.following.moves).toEqual([{ from: 'udp', to: 'tls', times: 1, clients: 1 }]);
    expect(next.figures.following.window).toBeLessThan(DAY);
  });

  it('of two servers is their sum, and says when a client may count twice', () => {
    const [one, other] = [start(undefined), start(undefined)];
    one.ask(Transport.UDP, 1, 5);
    other.ask(Transport.TLS, 1, 7);
    const report = makeReport([one.recorder.data(), other.recorder.data()], { from: NOON - DAY, to: NOON + 60 });
    expect(report.figures.queries).toBe(12);
    expect(report.clients).toEqual([
      { day: '2026-11-30', clients: { udp: 1, tcp: 0, starttls: 0, tls: 1 }, inside: 1, all: 2, keys: 2 },
    ]);
  });
});
