import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../src/answer/answer-settings.js';
import { createFacts, Transport } from '../../../src/answer/facts.js';
import { createResponder } from '../../../src/answer/respond.js';
import { TransferEnd } from '../../../src/answer/transfer/transfer-end.js';
import { Publisher } from '../../../src/image/catalog.js';
import { nameFromText, nameToText } from '../../../src/protocol/name.js';
import { Admittance, type TransferReport, ZoneDesk } from '../../../src/transfer/out/zone-desk.js';
import { imageOf } from '../../image/changes/versions.js';
import { buildQuery, decodeMessage } from '../../support/message.js';
import { nameFromText as wireName } from '../../support/names.js';
import { randomFrom } from '../../zone/random-zone.js';

const HOSTS = Array.from({ length: 2000 }, (_, i) => `h${i} 60 A 192.0.2.1`);
const ZONE = imageOf(['@ 60 SOA ns h 9 2 3 4 5', '@ 60 NS ns', ...HOSTS, ''].join('\n'));
const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

function open(admittance: Admittance = Admittance.YES, most = Number.POSITIVE_INFINITY) {
  const publisher = new Publisher();
  publisher.put(nameFromText('example.'), ZONE);
  const reports: TransferReport[] = [];
  const refused: string[] = [];
  let under = 0;
  const desk = new ZoneDesk({
    admits: () => admittance,
    begin: () => under < most && ++under > 0,
    ended(report) {
      under--;
      reports.push(report);
    },
    milliseconds: () => 0,
    refused: {
      transfer: (name, _, reason) => void refused.push(`${nameToText(name)} ${reason}`),
      signature: (name, _, { verdict }) => void refused.push(`${nameToText(name)} ${verdict}`),
    },
  });
  const facts = createFacts(publisher.publish());
  facts.keepalive = 100;
  const { respond, outcome } = createResponder(DEFAULT_SETTINGS, undefined, desk);
  const out = new Uint8Array(70_000);
  return {
    reports,
    refused,
    outcome,
    underWay: () => under,
    ask(query: Uint8Array, transport: Transport = Transport.TCP) {
      facts.transport = transport;
      const length = respond(query, 0, query.length, facts, out, 0, 65_535);
      return length > 0 ? out.slice(0, length) : undefined;
    },
    rest() {
      let records = 0;
      const { rest } = outcome;
      for (let length = 1; rest !== undefined && length > 0; ) {
        length = rest.next(out, 0, 65_535, 0);
        if (length > 0) records += decodeMessage(out.slice(0, length)).answer.length;
      }
      rest?.ended(TransferEnd.COMPLETE);
      return records;
    },
  };
}

function ixfr(serial: number): Uint8Array {
  const query = Buffer.from(buildQuery({ name: 'example.', type: 'IXFR', edns: {} }));
  const opt = query.subarray(query.length - 11);
  const rdata = Buffer.alloc(22);
  rdata.writeUInt32BE(serial, 2);
  const soa = Buffer.concat([wireName('example.'), Buffer.of(0, 6, 0, 1, 0, 0, 0, 0, 0, rdata.length), rdata]);
  const message = Buffer.concat([query.subarray(0, query.length - 11), soa, opt]);
  message.writeUInt16BE(1, 8);
  return message;
}

describe('queries for transfers', () => {
  it('are counted in, and out when the transfer is over', () => {
    const s = open(Admittance.YES, 1);
    const first = decodeMessage(s.ask(buildQuery({ name: 'example.', type: 'AXFR' }))!);
    expect([s.underWay(), s.outcome.rest === undefined]).toEqual([1, false]);
    expect(first.answer.length + s.rest()).toBe(2003);
    expect([s.underWay(), s.reports.map(({ form, records, end }) => [form, records, end])]).toEqual([
      0,
      [['axfr', 2003, 'complete']],
    ]);
  });

  it.each([
    [Admittance.NO, ''],
    [Admittance.TLS, 'this zone is transferred over TLS only, on its own port and with ALPN dot'],
  ])('are REFUSED to those who may not, and the desk tells of it: %i', (admittance, text) => {
    const { ask, refused } = open(admittance);
    const reply = decodeMessage(ask(ixfr(1))!);
    expect(refused).toEqual([`example. ${text}`]);
    expect([reply.rcode, reply.answer, reply.flags.aa]).toEqual([5, [], false]);
    expect(Buffer.from(reply.edns?.options[0]?.data ?? []).toString('latin1')).toBe(`\0\x12${text}`);
  });

  it('get SERVFAIL when too many are under way', () => {
    const reply = decodeMessage(open(Admittance.YES, 0).ask(ixfr(1))!);
    expect([reply.rcode, reply.answer, reply.flags.aa]).toEqual([2, [], false]);
  });

  it('get NOTAUTH for a name that is none of a zone, and FORMERR without a serial', () => {
    const s = open();
    expect(decodeMessage(s.ask(buildQuery({ name: 'h1.example.', type: 'AXFR' }))!).rcode).toBe(9);
    expect(decodeMessage(s.ask(buildQuery({ name: 'example.', type: 'IXFR' }))!).rcode).toBe(1);
    expect(decodeMessage(s.ask(buildQuery({ name: 'other.', type: 'AXFR' }))!).rcode).toBe(5);
  });

  it.each(SEEDS)('may be mutated at will: seed %d', (seed) => {
    const random = randomFrom(seed);
    const s = open();
    for (let i = 0; i < 300; i++) {
      const query = Uint8Array.from(
        random() < 0.3
          ? buildQuery({ name: 'example.', type: 'AXFR', edns: {} })
          : ixfr(Math.floor(random() * 2 ** 32)),
      );
      for (let flips = Math.floor(random() * 4); flips > 0; flips--)
        query[Math.floor(random() * query.length)] = Math.floor(random() * 256);
      const cut = random() < 0.2 ? query.subarray(0, Math.floor(random() * query.length)) : query;
      const transport = random() < 0.3 ? Transport.UDP : Transport.TLS;
      const reply = s.ask(cut, transport);
      if (reply !== undefined) expect(decodeMessage(reply).flags.qr).toBe(true);
      if (transport === Transport.UDP) expect(s.outcome.rest).toBeUndefined();
      s.rest();
      expect(s.underWay()).toBe(0);
    }
  });
});
