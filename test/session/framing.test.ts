import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Framer } from '../../src/session/framing.js';
import { framed } from '../support/responder.js';
import { SEED } from '../support/seed.js';

function drain(framer: Framer): Buffer[] {
  const found: Buffer[] = [];
  while (framer.next()) found.push(Buffer.from(framer.bytes.subarray(framer.at, framer.at + framer.length)));
  return found;
}

describe('framing of messages on a stream', () => {
  it('finds the same messages however the stream is split (RFC 7766 §8)', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 8 });
    fc.assert(
      fc.property(messages, fc.array(fc.nat({ max: 300 }), { maxLength: 40 }), (wanted, cuts) => {
        const stream = framed(...wanted);
        const framer = new Framer();
        const found: Buffer[] = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          const to = Math.min(at + cut, stream.length);
          const borrowed = Buffer.from(stream);
          framer.push(borrowed, at, to);
          at = to;
          found.push(...drain(framer));
          borrowed.fill(0xff);
        }
        expect(found.map((m) => m.toString('hex'))).toEqual(wanted.map((m) => Buffer.from(m).toString('hex')));
        expect(framer.incomplete).toBe(false);
        expect(framer.heldOctets).toBe(0);
      }),
      { seed: SEED },
    );
  });

  it('reads a message that lies whole in a chunk without copying it', () => {
    const chunk = framed(Buffer.alloc(40, 1), Buffer.alloc(50, 2));
    const framer = new Framer();
    framer.push(chunk, 0, chunk.length);
    expect(framer.next()).toBe(true);
    expect(framer.bytes).toBe(chunk);
    expect([framer.at, framer.length]).toEqual([2, 40]);
    expect(framer.next()).toBe(true);
    expect(framer.bytes).toBe(chunk);
    expect([framer.at, framer.length]).toEqual([44, 50]);
  });

  it('holds only what has come, whatever length was promised', () => {
    const framer = new Framer();
    framer.push(Buffer.from([0xff, 0xff, 1]), 0, 3);
    expect(framer.next()).toBe(false);
    expect(framer.incomplete).toBe(true);
    expect(framer.heldOctets).toBe(3);
  });

  it('takes the longest message, octet by octet', () => {
    const wanted = Buffer.alloc(65_535, 7);
    const framer = new Framer();
    const found: Buffer[] = [];
    const stream = framed(wanted);
    for (let at = 0; at < stream.length; at++) {
      framer.push(stream, at, at + 1);
      found.push(...drain(framer));
    }
    expect(found.map((message) => message.equals(wanted))).toEqual([true]);
  });

  it('keeps the rest of a chunk when more comes before it was used', () => {
    const framer = new Framer();
    const chunk = framed(Buffer.alloc(3, 1), Buffer.alloc(4, 2));
    framer.push(chunk, 0, chunk.length);
    expect(framer.next()).toBe(true);
    framer.hold();
    chunk.fill(0xff);
    const next = framed(Buffer.alloc(5, 3));
    framer.push(next, 0, next.length);
    expect(drain(framer)).toEqual([Buffer.alloc(4, 2), Buffer.alloc(5, 3)]);
  });
});
