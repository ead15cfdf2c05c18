import { describe, expect, it } from 'vitest';
import { Kind, Limited, Transport } from '../../../src/answer/facts.js';
import { queryFields, queryLine } from '../../../src/observe/tap/query-line.js';
import { Target } from '../../../src/observe/tap/record.js';
import { Opcode, Rcode } from '../../../src/protocol/iana.js';
import { buildQuery } from '../../support/message.js';
import { BEGAN, recordOf } from './support.js';

/** A response's header, and nothing else of it. */
const header = (first: number, rest = 88): Uint8Array =>
  Uint8Array.of(0x42, 0x42, first, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...new Uint8Array(rest));

describe('a line of the query log', () => {
  it('tells who asked what, and what came of it', () => {
    const record = recordOf({
      query: buildQuery({ name: 'WWW.example.test.', type: 'AAAA', edns: { dnssecOk: true } }),
      response: header(0x84),
      facts: { transport: Transport.TLS },
      outcome: { kind: Kind.NODATA, edns: 1, dnssecOk: 1 },
      zoneLabels: 2,
    });
    expect(queryFields(record)).toEqual({
      client: '192.0.2.1',
      port: 40_000,
      transport: 'tls',
      qname: 'WWW.example.test.',
      qclass: 'IN',
      qtype: 'AAAA',
      kind: 'nodata',
      rcode: 'NOERROR',
      flags: 'aa edns do',
      size: 100,
      zone: 'example.test.',
    });
    expect(JSON.parse(queryLine(record))).toMatchObject({ time: Math.floor(BEGAN), msg: 'query', qtype: 'AAAA' });
  });

  it('reads header and question alone, which is all that is kept for it', () => {
    const query = Uint8Array.from([...buildQuery({ name: `${'a'.repeat(63)}.test.` }), ...new Uint8Array(5000)]);
    const record = recordOf({ query, response: header(0x82, 60_000), targets: Target.QUERY_LOG });
    expect(record.queryKept).toBeLessThan(300);
    expect(record.responseKept).toBe(12);
    expect(queryFields(record)).toMatchObject({ qname: `${'a'.repeat(63)}.test.`, flags: 'tc', size: 60_012 });
  });

  it.each([
    ['line ends and quotes', [0x0a, 0x0d, 0x22, 0x27, 0x5c], '\\010\\013\\"\'\\\\.test.'],
    ['what steers a terminal', [0x1b, 0x5b, 0x32, 0x4a, 0x07, 0x9b], '\\027[2J\\007\\155.test.'],
    ['dots and spaces', [0x2e, 0x20, 0x00], '\\.\\032\\000.test.'],
    ['octets that are no ASCII', [0xe2, 0x80, 0xa8, 0xff], '\\226\\128\\168\\255.test.'],
  ])('shows a name with %s escaped', (_, label, text) => {
    const name = Uint8Array.of(label.length, ...label, 4, 0x74, 0x65, 0x73, 0x74, 0);
    const record = recordOf({ query: buildQuery({ name }) });
    expect(queryFields(record).qname).toBe(text);
    expect(queryLine(record)).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(queryLine(record))).toMatchObject({ qname: text });
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['less than a header', new Uint8Array(11)],
    ['no question', buildQuery({ noQuestion: true })],
    ['a name that does not end', Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 1, 2)],
    ['a name without type', Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['a pointer for a name', Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1)],
    [
      'a name that is too long',
      buildQuery({
        name: Uint8Array.from([
          ...Array(5)
            .fill([63, ...Array(63).fill(97)])
            .flat(),
          0,
        ]),
      }),
    ],
  ])('has no name for a message that has %s', (_, query) => {
    const fields = queryFields(recordOf({ query, outcome: { kind: Kind.DROPPED } }));
    expect(fields).toEqual({
      client: '192.0.2.1',
      port: 40_000,
      transport: 'udp',
      kind: 'dropped',
      flags: '',
      size: 0,
    });
  });

  it('names each transport', () => {
    const named = Object.values(Transport).map(
      (transport) => queryFields(recordOf({ query: new Uint8Array(0), facts: { transport } })).transport,
    );
    expect(named).toEqual(['udp', 'tcp', 'starttls', 'tls']);
  });

  it('names what has no name by its number', () => {
    const query = buildQuery({ name: '.', type: 4242, class: 77, opcode: 9 });
    const fields = queryFields(
      recordOf({ query, response: header(0x80), outcome: { kind: Kind.ERROR, opcode: 9, rcode: 19, ede: 30 } }),
    );
    expect(fields).toMatchObject({
      qname: '.',
      qtype: 'TYPE4242',
      qclass: 'CLASS77',
      opcode: 'OPCODE9',
      rcode: 'RCODE19',
      ede: 30,
    });
    const known = buildQuery({ name: '.', type: 'ANY', class: 'CH', opcode: Opcode.NOTIFY });
    const outcome = { opcode: Opcode.NOTIFY, rcode: Rcode.BADCOOKIE };
    expect(queryFields(recordOf({ query: known, response: header(0x80), outcome }))).toMatchObject({
      qtype: 'ANY',
      qclass: 'CH',
      opcode: 'NOTIFY',
      rcode: 'BADCOOKIE',
    });
  });

  it('says what the rate limit did', () => {
    const query = buildQuery({ name: 'test.' });
    const limited = (value: Limited) => queryFields(recordOf({ query, outcome: { limited: value } })).limited;
    expect([Limited.NONE, Limited.DROPPED, Limited.SLIPPED].map(limited)).toEqual([undefined, 'dropped', 'slipped']);
  });

  it('shows IPv6 addresses, and the root as zone', () => {
    const client = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    const record = recordOf({
      query: buildQuery({ name: 'test.' }),
      facts: { client, clientLength: 16 },
      zoneLabels: 0,
    });
    expect(queryFields(record)).toMatchObject({ client: '2001:db8::1', zone: '.' });
  });
});
