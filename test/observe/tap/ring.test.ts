import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createRing, RING_OCTETS, RingReader, RingWriter } from '../../../src/observe/tap/ring.js';
import { randomFrom } from '../../bench/workload.js';

/** Writes an entry of `octets` whose first word behind the length is `value`; says whether it fitted. */
function put(ring: RingWriter, value: number, octets = 16): boolean {
  const place = ring.reserve(octets);
  if (place < 0) return false;
  ring.words[(place >> 2) + 1] = value;
  ring.bytes.fill(value, place + 8, place + octets);
  ring.commit();
  return true;
}

/** The value of the oldest entry, which is released; undefined: there is none. */
function take(ring: RingReader): number | undefined {
  const place = ring.next();
  if (place < 0) return undefined;
  const value = ring.words[(place >> 2) + 1];
  ring.release();
  return value;
}

describe('a ring', () => {
  it('gives entries back in their order, once', () => {
    const memory = createRing(256);
    const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
    expect(take(reader)).toBeUndefined();
    for (const value of [1, 2, 3]) expect(put(writer, value)).toBe(true);
    expect([take(reader), take(reader), take(reader), take(reader)]).toEqual([1, 2, 3, undefined]);
  });

  it('shows nothing that is not committed', () => {
    const memory = createRing(256);
    const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
    writer.reserve(16);
    expect(reader.next()).toBe(-1);
    expect(put(writer, 7)).toBe(true);
    expect(take(reader)).toBe(7);
    expect(reader.next()).toBe(-1);
  });

  it('can be filled to its last octet; what comes beyond is dropped and counted', () => {
    const memory = createRing(64);
    const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
    expect([1, 2, 3, 4].map((value) => put(writer, value))).toEqual([true, true, true, true]);
    expect([5, 6].map((value) => put(writer, value))).toEqual([false, false]);
    expect(reader.takeDropped()).toBe(2);
    expect(reader.takeDropped()).toBe(0);
    expect([1, 2, 3, 4, 5].map(() => take(reader))).toEqual([1, 2, 3, 4, undefined]);
    expect(put(writer, 8)).toBe(true);
    expect(take(reader)).toBe(8);
  });

  it('never takes an entry longer than itself, and goes on', () => {
    const memory = createRing(64);
    const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
    expect(put(writer, 1, 72)).toBe(false);
    expect(put(writer, 2, 64)).toBe(true);
    expect(take(reader)).toBe(2);
    expect(reader.takeDropped()).toBe(1);
  });

  it('keeps every entry in one piece, whatever lengths come round its end, and when positions overflow', () => {
    const memory = createRing(1024);
    // The positions are just below 2^31, and pass it.
    const control = new Int32Array(memory, 0, 32);
    control.fill(0x7fffffff - 1023 - 4096);
    const [writer, reader] = [new RingWriter(memory), new RingReader(memory)];
    let written = 0;
    let read = 0;
    const random = randomFrom(7);
    for (let i = 0; i < 20_000; i++) {
      const octets = 8 + Math.floor(random() * 300);
      if (random() < 0.5) {
        const place = writer.reserve(octets);
        if (place < 0) continue;
        expect(place + octets).toBeLessThanOrEqual(1024);
        writer.words[(place >> 2) + 1] = written++;
        writer.commit();
      } else {
        const value = take(reader);
        if (value !== undefined) expect(value).toBe(read++);
      }
    }
    for (let value = take(reader); value !== undefined; value = take(reader)) expect(value).toBe(read++);
    expect(read).toBe(written);
    expect(written).toBeGreaterThan(5000);
  });

  it('goes on where a writer ended that did not finish its entry', () => {
    const memory = createRing(256);
    const reader = new RingReader(memory);
    const first = new RingWriter(memory);
    put(first, 1);
    first.reserve(40);
    const second = new RingWriter(memory);
    put(second, 2);
    expect([take(reader), take(reader), take(reader)]).toEqual([1, 2, undefined]);
  });

  it('is read on, whatever its memory holds', () => {
    const random = randomFrom(11);
    for (let i = 0; i < 2000; i++) {
      const memory = createRing(512);
      const reader = new RingReader(memory);
      const writer = new RingWriter(memory);
      put(writer, 1, 40);
      const words = new Int32Array(memory);
      for (let at = random() < 0.5 ? 48 : 0; at < words.length; at++) {
        if (random() < 0.3) words[at] = Math.floor((random() - 0.5) * (random() < 0.5 ? 2 ** 32 : 1024));
      }
      // The reader knows its own position; the memory says what it likes.
      for (let reads = 0; ; reads++) {
        const place = reader.next();
        if (place < 0) break;
        expect(place % 8).toBe(0);
        expect(place + reader.size).toBeLessThanOrEqual(512);
        expect(reads).toBeLessThan(100);
        reader.release();
      }
      const fresh = new RingWriter(memory);
      expect(put(fresh, 9)).toBe(true);
      expect(take(reader)).toBe(9);
    }
  });

  it('carries entries from one thread to another, whole and in order', async () => {
    const memory = createRing(4096);
    const reader = new RingReader(memory);
    const COUNT = 50_000;
    // The thread knows the format only: it shares no code with the ring.
    const worker = new Worker(
      `const { workerData: { memory, count } } = require('node:worker_threads');
       const control = new Int32Array(memory, 0, 48), words = new Int32Array(memory, 192), capacity = 4096;
       let head = 0;
       for (let i = 0; i < count; ) {
         const size = 16 + 8 * (i % 20), place = head & (capacity - 1), rest = capacity - place;
         const needed = size <= rest ? size : rest + size;
         if (needed > capacity - (head - Atomics.load(control, 16))) continue;
         if (needed !== size) words[place >> 2] = -1;
         const at = (needed === size ? place : 0) >> 2;
         words[at] = size;
         words.fill(i, at + 1, at + size / 4);
         head += needed;
         Atomics.store(control, 0, head);
         i++;
       }`,
      { eval: true, workerData: { memory, count: COUNT } },
    );
    const wrong: number[] = [];
    let seen = 0;
    while (seen < COUNT) {
      const place = reader.next();
      if (place < 0) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      const at = place >> 2;
      for (let i = 1; i < 4 + 2 * (seen % 20); i++) if (reader.words[at + i] !== seen) wrong.push(seen);
      reader.release();
      seen++;
    }
    await worker.terminate();
    expect(wrong).toEqual([]);
  });

  it('has a size that is a power of two', () => {
    expect(() => createRing(1000)).toThrow(RangeError);
    expect(createRing().byteLength).toBeGreaterThan(RING_OCTETS);
  });
});
