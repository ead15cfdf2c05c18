/** What a client that asks for signals of transports gets, beside what everybody gets. */
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { answerSettings } from '../../src/server/plane/configured-settings.js';
import { Random } from '../differential/random.js';
import { engineOf } from '../support/engine.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { SEED } from '../support/seed.js';

const OPTION = { code: 65_001, data: new Uint8Array(0) };
const TYPES = ['A', 'AAAA', 'NS', 'SOA', 'MX', 'TXT', 'SVCB', 'ANY', 'DS', 'RRSIG'];
const settings = answerSettings(
  configSchema.parse({
    signals: { names: ['ns1.a.test', 'a.root'], oots: { dot: 20 } },
    any: 'full',
    minimal_responses: false,
  }),
);

/** A zone with a number of nameservers, names, and long RRsets. */
function zoneOf(apex: string, random: Random): string {
  const servers = Array.from(
    { length: 1 + random.below(20) },
    (_, i) => `@ NS ns${i}.${i % 3 === 0 ? 'b.test.' : 'a.test.'}`,
  );
  const texts = Array.from({ length: random.below(300) }, () => `long TXT "${'x'.repeat(1 + random.below(250))}"`);
  const signals = Array.from({ length: 20 }, (_, i) => `_dns.ns${i} SVCB 1 ns${i} alpn=dot\nns${i} A 192.0.2.${i}`);
  return [
    `$ORIGIN ${apex}`,
    '$TTL 60',
    '@ SOA ns1.a.test. h 1 2 3 4 5',
    '@ NS ns1.a.test.',
    ...servers,
    '@ MX 10 ns2',
    ...signals,
  ]
    .concat(['www A 192.0.2.1', 'alias CNAME www', '*.wild TXT w', 'sub NS ns.sub', 'ns.sub A 192.0.2.2', ...texts, ''])
    .join('\n');
}

describe('signals of transports', () => {
  it(`come on top of the answer, whatever the zone and the size (seed ${SEED})`, () => {
    const random = new Random(SEED);
    let [asked, signalled] = [0, 0];
    for (let round = 0; round < 10; round++) {
      const [a, b] = [zoneOf('a.test.', random), zoneOf('b.test.', random)];
      const engine = engineOf(
        [
          { file: 'a', text: a },
          { file: 'b', text: b },
        ],
        settings,
      );
      for (const label of ['', 'www.', 'alias.', 'long.', 'x.wild.', 'missing.', 'sub.', 'ns2.', '_dns.ns1.']) {
        const [type, isTcp] = [TYPES[random.below(TYPES.length)]!, random.below(3) === 0];
        const edns = { udpSize: 512 + random.below(4000), dnssecOk: random.below(2) === 0 };
        const ask = (options: readonly (typeof OPTION)[]) => {
          const query = buildQuery({ name: `${label}a.test`, type, edns: { ...edns, options: [...options] } });
          return decodeMessage(engine.ask(query, isTcp ? 'tcp' : 'udp')!);
        };
        const [plain, more] = [ask([]), ask([OPTION])];
        const common = ({ rcode, flags, answer }: typeof plain) => ({ rcode, flags, answer });
        expect(common(more)).toEqual(common(plain));
        expect(more.authority.slice(0, plain.authority.length)).toEqual(plain.authority);
        const added = more.authority.slice(plain.authority.length);
        expect(new Set(added.map(({ owner, type: of }) => `${owner} ${of}`)).size).toBeLessThanOrEqual(1);
        const signals = more.additional.filter(({ owner, type: of }) => of === 64 && owner.startsWith('_dns.'));
        const isWith = added.length > 0 || (type === 'NS' && label === '');
        if (signals.length > plain.additional.filter(({ type: of }) => of === 64).length) expect(isWith).toBe(true);
        asked++;
        if (added.length > 0 && signals.length > 0) signalled++;
      }
    }
    expect(signalled).toBeGreaterThan(asked / 10);
  });

  it('point into the root zone too', () => {
    const text =
      '. 60 SOA a.root. h. 1 2 3 4 5\n. 60 NS a.root.\na.root. 60 A 192.0.2.1\n_dns.a.root. 60 SVCB 1 a.root. alpn=dot\n';
    const engine = engineOf([{ file: 'root', text }], settings);
    const query = buildQuery({ name: 'missing', type: 'A', edns: { options: [OPTION] } });
    const { authority, additional } = decodeMessage(engine.ask(query, 'udp')!);
    expect(authority.map(({ owner, type }) => `${owner} ${type}`)).toEqual(['. 6', '. 2']);
    expect(additional.map(({ owner, type }) => `${owner} ${type}`)).toEqual(['_dns.a.root. 64']);
  });
});
