import { describe, expect, it } from 'vitest';
import { createFacts, createOutcome, Kind, Limited, Transport } from '../../../src/answer/facts.js';
import { EDE_LABELS, TYPE_LABELS } from '../../../src/observe/counters/counted-names.js';
import { Flag } from '../../../src/observe/counters/counter-layout.js';
import { COUNTER_WORDS, Counters } from '../../../src/observe/counters/counters.js';
import { summaryOf, summaryText } from '../../../src/observe/counters/summary.js';
import { GROUPS } from '../../../src/observe/counters/tls-suites.js';
import { Ede, Opcode, Rcode, Type } from '../../../src/protocol/iana.js';
import { typeByMnemonic } from '../../../src/protocol/rdata/table.js';
import { Family, HandshakeEnd, SessionEnd, SessionEvent, SessionPath } from '../../../src/session/session-end.js';
import { TransportEvent } from '../../../src/transport/transport.js';
import { emptyCatalog } from '../../support/catalog.js';

/** Of IPv4. */
const CLIENT = Uint8Array.of(192, 0, 2, 1);

interface Change extends Partial<ReturnType<typeof createOutcome>> {
  readonly asked?: number;
  readonly answered?: number;
  readonly clientLength?: number;
}

function count(counters: Counters, transport: Transport, change: Change): void {
  const { asked = 40, answered = change.kind === Kind.DROPPED ? 0 : 100, clientLength = 4, ...outcome } = change;
  const facts = createFacts(emptyCatalog());
  facts.transport = transport;
  facts.clientLength = clientLength;
  counters.count(facts, { ...createOutcome(), ...outcome }, asked, answered);
}

