/** A server that stops loses no query: who is quiet is closed, who asks is answered, until the time is nearly up. */
import { describe, expect, it } from 'vitest';
import { UpgradeBit } from '../../src/answer/facts.js';
import { stopTimes } from '../../src/session/times.js';
import { echoResponder, framed, message } from '../support/responder.js';
import { createBench, type Peer } from './support.js';

/** Milliseconds: of SETTINGS, and what stopTimes() makes of them. */
const DRAIN = 2_000;
const QUIET = 250;
const LAST_CALL = 1_500;

const ask = (peer: Peer | undefined, ...ids: number[]): void => peer?.receive(framed(...ids.map((id) => message(id))));
/** More answers than may wait unsent. */
const MANY = Array.from({ length: 30 }, (_, i) => i);
const askMuch = (peer: Peer | undefined): void => peer?.receive(framed(...MANY.map((id) => message(id, 100, 50))));

describe('the times of a stop', () => {
  it.each([
    [60_000, { quiet: 250, lastCall: 159_500, end: 160_000 }],
    [2_000, { quiet: 250, lastCall: 101_500, end: 102_000 }],
    [1_000, { quiet: 250, lastCall: 100_750, end: 101_000 }],
    [400, { quiet: 100, lastCall: 100_300, end: 100_400 }],
    [0, { quiet: 0, lastCall: 100_000, end: 100_000 }],
  ])('within %i ms', (drainTime, times) => {
    expect(stopTimes(100_000, drainTime)).toEqual(times);
  });
});

