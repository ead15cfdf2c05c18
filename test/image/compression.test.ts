import { describe, expect, it } from 'vitest';
import { engineOf, zoneOf } from '../answer/support.js';

const sized = (records: string, name: string, type: string, zone = 'example.test') => {
  const response = engineOf({ [zone]: records }).query({ name, type, edns: { udpSize: 4096 } });
  return {
    size: response.size,
    texts: [...response.answer, ...response.authority].map((record) => record.text).sort(),
  };
};

describe('compression of names in RDATA', () => {
  it('shares the ends of names outside the zone within an RRset', () => {
    const { size, texts } = sized(
      zoneOf('mx MX 1 a.mail.provider.example.\nmx MX 2 b.mail.PROVIDER.example.\nmx MX 3 mail.provider.example.'),
      'mx.example.test.',
      'MX',
    );
    // The names are read back whole, in the letter case of the pointer's target.
    expect(texts).toEqual(['1 a.mail.provider.example.', '2 b.mail.provider.example.', '3 mail.provider.example.']);
    // Header, question, OPT, three records of 14 octets before the name; names of 25, 4 and 2 octets.
    expect(size).toBe(12 + 21 + 11 + 3 * 14 + 25 + 4 + 2);
  });

  it('points to the owner, the apex, and names before, whichever saves most', () => {
    const { size, texts } = sized(
      zoneOf('sub NS ns1.deep.sub\nsub NS ns2.deep.sub\nsub NS sub\nsub NS other'),
      'www.sub.example.test.',
      'A',
    );
    expect(texts).toEqual([
      'ns1.deep.sub.example.test.',
      'ns2.deep.sub.example.test.',
      'other.example.test.',
      'sub.example.test.',
    ]);
    expect(size).toBe(12 + 26 + 11 + 4 * 12 + (4 + 5 + 2) + (4 + 2) + 2 + (6 + 2));
  });

  it('works where the owner is the root', () => {
    const root =
      '. 60 SOA a.root. b.root. 1 2 3 4 5\n. 60 NS a.servers.net.\n. 60 NS b.servers.net.\n. 60 NS servers.net.';
    expect(sized(root, '.', 'NS', '.').texts).toEqual(['a.servers.net.', 'b.servers.net.', 'servers.net.']);
  });

  it('leaves RRsets alone that are too long for pointers', () => {
    const many = Array.from({ length: 400 }, (_, i) => `mx MX ${i} host.mail.provider.example.`).join('\n');
    const engine = engineOf({ 'example.test': zoneOf(many) });
    engine.facts.transport = 1;
    const response = engine.query({ name: 'mx.example.test.', type: 'MX' });
    expect(new Set(response.answer.map((record) => record.text.split(' ')[1]))).toEqual(
      new Set(['host.mail.provider.example.']),
    );
    expect(response.answer.length).toBe(400);
  });
});
