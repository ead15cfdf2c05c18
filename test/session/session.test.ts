import { describe, expect, it } from 'vitest';
import { SessionState } from '../../src/session/session-state.js';
import { echoResponder, framed, message, unframed } from '../support/responder.js';
import { createBench, SETTINGS } from './support.js';

/** One session, in plaintext or inside TLS. */
function open(secure = false) {
  const responder = echoResponder();
  const bench = createBench({}, responder);
  const peer = bench.open({ secure });
  if (peer === undefined) throw new Error('not admitted');
  if (secure) peer.session.secured();
  return { ...peer, clock: bench.clock, counted: bench.counted, seen: responder.seen };
}

describe('a stream session', () => {
  it('answers all messages of one read in one write, in their order', () => {
    const s = open();
    s.receive(framed(message(1), message(2), message(3)));
    expect(s.written.length).toBe(1);
    expect(s.answers()).toEqual([1, 2, 3]);
    expect(s.counted()).toBe(3);
  });

  it('inside TLS gives each answer a write of its own: getdns and stubby lose what shares a record', () => {
    const s = open(true);
    s.receive(framed(message(1), message(2), message(3, 100, 250)));
    expect(s.written.map((octets) => unframed(octets).length)).toEqual([1, 1, 1]);
    expect(s.answers()).toEqual([1, 2, 3]);
  });

  it('tells the responder the client, the time and its idle timeout', () => {
    const s = open();
    s.receive(framed(message(1)));
    expect(s.seen[0]).toMatchObject({ client: Uint8Array.of(192, 0, 2, 1), now: 1000, keepalive: 100 });
  });

  it('answers a message that comes octet by octet, once', () => {
    const s = open();
    for (const octet of framed(message(9))) s.receive(Buffer.of(octet));
    expect(s.answers()).toEqual([9]);
    expect(s.written.length).toBe(1);
  });

  it('closes after the idle time, which only a whole message starts anew (RFC 7766 §6.2.3)', () => {
    const s = open();
    s.clock.advance(9_000);
    s.receive(framed(message(1)));
    s.clock.advance(9_000);
    s.receive(Buffer.of(0));
    expect(s.calls).toEqual([]);
    s.clock.advance(999);
    expect(s.calls).toEqual([]);
    s.clock.advance(1);
    expect(s.calls).toEqual(['end']);
    expect(s.session.state).toBe(SessionState.DRAINING);
  });

  it('closes when a message is not complete in time, although octets keep coming', () => {
    const s = open();
    s.receive(Buffer.concat([framed(message(1)), Buffer.of(0)]));
    for (let i = 0; i < 4; i++) {
      s.clock.advance(1_000);
      s.receive(Buffer.of(i === 0 ? 200 : 1));
    }
    expect(s.calls).toEqual([]);
    s.clock.advance(1_000);
    expect(s.calls).toEqual(['end']);
  });

  it('gives each message its own time when the next one begins in the same read', () => {
    const s = open();
    s.receive(Buffer.of(0));
    s.clock.advance(4_000);
    s.receive(Buffer.concat([framed(message(1)).subarray(1), Buffer.of(0)]));
    s.clock.advance(4_000);
    expect(s.calls).toEqual([]);
    s.clock.advance(1_000);
    expect(s.calls).toEqual(['end']);
  });

  it('destroys the connection when the peer does not close within the drain time', () => {
    const s = open();
    s.clock.advance(10_000);
    s.clock.advance(1_999);
    expect(s.calls).toEqual(['end']);
    s.clock.advance(1);
    expect(s.calls).toEqual(['end', 'destroy']);
  });

  it('answers what came before a half-close, then closes', () => {
    const s = open();
    s.receive(framed(message(1), message(2)));
    s.session.ended();
    expect(s.answers()).toEqual([1, 2]);
    expect(s.calls).toEqual(['end']);
  });

  it.each([
    ['shorter than a header', message(2, 11)],
    ['of no octets', Buffer.alloc(0)],
    ['with QR set', Buffer.concat([Buffer.of(0, 2, 0x80), Buffer.alloc(9)])],
  ])('closes cleanly after pending answers at a message %s', (_what, bad) => {
    const s = open();
    s.receive(framed(message(1), bad, message(3)));
    expect(s.answers()).toEqual([1]);
    expect(s.calls).toEqual(['end']);
    s.receive(framed(message(4)));
    expect(s.answers()).toEqual([1]);
  });

  it.each([
    ['plaintext', false],
    ['TLS', true],
  ])('stops reading while the peer does not read, and goes on where it stopped: %s', (_, secure) => {
    const s = open(secure);
    s.stall();
    const burst = framed(...Array.from({ length: 40 }, (_, i) => message(i, 100, 50)));
    s.receive(burst);
    expect(s.calls).toEqual(['pause']);
    const held = s.answers().length;
    expect(held).toBeLessThan(40);
    expect(Buffer.concat(s.written).length).toBeLessThanOrEqual(SETTINGS.writeBuffer + 65_537);
    for (let i = 0; i < 40 && s.answers().length < 40; i++) s.read();
    expect(s.answers()).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(s.calls.at(-1)).toBe('resume');
  });

  it('answers what it holds of a peer that half-closed while it did not read', () => {
    const s = open();
    s.stall();
    s.receive(framed(...Array.from({ length: 30 }, (_, i) => message(i, 100, 50))));
    s.session.ended();
    expect(s.calls).toEqual(['pause']);
    for (let i = 0; i < 40; i++) s.read();
    expect(s.answers().length).toBe(30);
    expect(s.calls).toContain('end');
  });

  it('destroys the connection of a peer that never reads', () => {
    const s = open();
    s.stall();
    s.receive(framed(...Array.from({ length: 30 }, (_, i) => message(i, 100, 50))));
    s.clock.advance(10_000);
    expect(s.calls).toEqual(['pause', 'destroy']);
  });

  it('closes when the server stops, and leaves no timer behind', () => {
    const s = open();
    s.receive(framed(message(1)));
    s.session.stop();
    expect(s.calls).toEqual(['end']);
    s.gone();
    expect(s.session.state).toBe(SessionState.CLOSED);
    expect(s.clock.timers).toBe(0);
  });
});
