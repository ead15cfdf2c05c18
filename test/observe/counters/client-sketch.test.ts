import { afterEach, describe, expect, it } from 'vitest';
import { createFacts, createOutcome, Kind, Transport } from '../../../src/answer/facts.js';
import { REGISTERS, sketchClient } from '../../../src/observe/counters/client-sketch.js';
import { ClientWindow } from '../../../src/observe/counters/client-window.js';
import { Counters } from '../../../src/observe/counters/counters.js';
import { estimateOf, mergeSketches } from '../../../src/report/hyper-log-log.js';
import { emptyCatalog } from '../../support/catalog.js';

/** IPv4 addresses one behind the other, as clients of one network have them. */
function ipv4(number: number): Uint8Array {
  return Uint8Array.of(10, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff);
}

describe('the number of clients', () => {
  it.each([0, 1, 2, 10, 100, 1000, 5000, 20_000, 1_000_000])('is estimated within a tenth: %i', (count) => {
    const registers = new Uint8Array(REGISTERS);
    for (let i = 0; i < count; i++) sketchClient(registers, 0, ipv4(i), 4);
    // Twice changes nothing.
    for (let i = 0; i < Math.min(count, 1000); i++) sketchClient(registers, 0, ipv4(i), 4);
    expect(Math.abs(estimateOf(registers) - count)).toBeLessThanOrEqual(count * 0.1);
  });

  it('counts an IPv6 network of 56 bits once, whatever its other bits', () => {
    const registers = new Uint8Array(REGISTERS);
    for (let i = 0; i < 3000; i++) {
      const address = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, i % 30, i & 0xff, 0, 0, 0, 0, 0, 0, i >> 8, 1);
      sketchClient(registers, 0, address, 16);
    }
    expect(Math.abs(estimateOf(registers) - 30)).toBeLessThanOrEqual(3);
  });

  it('adds up over threads, and each client once', () => {
    const [one, two] = [new Uint8Array(REGISTERS), new Uint8Array(REGISTERS)];
    for (let i = 0; i < 600; i++) sketchClient(one, 0, ipv4(i), 4);
    for (let i = 300; i < 900; i++) sketchClient(two, 0, ipv4(i), 4);
    mergeSketches(one, two);
    expect(Math.abs(estimateOf(one) - 900)).toBeLessThan(90);
  });
});

describe('clients over time', () => {
  const windows: ClientWindow[] = [];
  afterEach(() => {
    for (const window of windows.splice(0)) window.close();
  });

  it('are those of this period and of the one before, by transport', () => {
    const threads = [new Counters(), new Counters()];
    const window = new ClientWindow(threads);
    windows.push(window);
    const ask = (thread: number, transport: Transport, last: number): void => {
      const facts = createFacts(emptyCatalog());
      facts.transport = transport;
      facts.client[3] = last;
      threads[thread]?.count(facts, { ...createOutcome(), kind: Kind.ANSWER }, 30, 60);
    };
    const seen = (): number[] => {
      const sum = window.completed(Counters.sum(threads.map(({ words }) => words)));
      return [Transport.UDP, Transport.TCP, Transport.STARTTLS, Transport.TLS].map((one) => sum.clients(one));
    };
    ask(0, Transport.UDP, 1);
    ask(1, Transport.UDP, 2);
    ask(1, Transport.STARTTLS, 2);
    expect(seen()).toEqual([2, 0, 1, 0]);
    window.turn();
    ask(0, Transport.UDP, 2);
    ask(0, Transport.TLS, 9);
    expect(seen()).toEqual([2, 0, 1, 1]);
    window.turn();
    expect(seen()).toEqual([1, 0, 0, 1]);
    window.turn();
    expect(seen()).toEqual([0, 0, 0, 0]);
    // The counts go on.
    expect(threads.reduce((sum, { messages }) => sum + messages, 0)).toBe(5);
  });
});
