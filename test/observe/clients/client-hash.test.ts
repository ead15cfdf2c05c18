import { describe, expect, it } from 'vitest';
import { Transport } from '../../../src/answer/facts.js';
import { clientHash } from '../../../src/observe/clients/client-hash.js';
import {
  beginDay,
  clientsOfDay,
  createDayMemory,
  type DayMemory,
  noteClient,
} from '../../../src/observe/clients/day-clients.js';
import { estimateOf } from '../../../src/report/hyper-log-log.js';

/** HalfSipHash-1-3 as its authors describe it, for octets of any number. */
function halfSipHash(octets: Uint8Array, key: readonly [number, number]): number {
  const v = [key[0], key[1], 0x6c796765 ^ key[0], 0x74656462 ^ key[1]] as [number, number, number, number];
  const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));
  const round = (): void => {
    v[0] = (v[0] + v[1]) | 0;
    v[1] = rotate(v[1], 5) ^ v[0];
    v[0] = rotate(v[0], 16);
    v[2] = (v[2] + v[3]) | 0;
    v[3] = rotate(v[3], 8) ^ v[2];
    v[0] = (v[0] + v[3]) | 0;
    v[3] = rotate(v[3], 7) ^ v[0];
    v[2] = (v[2] + v[1]) | 0;
    v[1] = rotate(v[1], 13) ^ v[2];
    v[2] = rotate(v[2], 16);
  };
  const whole = Math.floor(octets.length / 4);
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const words = Array.from({ length: whole }, (_, i) => view.getInt32(4 * i, true));
  let last = octets.length << 24;
  for (let i = 4 * whole; i < octets.length; i++) last |= octets[i]! << (8 * (i % 4));
  for (const word of [...words, last]) {
    v[3] ^= word;
    round();
    v[0] ^= word;
  }
  v[2] ^= 0xff;
  for (let i = 0; i < 3; i++) round();
  return v[1] ^ v[3];
}

const KEY = [0x03020100, 0x07060504] as const;

describe('the hash of a client', () => {
  it('is HalfSipHash-1-3: its published value for the octets 0 to 3', () => {
    expect(halfSipHash(Uint8Array.of(0, 1, 2, 3), KEY) >>> 0).toBe(0x7e059ea6);
    expect(clientHash(Uint8Array.of(0, 1, 2, 3), 4, Int32Array.from(KEY)) >>> 0).toBe(0x7e059ea6);
  });

  it('is that of the four octets of an IPv4 address, and of the first seven of an IPv6 address', () => {
    for (let i = 0; i < 1000; i++) {
      const address = Uint8Array.from({ length: 16 }, (_, at) => Math.imul(i + 1, 2_654_435_761 + 97 * at) >>> 24);
      const key = [Math.imul(i, 0x9e3779b1) | 0, ~i] as const;
      expect(clientHash(address, 4, Int32Array.from(key))).toBe(halfSipHash(address.slice(0, 4), key));
      expect(clientHash(address, 16, Int32Array.from(key))).toBe(halfSipHash(address.slice(0, 7), key));
    }
  });
});

describe('the clients of a day', () => {
  const note = (memory: DayMemory, client: number, transport: Transport = Transport.TLS): void =>
    noteClient(memory, transport, clientHash(ipv4(client), 4, memory.key));
  const ipv4 = (number: number): Uint8Array => Uint8Array.of(10, number >>> 16, (number >>> 8) & 0xff, number & 0xff);

  it.each([1, 7, 99, 12_345, 0x7fffffff])('are estimated within 3 %% with any key: %i', (seed) => {
    const key = new Uint8Array(8);
    new DataView(key.buffer).setInt32(0, seed, true);
    for (const count of [0, 1, 10, 1200, 30_000, 100_000]) {
      const memory = createDayMemory(2);
      beginDay(memory, key);
      for (let i = 0; i < count; i++) note(memory[i % 2]!, i);
      for (let i = 0; i < count; i += 3) note(memory[1]!, i);
      const sketches = clientsOfDay(memory);
      const registers = sketches.length / 4;
      const found = estimateOf(sketches.subarray(Transport.TLS * registers));
      expect(Math.abs(found - count)).toBeLessThanOrEqual(0.03 * count);
      expect(estimateOf(sketches.subarray(0, registers))).toBe(0);
    }
  });

  it('begin anew with another key, or go on from what is known', () => {
    const memory = createDayMemory(2);
    beginDay(memory, new Uint8Array(8));
    note(memory[1]!, 1, Transport.UDP);
    const known = clientsOfDay(memory);
    beginDay(memory, new Uint8Array(8).fill(1));
    expect(clientsOfDay(memory).every((run) => run === 0)).toBe(true);
    beginDay(memory, new Uint8Array(8), known);
    note(memory[1]!, 1, Transport.UDP);
    expect(clientsOfDay(memory)).toEqual(known);
  });
});
