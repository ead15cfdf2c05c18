import { describe, expect, it } from 'vitest';
import { SessionState } from '../../src/session/session-state.js';
import { echoResponder, framed, message } from '../support/responder.js';
import { type Bench, createBench, type Peer, SETTINGS } from './support.js';

const client = (last: number): Uint8Array => Uint8Array.of(192, 0, 2, last);

function openAll(bench: Bench, count: number, step = 1): Peer[] {
  return Array.from({ length: count }, (_, i) => {
    bench.clock.advance(step);
    const peer = bench.open({ client: client(i & 255) });
    if (peer === undefined) throw new Error(`number ${i} was refused`);
    return peer;
  });
}

const ten = { connections: 10, connectionsPerClient: 10 };

describe('the session manager', () => {
  it('lets the idle time shrink as sessions get many, and advertises it', () => {
    const responder = echoResponder();
    const bench = createBench({}, responder, ten);
    const [first] = openAll(bench, 5);
    expect(bench.manager.idleTime).toBe(10_000);
    openAll(bench, 2);
    expect(bench.manager.idleTime).toBe(6_000);
    first?.receive(framed(message(1)));
    expect(responder.seen.at(-1)?.keepalive).toBe(60);
    openAll(bench, 2);
    expect(bench.manager.idleTime).toBe(2_000);
    expect(bench.manager.shedding).toBe(false);
    openAll(bench, 1);
    first?.receive(framed(message(2)));
    expect(responder.seen.at(-1)?.keepalive).toBe(0);
  });

  it('closes sessions earlier when those that came after them shorten the idle time', () => {
    const bench = createBench({}, echoResponder(), ten);
    const [first] = openAll(bench, 1);
    bench.clock.advance(1_500);
    openAll(bench, 8);
    bench.clock.advance(480);
    expect(first?.calls).toEqual([]);
    bench.clock.advance(20);
    expect(first?.calls).toEqual(['end']);
    expect(bench.events).toContain('IDLE_CLOSED');
  });

  it('makes room by closing the session that has been idle longest, cleanly', () => {
    const bench = createBench({}, echoResponder(), ten);
    const peers = openAll(bench, 10);
    bench.clock.advance(1);
    peers[0]?.receive(framed(message(1)));
    const next = bench.open({ client: client(200) });
    expect(next?.session.state).toBe(SessionState.PLAINTEXT);
    expect(peers[1]?.calls).toEqual(['end']);
    expect(peers[0]?.calls).toEqual([]);
    expect(bench.events).toEqual(['EVICTED']);
  });

  it('passes over sessions that have something under way', () => {
    const bench = createBench({}, echoResponder(), ten);
    const peers = openAll(bench, 9);
    peers[0]?.receive(Buffer.of(0));
    peers[1]?.stall();
    peers[1]?.receive(framed(message(1, 100, 50)));
    for (const peer of peers.slice(2)) peer.receive(framed(message(3)));
    bench.open({ secure: true });
    bench.open();
    expect(peers.findIndex((peer) => peer.calls.includes('end'))).toBe(2);
  });

  it('refuses new ones last: when nothing can be closed', () => {
    const bench = createBench({}, echoResponder(), ten);
    for (let i = 0; i < 10; i++) bench.open({ secure: true });
    expect(bench.open()).toBeUndefined();
  });

  it('cuts off those that have been closing longest when too many are, but none that has answers to send', () => {
    const bench = createBench({}, echoResponder(), ten);
    const peers = openAll(bench, 10);
    peers[0]?.stall();
    peers[0]?.receive(framed(message(1)));
    peers[0]?.session.ended();
    const others = [bench.open(), bench.open(), bench.open(), bench.open()];
    expect(others.every((peer) => peer !== undefined)).toBe(true);
    expect(bench.limits.open).toBe(12);
    expect(peers.map(({ calls }) => calls)).toEqual([
      ['end'],
      ['end', 'destroy'],
      ['end', 'destroy'],
      ...[3, 4].map(() => ['end']),
      ...[5, 6, 7, 8, 9].map(() => []),
    ]);
    // The connection's own end comes later, and is not counted again.
    peers[1]?.gone();
    expect(bench.limits.open).toBe(12);
  });

  it('closes a tenth of its sessions for lack of descriptors, and then cuts those off for others', () => {
    const bench = createBench();
    const peers = openAll(bench, 20);
    const having = (call: string): number => peers.filter(({ calls }) => calls.includes(call)).length;
    bench.manager.shed();
    expect([having('end'), having('destroy'), bench.manager.shedding]).toEqual([2, 0, true]);
    bench.manager.shed();
    expect([having('end'), having('destroy'), bench.manager.size]).toEqual([4, 2, 18]);
    bench.clock.advance(5000);
    expect(bench.manager.shedding).toBe(false);
  });

  it('holds the limit of a client: others are let in, and nobody has to go', () => {
    const bench = createBench({}, echoResponder(), { connections: 100, connectionsPerClient: 3 });
    const peers = [bench.open(), bench.open(), bench.open()];
    expect(bench.open()).toBeUndefined();
    expect(bench.open({ client: client(7) })).toBeDefined();
    expect(peers.map((peer) => peer?.calls)).toEqual([[], [], []]);
    peers[0]?.gone();
    expect(bench.open()).toBeDefined();
  });

  it('frees what a session took, once, when its connection is gone', () => {
    const bench = createBench();
    const peer = bench.open();
    peer?.gone();
    peer?.gone();
    expect([bench.limits.open, bench.manager.size, bench.clock.timers]).toEqual([0, 0, 0]);
  });

  it('cuts off a handshake that takes too long', () => {
    const bench = createBench();
    const peer = bench.open({ secure: true });
    bench.clock.advance(2_999);
    expect(peer?.calls).toEqual([]);
    bench.clock.advance(1);
    expect(peer?.calls).toEqual(['destroy']);
    expect(bench.events).toEqual(['HANDSHAKE_TIMEOUT']);
  });

  it('counts the idle time from the end of the handshake', () => {
    const bench = createBench();
    const peer = bench.open({ secure: true });
    bench.clock.advance(2_000);
    peer?.session.secured();
    bench.clock.advance(9_999);
    expect(peer?.calls).toEqual([]);
    bench.clock.advance(1);
    expect(peer?.calls).toEqual(['end']);
  });

  it('closes a session after as many queries as it may have', () => {
    const bench = createBench({ maxQueries: 3 });
    const peer = bench.open();
    peer?.receive(framed(message(1), message(2)));
    expect(peer?.calls).toEqual([]);
    peer?.receive(framed(message(3)));
    expect([peer?.answers(), peer?.calls]).toEqual([[1, 2, 3], ['end']]);
  });

  it('gives each session its share of what may wait unsent, and one answer more', () => {
    const bench = createBench({ writeBufferTotal: 1_000_000 });
    const peers = openAll(bench, 25);
    expect(bench.manager.writeBuffer).toBe(40_000);
    const burst = framed(...Array.from({ length: 60 }, (_, i) => message(i, 100, 50)));
    for (const peer of peers) {
      peer.stall();
      peer.receive(burst);
      const waiting = Buffer.concat(peer.written).length;
      expect(waiting).toBeGreaterThanOrEqual(40_000);
      expect(waiting).toBeLessThan(40_000 + 65_537);
    }
    openAll(bench, 75);
    expect(bench.manager.writeBuffer).toBe(16_384);
    const [peer] = peers;
    for (let i = 0; i < 60; i++) peer?.read();
    expect(peer?.answers()).toHaveLength(60);
  });

  it('sheds sessions for a while when descriptors run out', () => {
    const bench = createBench();
    const peers = openAll(bench, 30);
    bench.manager.shed();
    expect(peers.filter((peer) => peer.calls.includes('end')).length).toBe(3);
    expect(bench.manager.shedding).toBe(true);
    bench.clock.advance(5_000);
    expect(bench.manager.shedding).toBe(false);
  });

  it('goes by other settings from one moment to the next: shorter times, fewer connections', () => {
    const { manager, clock, open, limits, events } = createBench();
    open();
    clock.advance(3000);
    manager.configure(
      { ...SETTINGS, idleTime: 2500, writeBuffer: 131_072 },
      { connections: 1, connectionsPerClient: 1 },
    );
    expect(events).toEqual(['IDLE_CLOSED']);
    expect(manager.scratch.length).toBeGreaterThan(131_072);
    expect(limits.capacity).toBe(1);
  });
});
