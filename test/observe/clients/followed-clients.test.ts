import { describe, expect, it } from 'vitest';
import { Transport } from '../../../src/answer/facts.js';
import {
  AWAY_TIMES,
  CLIENTS,
  clearFollowed,
  createFollowTable,
  FOLLOWED_WORDS,
  Followed,
  FollowedClients,
  followedOneIn,
  narrow,
  RETRY_TIME,
} from '../../../src/observe/clients/followed-clients.js';
import { type Following, followingOf } from '../../../src/report/following.js';
import { AFTER, AWAY_BOUNDS, BLOCKS } from '../../../src/report/measures.js';
import { HandshakeEnd } from '../../../src/session/session-end.js';

const { UDP, TCP, STARTTLS, TLS } = Transport;

/** Milliseconds since 1970, of which 32 bits are too few. */
const NOW = 1_796_040_000_000;
/** A different hash for each client, in different buckets and with all bits in use. */
const hashOf = (client: number): number => Math.imul(client + 1, 0x9e3779b1) ^ (client << 7);

/** Clients, and what is said of them. */
class World {
  readonly table = createFollowTable();
  readonly words = new Float64Array(FOLLOWED_WORDS);
  /** Two threads. */
  readonly threads = [0, 1].map(() => new FollowedClients(this.table, this.words, 0));
  now = NOW;
  #turn = 0;

  ask(client: number, transport: Transport, truncated = 0): void {
    this.#thread().asked(hashOf(client), transport, truncated, Math.floor(this.now / 1000));
  }

  /** It takes 20 ms, and ends now. */
  shake(client: number, end: HandshakeEnd): void {
    this.#thread().handshakeEnded(hashOf(client), end, 20, this.now);
  }

  get figures(): Following {
    const blocks = [
      [BLOCKS.firstUses.id, Followed.FIRST_USES, 64],
      [BLOCKS.moves.id, Followed.MOVES, 16],
      [BLOCKS.movers.id, Followed.MOVERS, 16],
      [BLOCKS.tries.id, Followed.TRIES, 4],
      [BLOCKS.retries.id, Followed.RETRIES, 4],
      [BLOCKS.after.id, Followed.AFTER, FOLLOWED_WORDS - Followed.AFTER],
    ] as const;
    const cells = new Map<number, number>();
    for (const [id, at, count] of blocks) for (let i = 0; i < count; i++) cells.set(id + i, this.words[at + i]!);
    return followingOf(cells);
  }

  #thread(): FollowedClients {
    return this.threads[this.#turn++ % 2]!;
  }
}

describe('clients that are followed', () => {
  it('are counted once by the transports that they used, and each move is counted', () => {
    const world = new World();
    for (const transport of [UDP, UDP, TLS, TLS, UDP, TLS]) world.ask(1, transport);
    for (const transport of [UDP, TLS]) world.ask(2, transport);
    for (const transport of [TLS, TLS]) world.ask(3, transport);
    for (const transport of [UDP, UDP]) world.ask(4, transport);
    for (const transport of [TCP, STARTTLS, TCP, UDP]) world.ask(5, transport);
    expect(world.figures.used).toEqual({ tls: 1, 'udp+tls': 2, 'udp+tcp+starttls': 1 });
    expect(world.figures.moves).toEqual([
      { from: 'udp', to: 'tls', times: 3, clients: 2 },
      { from: 'tcp', to: 'udp', times: 1, clients: 1 },
      { from: 'tcp', to: 'starttls', times: 1, clients: 1 },
      { from: 'starttls', to: 'tcp', times: 1, clients: 1 },
      { from: 'tls', to: 'udp', times: 1, clients: 1 },
    ]);
  });

  it('come back to TLS or stay away, by how a handshake ended, and for how long', () => {
    const world = new World();
    world.shake(1, HandshakeEnd.ALERT);
    world.now += 5000;
    world.ask(1, UDP);
    world.ask(1, UDP);
    world.now += 3_595_020;
    world.shake(1, HandshakeEnd.FULL);
    world.ask(1, TLS);
    world.now += 500;
    world.shake(1, HandshakeEnd.RESUMED);
    world.shake(2, HandshakeEnd.CLOSED);
    world.ask(2, TCP);
    world.shake(3, HandshakeEnd.NOTHING_SENT);
    const { figures } = world;
    expect([figures.tried_tls, figures.completed_tls, figures.came_back_to_tls]).toEqual([2, 1, 1]);
    const nothing = {
      asked_in_clear: 0,
      came_back: 0,
      came_back_within: {},
      mean_seconds_away: null,
      beside_others: 0,
    };
    expect(figures.after_handshakes).toEqual({
      alert: {
        ...nothing,
        handshakes: 1,
        asked_in_clear: 1,
        came_back: 1,
        came_back_within: { '1 h': 1 },
        mean_seconds_away: 3600,
        away: 0,
      },
      full: {
        ...nothing,
        handshakes: 1,
        came_back: 1,
        came_back_within: { '1 s': 1 },
        mean_seconds_away: 0.48,
        away: 0,
      },
      resumed: { ...nothing, handshakes: 1, away: 1 },
      closed: { ...nothing, handshakes: 1, asked_in_clear: 1, away: 1 },
    });
  });

  it('that have two handshakes at the same time did not come back', () => {
    const world = new World();
    world.shake(1, HandshakeEnd.FULL);
    world.now += 19;
    world.shake(1, HandshakeEnd.FULL);
    const { came_back_to_tls, after_handshakes } = world.figures;
    expect(came_back_to_tls).toBe(0);
    expect(after_handshakes.full).toMatchObject({ handshakes: 2, came_back: 0, beside_others: 1, away: 1 });
  });

  it('retry an answer with TC over a stream, in time, each once', () => {
    const world = new World();
    for (let i = 0; i < 3; i++) world.ask(1, UDP, 1);
    for (let i = 0; i < 2; i++) world.ask(1, TCP);
    world.ask(1, TLS);
    world.ask(1, TCP);
    expect(world.figures.truncation).toEqual({ answers: 3, retried: { tcp: 2, tls: 1 }, not_retried: 0 });
    for (const late of [RETRY_TIME, RETRY_TIME + 1]) {
      world.ask(2, UDP, 1);
      world.now += late * 1000;
      world.ask(2, TCP);
    }
    world.ask(3, UDP);
    world.ask(3, TCP);
    expect(world.figures.truncation).toEqual({ answers: 5, retried: { tcp: 3, tls: 1 }, not_retried: 1 });
  });

  it('have buckets and names that the report knows', () => {
    expect(AWAY_BOUNDS).toHaveLength(AWAY_TIMES.length + 1);
    const seconds = AWAY_BOUNDS.slice(0, -1).map((text) => {
      const [count = '', unit = ''] = text.split(' ');
      return Number(count) * { s: 1, min: 60, h: 3600, d: 86_400 }[unit]!;
    });
    expect(seconds).toEqual(AWAY_TIMES);
    expect(AFTER.indexOf('sum')).toBe(AWAY_BOUNDS.length);
    expect(FOLLOWED_WORDS - Followed.AFTER).toBeGreaterThanOrEqual(BLOCKS.after.labels.length);
  });

  it('begin anew with the table', () => {
    const world = new World();
    world.ask(1, TLS);
    clearFollowed(world.table);
    world.ask(1, UDP);
    world.ask(1, TLS);
    expect(world.figures.used).toEqual({ tls: 1, 'udp+tls': 1 });
  });
});

