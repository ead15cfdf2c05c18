import { describe, expect, it } from 'vitest';
import { createFacts, createOutcome, Kind, Transport } from '../../src/answer/facts.js';
import { COUNTER_WORDS, Counters } from '../../src/observe/counters.js';
import { Rcode } from '../../src/protocol/iana.js';
import { TransportEvent } from '../../src/transport/transport.js';
import { emptyCatalog } from '../support/catalog.js';

function count(counters: Counters, transport: number, change: Partial<ReturnType<typeof createOutcome>>): void {
  const facts = createFacts(emptyCatalog());
  facts.transport = transport;
  counters.count(facts, { ...createOutcome(), ...change });
}

describe('counters', () => {
  it('tell what was answered on which transport', () => {
    const counters = new Counters();
    count(counters, Transport.UDP, { kind: Kind.ANSWER, edns: 1, dnssecOk: 1, wildcard: 1 });
    count(counters, Transport.UDP, { kind: Kind.NXDOMAIN, rcode: Rcode.NXDOMAIN, truncated: 1 });
    count(counters, Transport.UDP, { kind: Kind.DROPPED });
    count(counters, Transport.TCP, { kind: Kind.ERROR, rcode: Rcode.BADCOOKIE });
    counters.event(TransportEvent.TCP_ACCEPTED);
    expect(counters.messages).toBe(4);
    expect(counters.summary()).toEqual({
      udp: {
        messages: 3,
        answer: 1,
        nxdomain: 1,
        dropped: 1,
        NOERROR: 1,
        NXDOMAIN: 1,
        truncated: 1,
        edns: 1,
        do: 1,
        wildcard: 1,
      },
      tcp: { messages: 1, error: 1, BADCOOKIE: 1 },
      events: { tcp_accepted: 1 },
    });
    expect(counters.text()).toContain('tcp: messages=1 error=1 BADCOOKIE=1; events: tcp_accepted=1');
  });

  it('stay apart: every combination has a word of its own', () => {
    for (const transport of Object.values(Transport)) {
      for (const kind of Object.values(Kind)) {
        const counters = new Counters();
        count(counters, transport, { kind, rcode: 5 });
        expect(counters.messages).toBe(1);
        expect(counters.words.length).toBe(COUNTER_WORDS);
      }
    }
  });

  it('of several threads add up, and stay as they were', () => {
    const threads = [new Counters(), new Counters(), new Counters()];
    for (const counters of threads) count(counters, Transport.UDP, { kind: Kind.ANSWER });
    threads[1]?.event(TransportEvent.TCP_ACCEPTED);
    const sum = Counters.sum(threads.map((counters) => counters.words));
    expect(sum.summary()).toEqual({
      udp: { messages: 3, answer: 3, NOERROR: 3 },
      events: { tcp_accepted: 1 },
    });
    count(sum, Transport.UDP, { kind: Kind.ANSWER });
    expect(threads.map((counters) => counters.messages)).toEqual([1, 1, 1]);
    expect(Counters.sum([]).messages).toBe(0);
  });

  it('say so when there is nothing', () => {
    expect(new Counters().text()).toBe('nothing was asked yet');
  });
});
