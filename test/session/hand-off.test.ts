import { describe, expect, it } from 'vitest';
import { Kind } from '../../src/answer/facts.js';
import { MOST_HANDED } from '../../src/answer/hand-off/hand-off.js';
import { HAND_OFF, type Responder } from '../../src/answer/respond.js';
import { SessionState } from '../../src/session/session-state.js';
import { heldHandler } from '../support/requests.js';
import { echoResponder, framed, message } from '../support/responder.js';
import { createBench } from './support.js';

/** Hands off messages whose ID is 1,000 at least, and answers others with themselves. */
function handingResponder(): Responder {
  const echo = echoResponder();
  return {
    outcome: echo.outcome,
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      if (((inBuf[inOff]! << 8) | inBuf[inOff + 1]!) < 1000)
        return echo.respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      echo.outcome.kind = Kind.DROPPED;
      const { reply } = facts;
      if (reply === undefined) return HAND_OFF;
      outBuf.set(reply.octets, outOff);
      return reply.octets.length;
    },
  };
}

function open(secure = false) {
  const held = heldHandler();
  const bench = createBench({}, handingResponder(), undefined, held.handle);
  const peer = bench.open({ secure });
  if (peer === undefined) throw new Error('not admitted');
  if (secure) peer.session.secured();
  return { ...peer, bench, held, clock: bench.clock };
}

describe.each([
  ['in the clear', false],
  ['inside TLS', true],
])('a session with a request that is handed off, %s', (_, secure) => {
  it('answers in the order of the messages, and reads nothing meanwhile', async () => {
    const s = open(secure);
    s.receive(framed(message(1), message(1000), message(2), message(1001), message(3)));
    expect([s.answers(), s.calls.filter((call) => call === 'pause').length]).toEqual([[1], 1]);
    await s.held.answer();
    expect(s.answers()).toEqual([1, 1000, 2]);
    await s.held.answer();
    expect(s.answers()).toEqual([1, 1000, 2, 1001, 3]);
    expect(s.calls.at(-1)).toBe('resume');
    expect([s.session.messages, s.bench.counted()]).toEqual([5, 5]);
  });

  it('is not closed by any deadline of its own before the reply is sent', async () => {
    const s = open(secure);
    s.receive(framed(message(1000)));
    s.clock.advance(60_000);
    expect([s.session.state, s.calls.includes('end')]).toEqual([
      secure ? SessionState.SECURE : SessionState.PLAINTEXT,
      false,
    ]);
    await s.held.answer();
    expect(s.answers()).toEqual([1000]);
    s.clock.advance(10_000);
    expect(s.session.end).toBe(1);
  });

  it('sends the reply behind answers that wait, and goes on when they are read', async () => {
    const s = open(secure);
    s.receive(framed(message(1000), message(7)));
    s.stall();
    await s.held.answer();
    expect(s.answers()).toEqual([1000]);
    s.read();
    expect(s.answers()).toEqual([1000, 7]);
  });

  it('sends it to a client that has closed its direction, then closes', async () => {
    const s = open(secure);
    s.receive(framed(message(1000)));
    s.session.ended();
    expect(s.calls).not.toContain('end');
    await s.held.answer();
    expect([s.answers(), s.calls.includes('end')]).toEqual([[1000], true]);
  });

  it('sends it while the server stops, then closes', async () => {
    const s = open(secure);
    s.receive(framed(message(1000)));
    s.bench.manager.stop();
    s.clock.advance(1_600);
    expect(s.calls).not.toContain('end');
    await s.held.answer();
    expect([s.answers(), s.calls.includes('end')]).toEqual([[1000], true]);
  });

  it('is over when no response is to be sent, or when the client is gone', async () => {
    const s = open(secure);
    s.receive(framed(message(1000)));
    await s.held.answer(undefined);
    expect([s.answers(), s.calls.includes('end')]).toEqual([[], true]);
    const gone = open(secure);
    gone.receive(framed(message(1000)));
    gone.gone();
    await gone.held.answer();
    expect([gone.answers(), gone.session.state]).toEqual([[], SessionState.CLOSED]);
  });

  it('takes it back when the client is gone before its turn', async () => {
    const s = open(secure);
    const busy = Array.from({ length: MOST_HANDED }, () => s.bench.open({}));
    for (const one of busy) one?.receive(framed(message(1000)));
    s.receive(framed(message(1001)));
    expect(s.held.waiting).toHaveLength(MOST_HANDED);
    s.gone();
    for (const _ of busy) await s.held.answer();
    expect(s.held.waiting).toEqual([]);
  });

  it('is not the one that is evicted', () => {
    const s = open(secure);
    s.receive(framed(message(1000)));
    expect(s.session.evictable).toBe(false);
  });
});