describe('the table of clients', () => {
  /** As SipHash would spread them. */
  function* hashes(count: number, seed = 1): Generator<number> {
    let state = seed;
    for (let i = 0; i < count; i++) {
      state = (state + 0x9e3779b9) | 0;
      let hash = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
      yield hash ^ (hash >>> 16);
    }
  }

  it('is as large as it is, whoever comes, and keeps the clients of streams: those that only use UDP make room', () => {
    const world = new World();
    const [thread] = world.threads;
    const streams = [...hashes(1000)];
    for (const hash of streams) thread!.asked(hash, TLS, 0, 0);
    const { length } = world.table;
    // Ten forged addresses for each place.
    for (const hash of hashes(10 * CLIENTS, 77)) thread!.asked(hash, UDP, 0, 0);
    for (const hash of streams) thread!.asked(hash, TCP, 0, 0);
    expect(world.table).toHaveLength(length);
    expect(length * 4).toBeLessThan(600_000);
    expect(world.figures.used).toEqual({ 'tcp+tls': 1000 });
    for (let minute = 1; minute <= 10; minute++) {
      narrow(world.table);
      expect(followedOneIn(world.table)).toBe(Math.min(2 ** minute, 64));
      // Its upper bits are 0: it is in each sample.
      for (const hash of hashes(4 * CLIENTS, minute)) thread!.asked(hash >>> 8, UDP, 0, 0);
    }
  });

  it('follows one client in two when those of streams take more than a quarter of it, but the same ones', () => {
    const world = new World();
    const [thread] = world.threads;
    const quarter = [...hashes(CLIENTS / 4)];
    for (const hash of quarter) thread!.asked(hash, TCP, 0, 0);
    expect(world.figures.not_followed).toBeLessThan(CLIENTS / 100);
    narrow(world.table);
    expect(followedOneIn(world.table)).toBe(1);
    for (const hash of hashes(CLIENTS / 8, 5)) thread!.asked(hash, TCP, 0, 0);
    narrow(world.table);
    expect(followedOneIn(world.table)).toBe(2);
    world.words.fill(0);
    for (const hash of quarter) thread!.asked(hash, TLS, 0, 0);
    const { used, not_followed } = world.figures;
    // Those that had a place and are in the sample still have it: none is new.
    expect(used.tls ?? 0).toBeLessThan(CLIENTS / 100);
    expect(used['tcp+tls']! / (CLIENTS / 8)).toBeGreaterThan(0.95);
    expect(used['tcp+tls']! / (CLIENTS / 8)).toBeLessThan(1.05);
    expect(not_followed).toBeLessThan(CLIENTS / 100);
  });

  it('follows one in 4096 at least, however many there are', () => {
    const world = new World();
    const [thread] = world.threads;
    // The upper twelve bits are 0, as where one in 4096 is followed.
    for (let turn = 0; turn < 14; turn++) {
      for (let i = 0; i < CLIENTS; i++) thread!.asked(i, TCP, 0, 0);
      narrow(world.table);
    }
    expect(followedOneIn(world.table)).toBe(4096);
    expect(world.figures.used.tcp).toBeGreaterThanOrEqual(CLIENTS);
  });

  it('says when there is no place for a client of streams', () => {
    const world = new World();
    const [thread] = world.threads;
    // All of one bucket.
    for (let i = 1; i <= 6; i++) thread!.asked(i * CLIENTS, TLS, 0, 0);
    expect(world.figures.used).toEqual({ tls: 4 });
    expect(world.figures.not_followed).toBe(2);
    thread!.asked(7 * CLIENTS, UDP, 0, 0);
    expect(world.figures.not_followed).toBe(2);
  });
});
