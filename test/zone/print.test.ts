import { describe, expect, test } from 'vitest';
import { printZone } from '../../src/zone/print.js';
import { groupRrsets } from '../../src/zone/rrsets.js';
import { seedOr } from '../support/seed.js';
import { randomZone } from './random-zone.js';
import { read, recordsOf } from './read.js';

function print(text: string): string {
  const { store, messages } = read(text);
  expect(messages).toEqual([]);
  let printed = '';
  printZone(groupRrsets(store), (piece) => {
    printed += piece;
  });
  return printed;
}

describe('printZone', () => {
  test('writes one record a line in canonical order, the SOA first', () => {
    const zone = [
      '$TTL 60',
      'z A 192.0.2.1',
      'Z.a A 192.0.2.1',
      '*.z A 192.0.2.1',
      'yljkjljk.a A 192.0.2.1',
      '\\001.z A 192.0.2.1',
      '\\200.z A 192.0.2.1',
      '@ NS b',
      '@ A 192.0.2.9',
      '@ A 192.0.2.1',
      '@ NS A',
      '@ SOA ns host 1 2 3 4 5',
      '@ 5 A 192.0.2.2',
      'zABC.a TXT x',
    ];
    expect(print(zone.join('\n')).split('\n')).toEqual([
      'example. 60 IN SOA ns.example. host.example. 1 2 3 4 5',
      'example. 5 IN A 192.0.2.1',
      'example. 5 IN A 192.0.2.2',
      'example. 5 IN A 192.0.2.9',
      'example. 60 IN NS A.example.',
      'example. 60 IN NS b.example.',
      'yljkjljk.a.example. 60 IN A 192.0.2.1',
      'Z.a.example. 60 IN A 192.0.2.1',
      'zABC.a.example. 60 IN TXT "x"',
      'z.example. 60 IN A 192.0.2.1',
      '\\001.z.example. 60 IN A 192.0.2.1',
      '*.z.example. 60 IN A 192.0.2.1',
      '\\200.z.example. 60 IN A 192.0.2.1',
      '',
    ]);
  });

  test('leaves out duplicates', () => expect(print('$TTL 1\n@ TXT a\n@ TXT a\n')).toBe('example. 1 IN TXT "a"\n'));

  test('keeps the TTL of each signature', () => {
    const rrsig = 'IN RRSIG A 8 1 3600 20370101000000 20260101000000 1 example. AAAA';
    expect(print(`@ 1 ${rrsig}\n@ 2 ${rrsig.replace('A 8', 'NS 8')}`)).toBe(
      `example. 1 ${rrsig}\nexample. 2 ${rrsig.replace('A 8', 'NS 8')}\n`,
    );
  });

  test('writes big zones in pieces', () => {
    const pieces: string[] = [];
    printZone(groupRrsets(read('$TTL 1\n$GENERATE 1-10000 a$ A 192.0.2.1').store), (piece) => pieces.push(piece));
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.join('').split('\n')).toHaveLength(10_001);
  });

  test('reading what it writes gives the same zone', () => {
    const start = seedOr(1);
    for (let seed = start; seed < start + 200; seed++) {
      const zone = randomZone(seed, 60);
      const printed = print(zone);
      expect(print(printed), `seed ${seed}`).toBe(printed);
      const withoutTtl = (records: string[]): string[] =>
        [
          // Letter case makes no other record, but in character-strings.
          ...new Set(
            records.map((record) =>
              record.replace(/^(\S+) \d+/, '$1').replace(/^.*?(?= "|$)/, (names) => names.toLowerCase()),
            ),
          ),
        ].sort();
      const [before, after] = [zone, printed].map((text) => withoutTtl(recordsOf(read(text).store)));
      expect(after, `seed ${seed}`).toEqual(before);
    }
  });
});
