import { describe, expect, it } from 'vitest';
import { createFacts, Transport } from '../../../src/answer/facts.js';
import type { Responder } from '../../../src/answer/respond.js';
import { createRecord, readRecord, type TapRecord, Target } from '../../../src/observe/tap/record.js';
import { createRing, RingReader } from '../../../src/observe/tap/ring.js';
import type { ThreadTap } from '../../../src/observe/tap/tap.js';
import { recordingResponder } from '../../../src/server/plane/recording-responder.js';
import { emptyCatalog } from '../../support/catalog.js';
import { echoResponder, message } from '../../support/responder.js';

const SETTINGS = { querySample: 1, dnstapSample: 0, queries: true, responses: true };

function setUp(settings: Partial<ThreadTap> = {}, inner: Responder = echoResponder(), random?: () => number) {
  const tap: ThreadTap = { ring: createRing(), ...SETTINGS, ...settings };
  let fine = 0;
  const responder = recordingResponder(inner, tap, random, {
    monotonic: () => (fine += 0.5),
    wall: () => Math.floor(1000 + fine),
  });
  const reader = new RingReader(tap.ring);
  const facts = createFacts(emptyCatalog());
  const out = new Uint8Array(70_000);
  const ask = (query: Uint8Array): number =>
    responder.respond(Buffer.concat([Buffer.alloc(2), query]), 2, query.length, facts, out, 7, 65_535);
  /** All records so far, and the octets of their messages. */
  const records = (): { record: TapRecord; query: Buffer; response: Buffer }[] => {
    const all = [];
    for (let place = reader.next(); place >= 0; place = reader.next()) {
      const record = createRecord();
      expect(readRecord(reader, place, record)).toBe(true);
      const { bytes, queryAt, queryKept, responseAt, responseKept } = record;
      all.push({
        record: { ...record },
        query: Buffer.from(bytes.slice(queryAt, queryAt + queryKept)),
        response: Buffer.from(bytes.slice(responseAt, responseAt + responseKept)),
      });
      reader.release();
    }
    return all;
  };
  return { responder, ask, records, facts, out, reader };
}

describe('a tapped responder', () => {
  it('answers as the one it taps, and records what was asked, by whom, and what was answered', () => {
    const inner = echoResponder();
    const { responder, ask, records, facts, out } = setUp({ dnstapSample: 1 }, inner);
    facts.client.set([198, 51, 100, 7]);
    facts.clientPort = 5353;
    facts.transport = Transport.TCP;
    expect(responder.outcome).toBe(inner.outcome);
    expect(ask(message(1, 300))).toBe(300);
    const [only] = records();
    expect(only?.query).toEqual(message(1, 300));
    expect(only?.response).toEqual(Buffer.from(out.subarray(7, 307)));
    expect(only?.record).toMatchObject({
      targets: Target.QUERY_LOG | Target.DNSTAP,
      transport: Transport.TCP,
      clientPort: 5353,
      began: 1000.5,
      ended: 1001,
      queryLength: 300,
      responseLength: 300,
    });
    expect(only?.record.bytes.slice(only.record.clientAt, only.record.clientAt + 4)).toEqual(
      Uint8Array.of(198, 51, 100, 7),
    );
  });

  it.each([0, 1, 11, 12, 191, 192, 193, 1232, 65_535])('keeps messages of %d octets whole for dnstap', (length) => {
    const { ask, records } = setUp({ querySample: 0, dnstapSample: 1 });
    const query = Buffer.from(Uint8Array.from({ length }, (_, i) => i & 0x7f));
    const answered = ask(query);
    const [only] = records();
    expect(only?.query).toEqual(query);
    expect(only?.response.length).toBe(answered);
    expect(only?.record.responseLength).toBe(answered);
  });

  it('records that there was no answer', () => {
    const inner = echoResponder();
    const { ask, records } = setUp({}, { outcome: inner.outcome, respond: () => 0 });
    expect(ask(message(1))).toBe(0);
    expect(records()[0]?.record.responseLength).toBe(0);
  });

  it('records a request that is handed off once, with its reply', () => {
    const inner = echoResponder();
    let handed = true;
    const respond: typeof inner.respond = (...asked) => (handed ? -1 : inner.respond(...asked));
    const { ask, records } = setUp({}, { outcome: inner.outcome, respond });
    expect(ask(message(1))).toBe(-1);
    expect(records()).toEqual([]);
    handed = false;
    const answered = ask(message(1));
    expect(records().map(({ record }) => record.responseLength)).toEqual([answered]);
  });

  it('leaves out whole messages that dnstap is not told', () => {
    const { ask, records } = setUp({ querySample: 0, dnstapSample: 1, queries: false });
    ask(message(1, 1000));
    const [only] = records();
    expect(only?.query.length).toBeLessThan(300);
    expect(only?.response.length).toBe(1000);
  });

  it('records one of N, and calls no clock for the others', () => {
    const distances = [0, 0.5, 0.999];
    const inner = echoResponder();
    let drawn = 0;
    const { ask, records } = setUp({ querySample: 10 }, inner, () => distances[drawn++ % 3]!);
    const recorded: number[] = [];
    for (let i = 1; i <= 100; i++) {
      ask(message(i));
      for (const { record } of records()) {
        recorded.push(i);
        expect(record.ended - record.began).toBeCloseTo(0.5);
      }
    }
    // Distances of 1, 10 and 19.
    expect(recorded).toEqual([1, 11, 30, 31, 41, 60, 61, 71, 90, 91]);
  });

  it('draws for the query log and for dnstap apart', () => {
    const { ask, records } = setUp({ querySample: 1, dnstapSample: 2 }, echoResponder(), () => 0.5);
    for (let i = 0; i < 4; i++) ask(message(i));
    const both = Target.QUERY_LOG | Target.DNSTAP;
    expect(records().map(({ record }) => record.targets)).toEqual([Target.QUERY_LOG, both, Target.QUERY_LOG, both]);
  });

  it.each([
    ['a query longer than the record', 21, 5000],
    ['a query of less than nothing', 21, -1],
    ['a response longer than the record', 22, 5000],
    ['an address of no family', 6, 7],
  ])('is believed no record with %s', (_, word, value) => {
    const tap: ThreadTap = { ring: createRing(), ...SETTINGS };
    const inner = echoResponder();
    const facts = createFacts(emptyCatalog());
    recordingResponder(inner, tap).respond(message(1), 0, 20, facts, new Uint8Array(512), 0, 512);
    const reader = new RingReader(tap.ring);
    const place = reader.next();
    reader.words[(place >> 2) + word] = value;
    expect(readRecord(reader, place, createRecord())).toBe(false);
  });

  it('answers on when nobody reads what it records', () => {
    const { ask, reader } = setUp({ dnstapSample: 1 });
    for (let i = 0; i < 200; i++) expect(ask(message(i, 30_000))).toBe(30_000);
    expect(reader.takeDropped()).toBeGreaterThan(150);
  });
});
