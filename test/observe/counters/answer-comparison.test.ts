import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../src/answer/answer-settings.js';
import { createFacts, Limited, Padding, Transport, UpgradeBit } from '../../../src/answer/facts.js';
import { createResponder, type Responder } from '../../../src/answer/respond.js';
import { type Catalog, Publisher } from '../../../src/image/catalog.js';
import { load } from '../../../src/image/load.js';
import { AnswerComparison } from '../../../src/observe/counters/answer-comparison.js';
import { Counters } from '../../../src/observe/counters/counters.js';
import { LOOKED_AT, SAMPLE, timedResponder } from '../../../src/observe/counters/timed-responder.js';
import { ROOT } from '../../support/cli.js';
import { FakeClock } from '../../support/clock.js';
import { buildQuery } from '../../support/message.js';
import { nameFromText } from '../../support/names.js';

const NOW = 1_796_040_000;
const TRANSPORTS = Object.values(Transport);
const LARGE = `@ 300 SOA ns1 h 1 7200 3600 1209600 300
@ 300 NS ns1
ns1 300 A 192.0.2.1
a 300 TXT ${'"0123456789012345678901234567890123456789" '.repeat(20)}
b 300 MX 1 mail
mail 300 A 192.0.2.2
${Array.from({ length: 40 }, (_, i) => `mail 300 AAAA 2001:db8::${i + 1}`).join('\n')}
`;

function catalogOf(zones: readonly (readonly [origin: string, text: string])[]): Catalog {
  const publisher = new Publisher();
  for (const [origin, text] of zones) {
    const { apex, image } = load(
      { file: origin, bytes: Buffer.from(text, 'latin1'), origin: nameFromText(origin) },
      { now: NOW },
    );
    publisher.put(apex!, image!);
  }
  return publisher.publish();
}

/** A server that compares every answer. `changed`: what stands between it and the responder. */
function server(catalog: Catalog, changed: (inner: Responder) => Responder = (inner) => inner) {
  const counters = new Counters();
  const lines: string[] = [];
  const clock = new FakeClock();
  const responder = changed(createResponder(DEFAULT_SETTINGS));
  const log = { warn: (_: object, text: string) => void lines.push(text) };
  const comparison = new AnswerComparison(createResponder(DEFAULT_SETTINGS), counters, log, clock);
  const facts = createFacts(catalog);
  facts.now = NOW;
  facts.keepalive = 100;
  const out = new Uint8Array(65_540);
  const ask = (query: Uint8Array, transport: Transport): void => {
    facts.transport = transport;
    facts.padding = Padding.IF_EDNS;
    facts.upgradeBit = transport === Transport.TCP ? UpgradeBit.IF_ASKED : UpgradeBit.NEVER;
    const request = Buffer.concat([Buffer.alloc(3), query]);
    const room = transport === Transport.UDP ? 1232 : 65_535;
    const length = responder.respond(request, 3, query.length, facts, out, 5, room);
    const before = { ...facts };
    comparison.compare(
      { octets: request, from: 3, length: query.length },
      facts,
      { octets: out, from: 5, length },
      responder.outcome,
    );
    for (const [key, value] of Object.entries(before))
      if (facts[key as keyof typeof facts] !== value) throw new Error(`${key} has changed`);
  };
  const compared = () => TRANSPORTS.map((transport) => counters.comparisons(transport));
  return { ask, compared, lines, clock, counters };
}

const FILES = readdirSync(join(ROOT, 'zones')).filter((file) => file.endsWith('.zone'));
const SERVED = catalogOf([
  ['large.test.', LARGE],
  ...FILES.map((file) => [file.replace(/zone$/, ''), readFileSync(join(ROOT, 'zones', file), 'latin1')] as const),
]);
const ORIGINS = ['large.test.', ...FILES.map((file) => file.replace(/zone$/, ''))];

describe('the comparison of answers over all transports', () => {
  it('finds all answers of the example zones the same, whatever size they may have', () => {
    const { ask, compared, lines } = server(SERVED);
    let asked = 0;
    for (const origin of ORIGINS)
      for (const label of ['', 'www.', 'a.', 'b.', 'mail.', 'ns1.', 'nothing.here.', '*.', 'child.'])
        for (const type of ['A', 'TXT', 'MX', 'NS', 'DNSKEY', 'ANY', 'DS', 'SOA'] as const)
          for (const edns of [undefined, { udpSize: 512, dnssecOk: true }, { udpSize: 1232, dnssecOk: true }, {}])
            for (const transport of TRANSPORTS) {
              ask(buildQuery({ name: `${label}${origin}`, type, ...(edns && { edns }) }), transport);
              asked++;
            }
    expect(lines).toEqual([]);
    for (const one of compared()) expect(one).toEqual({ compared: asked / TRANSPORTS.length, different: 0 });
  });

  it.each([
    ['a flag', 2, 0x01],
    ['the RCODE', 3, 0x01],
    ['the question', 12 + 3, 0x20],
    ['the answer', 50, 0x01],
  ] as const)('finds a difference in %s, over that transport alone, and tells it once an hour', (_, at, bits) => {
    const query = buildQuery({ name: 'a.large.test.', type: 'TXT', edns: { udpSize: 1232 } });
    const { ask, compared, lines, clock } = server(SERVED, (inner) => ({
      outcome: inner.outcome,
      respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap) {
        const length = inner.respond(inBuf, inOff, inLen, facts, outBuf, outOff, outCap);
        if (facts.transport === Transport.UDP) outBuf[outOff + at]! ^= bits;
        return length;
      },
    }));
    for (const transport of TRANSPORTS) for (let i = 0; i < 3; i++) ask(query, transport);
    expect(compared().map(({ different }) => different)).toEqual([3, 0, 0, 0]);
    expect(lines).toEqual(['an answer over UDP differs from that over TLS: a.large.test.; please report this']);
    clock.now += 3_600_000;
    ask(query, Transport.UDP);
    expect(lines).toHaveLength(2);
  });

  it('leaves out what the rate limit, an access list or an error has made, and messages that are no queries', () => {
    const { ask, compared } = server(SERVED, (inner) => ({
      outcome: inner.outcome,
      respond(...words) {
        const length = inner.respond(...words);
        inner.outcome.limited = Limited.SLIPPED;
        return length;
      },
    }));
    ask(buildQuery({ name: 'www.home.test.', type: 'A' }), Transport.UDP);
    expect(compared().map((one) => one.compared)).toEqual([0, 0, 0, 0]);
    const other = server(SERVED);
    for (const transport of TRANSPORTS) {
      other.ask(buildQuery({ name: 'www.home.test.', type: 'AXFR' }), transport);
      other.ask(Uint8Array.of(1, 2, 3), transport);
      other.ask(buildQuery({ name: 'www.home.test.', type: 'A' }).subarray(0, 20), transport);
    }
    expect(other.compared().map((one) => one.compared)).toEqual([0, 0, 0, 0]);
  });

  it('is given one message in some thousand', () => {
    const seen: number[] = [];
    const inner = createResponder(DEFAULT_SETTINGS);
    const timed = timedResponder(inner, new Counters(), (_, __, inLen) => void seen.push(inLen));
    const facts = createFacts(SERVED);
    const query = buildQuery({ name: 'www.home.test.', type: 'A' });
    for (let i = 0; i < 2 * SAMPLE * LOOKED_AT; i++)
      timed.respond(query, 0, query.length, facts, new Uint8Array(512), 0, 512);
    expect(seen).toEqual([query.length, query.length]);
  });
});
