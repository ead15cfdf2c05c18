import { describe, expect, it } from 'vitest';
import { Kind } from '../../src/answer/facts.js';
import type { Responder } from '../../src/answer/respond.js';
import type { MessageSource } from '../../src/answer/transfer/message-source.js';
import { SessionEnd } from '../../src/session/session-end.js';
import { echoResponder, framed, message } from '../support/responder.js';
import { createBench } from './support.js';

const LENGTH = 16_000;

/** Answers a message whose ID is N × 1,000 with N messages of the same ID, others with themselves. `fails`: the message that cannot be made. */
function transferring(ends: string[], fails = 0): Responder {
  const echo = echoResponder();
  return {
    outcome: echo.outcome,
    respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
      echo.outcome.rest = undefined;
      const id = (inBuf[inOff]! << 8) | inBuf[inOff + 1]!;
      if (id < 1000) return echo.respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
      let left = id / 1000;
      const source: MessageSource = {
        next(out, at) {
          if (left === 0) return 0;
          if (left === fails) throw new Error('cannot be made');
          left--;
          out.set(message(id, LENGTH), at);
          return LENGTH;
        },
        ended: (end) => void ends.push(end),
      };
      echo.outcome.kind = Kind.ANSWER;
      echo.outcome.rest = source;
      return source.next(outBuf, outOff, outCap, facts.now);
    },
  };
}

function open({ secure = false, fails = 0, settings = {} } = {}) {
  const ends: string[] = [];
  const bench = createBench(settings, transferring(ends, fails));
  const peer = bench.open({ secure });
  if (peer === undefined) throw new Error('not admitted');
  if (secure) peer.session.secured();
  let done = 0;
  return {
    ...peer,
    bench,
    ends,
    clock: bench.clock,
    /** Others have had their turn, as often as the session wants. */
    turns() {
      const wanted = (): number => peer.calls.filter((call) => call === 'yield').length;
      for (; done < wanted(); done++) peer.session.goOn();
    },
  };
}

describe.each([
  ['in the clear', false],
  ['inside TLS', true],
])('a session with a transfer, %s', (_, secure) => {
  it('sends all messages before it answers the next query, and lets others have their turn in between', () => {
    const s = open({ secure });
    s.receive(framed(message(1), message(30_000), message(2)));
    expect(s.answers().length).toBeLessThan(10);
    s.turns();
    expect(s.answers()).toEqual([1, ...new Array(30).fill(30_000), 2]);
    expect([s.ends, s.calls.at(-1), s.session.messages]).toEqual([['complete'], 'resume', 3]);
    expect(s.calls.filter((call) => call === 'yield').length).toBeGreaterThan(3);
  });

  it('never has more waiting than the write buffer and one message', () => {
    const s = open({ secure });
    s.stall();
    s.receive(framed(message(60_000)));
    for (let reads = 0; s.ends.length === 0; reads++) {
      s.turns();
      const before = s.written.reduce((sum, { length }) => sum + length, 0);
      s.read();
      s.turns();
      const after = s.written.reduce((sum, { length }) => sum + length, 0);
      expect(after - before).toBeLessThanOrEqual(65_536 + LENGTH + 2);
      if (reads > 60) throw new Error('the transfer stands still');
    }
    expect(s.answers()).toHaveLength(60);
  });

  it('ends when the client takes nothing for the idle time', () => {
    const s = open({ secure });
    s.stall();
    s.receive(framed(message(60_000)));
    s.turns();
    s.clock.advance(59_999);
    expect([s.calls.includes('destroy'), s.ends]).toEqual([false, []]);
    s.clock.advance(1);
    expect([s.calls.includes('destroy'), s.ends, s.session.end]).toEqual([true, ['idle'], SessionEnd.TRANSFER_TIMEOUT]);
    expect(s.bench.events).toContain('TRANSFER_TIMEOUT');
  });

  it('ends when it takes too long as a whole', () => {
    const s = open({ secure, settings: { transferTime: 300_000 } });
    s.stall();
    s.receive(framed(message(65_000)));
    for (let i = 0; i < 11 && s.ends.length === 0; i++) {
      s.turns();
      s.clock.advance(30_000);
      s.read();
    }
    expect([s.ends, s.calls.includes('destroy')]).toEqual([['timeout'], true]);
  });

  it('is not closed as idle, and not evicted', () => {
    const s = open({ secure });
    s.receive(framed(message(60_000)));
    s.clock.advance(30_000);
    expect([s.calls.includes('end'), s.session.evictable]).toEqual([false, false]);
  });

  it('goes on while the server stops, and is cut off when the time for that is up', () => {
    const s = open({ secure });
    s.receive(framed(message(30_000)));
    s.bench.manager.stop();
    s.clock.advance(1_600);
    s.turns();
    expect([s.ends, s.calls.includes('end')]).toEqual([['complete'], true]);
    const late = open({ secure });
    late.receive(framed(message(30_000)));
    late.bench.manager.stop();
    late.clock.advance(2_000);
    expect([late.ends, late.calls.includes('destroy')]).toEqual([['stopped'], true]);
  });

  it('closes a session whose next message cannot be made', () => {
    const s = open({ secure, fails: 12 });
    s.receive(framed(message(30_000)));
    s.turns();
    expect([s.ends, s.calls.includes('destroy'), s.answers().length]).toEqual([['failed'], true, 18]);
    expect(s.bench.mistakes).toHaveLength(1);
  });

  it('tells when the client is gone, once', () => {
    const s = open({ secure });
    s.receive(framed(message(60_000)));
    s.gone();
    s.turns();
    expect(s.ends).toEqual(['client']);
  });
});
