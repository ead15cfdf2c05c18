import { describe, expect, it } from 'vitest';
import { createOutcome, UpgradeBit } from '../../src/answer/facts.js';
import { HandshakeEnd, SessionEnd, SessionPath } from '../../src/session/session-end.js';
import { echoResponder, framed, message } from '../support/responder.js';
import { createBench } from './support.js';

/** Names of path and reason of the sessions that are over, and their milliseconds. */
function ends(bench: ReturnType<typeof createBench>): [path: string, end: string, milliseconds: number][] {
  const name = (table: Record<string, number>, value: number): string =>
    Object.keys(table).find((key) => table[key] === value) ?? String(value);
  const over = bench.ends.filter(([, end]) => end !== SessionEnd.UPGRADED);
  return over.map(([path, end, time]) => [name(SessionPath, path), name(SessionEnd, end), time]);
}

/** Offers an upgrade in every answer. */
function offering() {
  const echo = echoResponder();
  const outcome = { ...createOutcome(), upgrade: 1 };
  return { respond: echo.respond, outcome };
}

const hello = Buffer.from([0x16, 3, 1, 0, 40, 1, ...new Array(39).fill(0)]);

describe('why a session ended', () => {
  it('is that the client closed, with the time from its first to its last moment', () => {
    const bench = createBench();
    const peer = bench.open();
    bench.clock.advance(700);
    peer?.receive(framed(message(1)));
    bench.clock.advance(800);
    peer?.session.ended();
    peer?.gone();
    expect(ends(bench)).toEqual([['TCP', 'CLIENT', 1500]]);
  });

  it('is that it was idle, also when the client then closes and drains for too long', () => {
    const bench = createBench();
    const peer = bench.open();
    bench.clock.advance(10_000);
    peer?.session.ended();
    bench.clock.advance(2_000);
    peer?.gone();
    expect(ends(bench)).toEqual([['TCP', 'IDLE', 12_000]]);
  });

  it('is that a message or a handshake took too long', () => {
    const bench = createBench();
    const slow = bench.open();
    slow?.receive(framed(message(1)).subarray(0, 5));
    const secure = bench.open({ secure: true });
    bench.clock.advance(3_000);
    secure?.gone();
    bench.clock.advance(2_000);
    slow?.gone();
    expect(ends(bench)).toEqual([
      ['TLS', 'HANDSHAKE_TIMEOUT', 3_000],
      ['TCP', 'MESSAGE_TIMEOUT', 5_000],
    ]);
  });

  it('is that a handshake failed: the connection was gone before it was complete', () => {
    const bench = createBench();
    bench.open({ secure: true })?.gone();
    const left = bench.open({ secure: true });
    left?.session.ended();
    left?.gone();
    expect(ends(bench).map(([path, end]) => [path, end])).toEqual([
      ['TLS', 'HANDSHAKE_FAILED'],
      ['TLS', 'HANDSHAKE_FAILED'],
    ]);
  });

  it('tells how long a handshake took, from the ClientHello on', () => {
    const bench = createBench({ upgradeBit: UpgradeBit.IF_ASKED }, offering());
    const upgraded = bench.open();
    upgraded?.receive(framed(message(1)));
    bench.clock.advance(700);
    upgraded?.receive(hello);
    bench.clock.advance(30);
    upgraded?.session.secured(true);
    const secure = bench.open({ secure: true });
    bench.clock.advance(40);
    secure?.session.secured();
    expect(bench.handshakes).toEqual([
      [SessionPath.STARTTLS, HandshakeEnd.RESUMED, 30],
      [SessionPath.TLS, HandshakeEnd.FULL, 40],
    ]);
  });

  it('is that the connection broke, where nothing else is known', () => {
    const bench = createBench();
    bench.open()?.gone();
    const secure = bench.open({ secure: true });
    secure?.session.secured();
    secure?.gone();
    expect(ends(bench).map(([path, end]) => [path, end])).toEqual([
      ['TCP', 'BROKEN'],
      ['TLS', 'BROKEN'],
    ]);
  });

  it('is what the client sent: no query, or too many of them', () => {
    const bench = createBench({ maxQueries: 2 });
    const wrong = bench.open();
    wrong?.receive(framed(Buffer.alloc(3)));
    wrong?.gone();
    const many = bench.open();
    many?.receive(framed(message(1), message(2)));
    many?.gone();
    expect(ends(bench).map(([, end]) => end)).toEqual(['MALFORMED', 'SPENT']);
  });

  it('is that others needed the room', () => {
    const bench = createBench({}, echoResponder(), { connections: 1, connectionsPerClient: 10 });
    const first = bench.open();
    bench.open();
    first?.gone();
    expect(ends(bench).map(([, end]) => end)).toEqual(['EVICTED']);
  });

  it('is that the server stops, when it is quiet or when the time is over', () => {
    const bench = createBench();
    const idle = bench.open();
    const busy = bench.open();
    busy?.receive(framed(message(1)).subarray(0, 5));
    bench.manager.stop();
    bench.clock.advance(250);
    idle?.gone();
    bench.clock.advance(1_750);
    busy?.gone();
    expect(ends(bench).map(([, end]) => end)).toEqual(['STOPPED', 'STOPPED']);
  });

  it('tells upgraded sessions from those that stayed plaintext', () => {
    const bench = createBench({ upgradeBit: UpgradeBit.IF_ASKED, strict: true }, offering());
    const upgraded = bench.open();
    upgraded?.receive(framed(message(1)));
    upgraded?.receive(hello);
    upgraded?.session.secured();
    upgraded?.session.ended();
    upgraded?.gone();
    const plain = bench.open();
    plain?.receive(framed(message(1)));
    plain?.receive(framed(message(2)));
    plain?.gone();
    expect(ends(bench).map(([path, end]) => [path, end])).toEqual([
      ['STARTTLS', 'CLIENT'],
      ['TCP', 'PLAINTEXT'],
    ]);
    expect(bench.ends[0]?.slice(0, 2)).toEqual([SessionPath.TCP, SessionEnd.UPGRADED]);
  });

  it('is told once, whatever comes after', () => {
    const bench = createBench();
    const peer = bench.open();
    peer?.session.ended();
    peer?.gone();
    peer?.gone();
    expect(bench.ends).toHaveLength(1);
  });
});

describe('the pauses of a session', () => {
  it('are the times between its runs of messages: none before the first, and none where two came together', () => {
    const bench = createBench();
    const peer = bench.open();
    bench.clock.advance(700);
    peer?.receive(Buffer.concat([framed(message(1)), framed(message(2))]));
    bench.clock.advance(800);
    peer?.receive(framed(message(3)));
    bench.clock.advance(50);
    peer?.receive(framed(message(4)).subarray(0, 5));
    bench.clock.advance(25);
    peer?.receive(framed(message(4)).subarray(5));
    peer?.gone();
    expect(bench.pauses).toEqual([
      [SessionPath.TCP, 800],
      [SessionPath.TCP, 75],
    ]);
  });
});