describe('a server that stops', () => {
  it('closes at once what has been quiet for long enough', () => {
    const bench = createBench();
    const [longer, shorter] = [bench.open(), bench.open()];
    bench.clock.advance(QUIET - 1);
    ask(shorter, 1);
    bench.clock.advance(1);
    bench.manager.stop();
    bench.clock.advance(0);
    expect([longer?.calls, shorter?.calls]).toEqual([['end'], []]);
    bench.clock.advance(QUIET - 2);
    expect(shorter?.calls).toEqual([]);
    bench.clock.advance(1);
    expect(shorter?.calls).toEqual(['end']);
    expect(bench.events).toEqual([]);
  });

  it('reads first what has come while it was busy', () => {
    const bench = createBench();
    const peer = bench.open();
    bench.clock.advance(QUIET);
    bench.manager.stop();
    // The turn of the event loop between the time and the closing.
    ask(peer, 1);
    bench.clock.advance(QUIET - 1);
    expect([peer?.answers(), peer?.calls]).toEqual([[1], []]);
    bench.clock.advance(1);
    expect(peer?.calls).toEqual(['end']);
  });

  it('answers who goes on asking, with keepalive 0, until the last call', () => {
    const responder = echoResponder();
    const bench = createBench({}, responder);
    const peer = bench.open();
    bench.manager.stop();
    let asked = 0;
    for (let at = 0; at < LAST_CALL - 100; at += 100, asked++) {
      ask(peer, asked);
      bench.clock.advance(100);
    }
    ask(peer, asked++);
    bench.clock.advance(99);
    expect(peer?.calls).toEqual([]);
    expect(peer?.answers()).toHaveLength(asked);
    expect(responder.seen.at(-1)?.keepalive).toBe(0);
    bench.clock.advance(1);
    expect(peer?.calls).toEqual(['end']);
    ask(peer, 99);
    expect(peer?.answers()).toHaveLength(asked);
    bench.clock.advance(DRAIN - LAST_CALL - 1);
    expect(peer?.calls).toEqual(['end']);
    bench.clock.advance(1);
    expect(peer?.calls).toEqual(['end', 'destroy']);
  });

  it('waits for the rest of a message that has begun, until the last call', () => {
    const bench = createBench();
    const [finishes, stuck] = [bench.open(), bench.open()];
    const query = framed(message(1));
    for (const peer of [finishes, stuck]) peer?.receive(query.subarray(0, 5));
    bench.clock.advance(QUIET);
    bench.manager.stop();
    bench.clock.advance(1_000);
    finishes?.receive(query.subarray(5));
    expect([finishes?.answers(), finishes?.calls]).toEqual([[1], []]);
    bench.clock.advance(QUIET);
    expect([finishes?.calls, stuck?.calls]).toEqual([['end'], []]);
    bench.clock.advance(LAST_CALL - 1_000 - QUIET);
    expect(stuck?.calls).toEqual(['end']);
  });

  it('answers what it has read of who reads late, also after the last call, and cuts off who never reads', () => {
    const bench = createBench();
    const [late, never] = [bench.open(), bench.open()];
    for (const peer of [late, never]) {
      peer?.stall();
      askMuch(peer);
    }
    const before = late?.answers().length ?? 0;
    expect(before).toBeLessThan(MANY.length);
    bench.manager.stop();
    bench.clock.advance(LAST_CALL);
    expect([late?.calls, never?.calls]).toEqual([['pause'], ['pause']]);
    while (late?.calls.at(-1) === 'pause') late.read();
    expect(late?.answers()).toEqual(MANY);
    expect(late?.calls).toEqual(['pause', 'pause', 'end', 'resume']);
    bench.clock.advance(DRAIN - LAST_CALL);
    expect(never?.calls).toEqual(['pause', 'destroy']);
  });

  it('does not take for quiet who has answers still to read', () => {
    const bench = createBench();
    const peer = bench.open();
    peer?.stall();
    ask(peer, 1);
    bench.manager.stop();
    bench.clock.advance(QUIET);
    expect(peer?.calls).toEqual([]);
    peer?.read();
    bench.clock.advance(QUIET);
    expect(peer?.calls).toEqual(['end']);
  });

  it('lets handshakes be completed, and answers what was asked then', () => {
    const bench = createBench();
    const [early, late, never] = [1, 2, 3].map(() => bench.open({ secure: true }));
    bench.manager.stop();
    bench.clock.advance(1_000);
    early?.session.secured();
    ask(early, 1);
    bench.clock.advance(QUIET - 1);
    expect(early?.calls).toEqual([]);
    bench.clock.advance(1);
    expect(early?.calls).toEqual(['end']);
    bench.clock.advance(LAST_CALL - 1_000 - QUIET);
    late?.session.secured();
    ask(late, 2);
    expect([late?.answers(), late?.calls]).toEqual([[2], ['end']]);
    never?.session.secured();
    bench.clock.advance(0);
    expect(never?.calls).toEqual(['end']);
  });

  it('offers no upgrade any more', () => {
    const offered: number[] = [];
    const responder = echoResponder();
    const bench = createBench(
      { upgradeBit: UpgradeBit.IF_ASKED },
      {
        outcome: responder.outcome,
        respond: (...words) => {
          offered.push(words[3].upgradeOnOffer);
          return responder.respond(...words);
        },
      },
    );
    const [before, after] = [bench.open(), bench.open()];
    ask(before, 1);
    bench.manager.stop();
    ask(after, 2);
    expect(offered).toEqual([1, 0]);
  });

  it('lets in who was connecting when it began to stop, until the last call', () => {
    const bench = createBench();
    bench.manager.stop();
    const peer = bench.open();
    ask(peer, 1);
    bench.clock.advance(QUIET);
    expect([peer?.answers(), peer?.calls]).toEqual([[1], ['end']]);
    bench.clock.advance(LAST_CALL - QUIET);
    expect(bench.open()).toBeUndefined();
  });

  it('leaves no timer behind when the last session is gone', () => {
    const bench = createBench();
    const peer = bench.open();
    bench.manager.stop();
    bench.clock.advance(QUIET);
    peer?.gone();
    expect(bench.clock.timers).toBe(0);
  });

  it('does so once, whatever the times are set to meanwhile', () => {
    const bench = createBench();
    const peer = bench.open();
    peer?.receive(Buffer.of(0));
    bench.manager.drainTime = 400;
    bench.manager.stop();
    bench.manager.drainTime = 9_000;
    bench.manager.stop();
    bench.clock.advance(299);
    expect(peer?.calls).toEqual([]);
    bench.clock.advance(1);
    expect(peer?.calls).toEqual(['end']);
    bench.clock.advance(100);
    expect(peer?.calls).toEqual(['end', 'destroy']);
  });
});