describe('counters', () => {
  it('tell what was answered on which transport', () => {
    const counters = new Counters();
    count(counters, Transport.UDP, { kind: Kind.ANSWER, edns: 1, dnssecOk: 1, wildcard: 1 });
    count(counters, Transport.UDP, { kind: Kind.NXDOMAIN, rcode: Rcode.NXDOMAIN, truncated: 1 });
    count(counters, Transport.UDP, { kind: Kind.DROPPED });
    count(counters, Transport.TCP, { kind: Kind.ERROR, rcode: Rcode.BADCOOKIE });
    counters.event(TransportEvent.TCP_REFUSED);
    expect(counters.messages).toBe(4);
    expect(summaryOf(counters)).toEqual({
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
        octets_in: 120,
        octets_out: 200,
        clients: 1,
      },
      tcp: { messages: 1, error: 1, BADCOOKIE: 1, octets_in: 40, octets_out: 100, clients: 1 },
      events: { tcp_refused: 1 },
    });
    expect(summaryText(summaryOf(counters))).toContain(
      'error=1 BADCOOKIE=1 octets_in=40 octets_out=100 clients=1; events: tcp_refused=1',
    );
  });

  it('stay apart: every combination of transport, kind and RCODE is read where it was counted, and nowhere else', () => {
    for (const transport of Object.values(Transport)) {
      for (const kind of Object.values(Kind)) {
        const counters = new Counters();
        count(counters, transport, { kind, rcode: 5 });
        expect(counters.messages).toBe(1);
        expect(counters.words.length).toBe(COUNTER_WORDS);
        for (const other of Object.values(Transport)) {
          expect(counters.flagged(other, 0)).toBe(other === transport ? 1 : 0);
          for (const another of Object.values(Kind)) {
            expect(counters.kind(other, another)).toBe(other === transport && another === kind ? 1 : 0);
          }
          for (let rcode = 0; rcode < 24; rcode++) {
            const hit = other === transport && rcode === 5 && kind !== Kind.DROPPED;
            expect(counters.rcode(other, rcode)).toBe(hit ? 1 : 0);
          }
        }
      }
    }
  });

  it('share a word for RCODEs from 23 on', () => {
    const counters = new Counters();
    for (const rcode of [22, 23, 24, 4095]) count(counters, Transport.UDP, { kind: Kind.ERROR, rcode });
    expect([counters.rcode(Transport.UDP, 22), counters.rcode(Transport.UDP, 23)]).toEqual([1, 3]);
  });

  it('know flags alone and together', () => {
    const counters = new Counters();
    for (let bits = 0; bits < 32; bits++) {
      count(counters, Transport.TLS, {
        kind: Kind.ANSWER,
        truncated: bits & 1,
        edns: (bits >> 1) & 1,
        dnssecOk: (bits >> 2) & 1,
        wildcard: (bits >> 3) & 1,
        clientLength: bits & 16 ? 16 : 4,
      });
    }
    for (const flag of Object.values(Flag)) expect(counters.flagged(Transport.TLS, flag)).toBe(16);
    expect(counters.flagged(Transport.TLS, Flag.EDNS | Flag.DNSSEC_OK)).toBe(8);
    expect(counters.flagged(Transport.TLS, 0)).toBe(32);
  });

  it('know opcodes, and the types of queries; what is rare shares a word', () => {
    const counters = new Counters();
    const opcodes = [Opcode.QUERY, Opcode.QUERY, Opcode.QUERY, Opcode.QUERY, Opcode.NOTIFY, 15];
    const types = [Type.A, 0, 65_535, Type.MD, Type.SOA, Type.A];
    for (const [index, opcode] of opcodes.entries()) {
      count(counters, Transport.UDP, { kind: Kind.ANSWER, opcode, qtype: types[index] ?? 0 });
    }
    count(counters, Transport.UDP, { kind: Kind.DROPPED, opcode: Opcode.UPDATE });
    expect(Array.from({ length: 16 }, (_, opcode) => counters.opcode(Transport.UDP, opcode))).toEqual([
      4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    ]);
    const byType = Object.fromEntries(TYPE_LABELS.map((label, index) => [label, counters.type(Transport.UDP, index)]));
    expect(Object.entries(byType).filter(([, value]) => value > 0)).toEqual([
      ['none', 1],
      ['A', 1],
      ['other', 2],
    ]);
  });

  it('have a word for every type that is named', () => {
    for (const [index, label] of TYPE_LABELS.entries()) {
      if (label === 'none' || label === 'other') continue;
      const counters = new Counters();
      count(counters, Transport.UDP, { kind: Kind.ANSWER, qtype: typeByMnemonic(label) ?? 0 });
      expect([label, counters.type(Transport.UDP, index)]).toEqual([label, 1]);
    }
  });

  it('know extended errors; unknown ones share a word', () => {
    const counters = new Counters();
    for (const ede of [-1, Ede.OTHER, Ede.PROHIBITED, 29, 255, 256, 65_535]) {
      count(counters, Transport.UDP, { kind: Kind.REFUSED, ede });
    }
    const found = EDE_LABELS.map((label, index) => [label, counters.ede(Transport.UDP, index)]);
    expect(found.filter(([, value]) => value !== 0)).toEqual([
      ['0', 1],
      ['18', 1],
      ['other', 4],
    ]);
  });

  it('put sizes into the bucket whose bound they do not exceed', () => {
    const counters = new Counters();
    for (const octets of [12, 32, 33, 512, 513, 1232, 1233, 65_535]) {
      count(counters, Transport.TCP, { kind: Kind.ANSWER, asked: octets, answered: octets });
    }
    const expected = { counts: [2, 1, 0, 0, 1, 2, 1, 0, 1, 0], sum: 69_102 };
    expect(counters.requestSizes(Transport.TCP)).toMatchObject(expected);
    expect(counters.responseSizes(Transport.TCP)).toMatchObject(expected);
  });

  it('take a message without response as dropped, whatever was to be answered, but count what was asked', () => {
    const counters = new Counters();
    count(counters, Transport.UDP, { kind: Kind.ANSWER, qtype: Type.A, answered: 0, asked: 50 });
    expect(summaryOf(counters)).toEqual({ udp: { messages: 1, dropped: 1, octets_in: 50, clients: 1 } });
    expect(counters.responseSizes(Transport.UDP).counts.every((n) => n === 0)).toBe(true);
    expect(counters.opcode(Transport.UDP, Opcode.QUERY)).toBe(1);
  });

  it('know why sessions ended, how they were served, and how long they were open', () => {
    const counters = new Counters();
    counters.sessionClosed(SessionPath.STARTTLS, SessionEnd.IDLE, 10_000, 7, CLIENT);
    counters.sessionClosed(SessionPath.STARTTLS, SessionEnd.IDLE, 500, 0, CLIENT);
    counters.sessionClosed(SessionPath.TLS, SessionEnd.CLIENT, 3, 1, CLIENT);
    expect(counters.ends(SessionPath.STARTTLS, SessionEnd.IDLE)).toBe(2);
    expect(counters.ends(SessionPath.TLS, SessionEnd.CLIENT)).toBe(1);
    expect(counters.ends(SessionPath.TCP, SessionEnd.IDLE)).toBe(0);
    expect(counters.sessionTimes(SessionPath.STARTTLS).sum).toBe(10.5);
    expect(counters.sessionTimes(SessionPath.TCP).sum).toBe(0);
    expect(counters.sessionQueries(SessionPath.STARTTLS)).toMatchObject({
      counts: [1, 0, 0, 0, 1, 0, 0, 0, 0, 0],
      sum: 7,
    });
    expect(counters.words.reduce((sum, word) => sum + word, 0)).toBeCloseTo(9 + 10.503 + 8);
  });

  it('know octets by the family of the client, and how many answers were padded', () => {
    const counters = new Counters();
    count(counters, Transport.TLS, { kind: Kind.ANSWER, asked: 40, answered: 468, padding: 300 });
    count(counters, Transport.TLS, { kind: Kind.ANSWER, asked: 50, answered: 100, clientLength: 16 });
    count(counters, Transport.TLS, { kind: Kind.DROPPED, asked: 7, clientLength: 16 });
    const octets = [Family.IPV4, Family.IPV6].map((family) => [
      counters.asked(Transport.TLS, family),
      counters.answered(Transport.TLS, family),
    ]);
    expect(octets).toEqual([
      [40, 468],
      [57, 100],
    ]);
    expect([counters.padded(Transport.TLS), counters.padding(Transport.TLS)]).toEqual([1, 300]);
  });

  it('keep paths and families of sessions apart', () => {
    for (const path of Object.values(SessionPath)) {
      for (const family of Object.values(Family)) {
        const counters = new Counters();
        const client = new Uint8Array(family === Family.IPV6 ? 16 : 4);
        const agreed = { version: 'TLSv1.3', cipher: '?', group: 'x25519', isDot: true, isNamed: true };
        counters.sessionOpened(path, client);
        counters.octets(path, 3, 4, client);
        counters.agreed(path, agreed, client);
        counters.agreed(path, { ...agreed, group: 'new', isDot: false, isNamed: false }, client);
        counters.paused(path, 400, client);
        counters.worked(path, 0.5, client);
        counters.handshakeEnded(path, HandshakeEnd.FULL, 1, client);
        counters.sessionClosed(path, SessionEnd.IDLE, 1, 1, client);
        for (const other of Object.values(SessionPath)) {
          const is = other === path ? 1 : 0;
          expect([counters.dot(other), counters.named(other), counters.work(other)]).toEqual([
            is,
            is,
            { seconds: is / 2, turns: is },
          ]);
          expect(GROUPS.map((_, index) => counters.groups(other, index))).toEqual([is, 0, 0, 0, 0, 0, is, 0]);
          expect(counters.pauses(other)).toMatchObject({
            counts: [0, 0, is, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            sum: 0.4 * is,
          });
          for (const another of Object.values(Family)) {
            const hit = other === path && another === family ? 1 : 0;
            expect([
              counters.opened(other, another),
              counters.ends(other, SessionEnd.IDLE, another),
              counters.handshakes(other, HandshakeEnd.FULL, another),
              counters.received(other, another) / 3,
              counters.sent(other, another) / 4,
            ]).toEqual([hit, hit, hit, hit, hit]);
          }
        }
      }
    }
  });

  it('count a session that is upgraded as over on its path, and go on on the other', () => {
    const counters = new Counters();
    counters.sessionOpened(SessionPath.TCP, CLIENT);
    counters.sessionClosed(SessionPath.TCP, SessionEnd.UPGRADED, 5, 1, CLIENT);
    counters.sessionOpened(SessionPath.STARTTLS, CLIENT);
    expect([counters.open(SessionPath.TCP), counters.open(SessionPath.STARTTLS)]).toEqual([0, 1]);
    expect(counters.sessionTimes(SessionPath.TCP).sum).toBe(0);
    expect(summaryOf(counters)).toEqual({
      tcp_sessions: { opened: 1, upgraded: 1 },
      starttls_sessions: { opened: 1, open: 1 },
      starttls_handshakes: { begun: 1, under_way: 1 },
    });
  });

  it('count out the sessions and handshakes of a thread that has died', () => {
    const counters = new Counters();
    for (const path of Object.values(SessionPath)) for (let i = 0; i < 3; i++) counters.sessionOpened(path, CLIENT);
    counters.handshakeEnded(SessionPath.TLS, HandshakeEnd.FULL, 1, CLIENT);
    counters.sessionClosed(SessionPath.TLS, SessionEnd.CLIENT, 1, 1, CLIENT);
    counters.threadDied();
    counters.threadDied();
    expect(summaryOf(counters)).toEqual({
      tcp_sessions: { opened: 3, lost: 3 },
      starttls_sessions: { opened: 3, lost: 3 },
      starttls_handshakes: { begun: 3, lost: 3 },
      tls_sessions: { opened: 3, client: 1, lost: 2 },
      tls_handshakes: { begun: 3, full: 1, lost: 2 },
    });
  });

  it('know what the rate limit did: what it dropped was asked but not answered', () => {
    const counters = new Counters();
    count(counters, Transport.UDP, { kind: Kind.NXDOMAIN, rcode: 3, limited: Limited.DROPPED, answered: 0 });
    count(counters, Transport.UDP, { kind: Kind.NXDOMAIN, rcode: 3, limited: Limited.SLIPPED, truncated: 1 });
    count(counters, Transport.UDP, { kind: Kind.NXDOMAIN, rcode: 3, limited: Limited.LOGGED });
    expect(summaryOf(counters).udp).toMatchObject({
      ...{ messages: 3, dropped: 1, nxdomain: 2, NXDOMAIN: 2, truncated: 1 },
      ...{ limit_dropped: 1, limit_slipped: 1, limit_logged: 1 },
    });
    expect(counters.limited(Transport.UDP, Limited.NONE)).toBe(0);
  });

  it('of several threads add up, and stay as they were', () => {
    const threads = [new Counters(), new Counters(), new Counters()];
    for (const counters of threads) count(counters, Transport.UDP, { kind: Kind.ANSWER });
    threads[1]?.event(TransportEvent.TCP_REFUSED);
    threads[2]?.sessionEvent(SessionEvent.UPGRADED);
    threads[2]?.respondTook(Transport.UDP, 3e-6);
    const sum = Counters.sum(threads.map((counters) => counters.words));
    expect(summaryOf(sum)).toEqual({
      udp: { messages: 3, answer: 3, NOERROR: 3, octets_in: 120, octets_out: 300, clients: 1 },
      events: { tcp_refused: 1, upgraded: 1 },
    });
    expect(sum.respondTimes(Transport.UDP)).toMatchObject({ sum: 3e-6 });
    count(sum, Transport.UDP, { kind: Kind.ANSWER });
    expect(threads.map((counters) => counters.messages)).toEqual([1, 1, 1]);
    expect(Counters.sum([]).messages).toBe(0);
  });

  it('add up the octets of padding', () => {
    const counters = new Counters();
    count(counters, Transport.STARTTLS, { kind: Kind.ANSWER, padding: 300 });
    count(counters, Transport.STARTTLS, { kind: Kind.ANSWER, padding: 4 });
    expect([counters.padding(Transport.STARTTLS), counters.padding(Transport.TLS)]).toEqual([304, 0]);
  });

  it('say so when there is nothing', () => {
    expect(summaryText(summaryOf(new Counters()))).toBe('nothing was asked yet');
  });
});
