import { describe, expect, it } from 'vitest';
import * as L from '../../src/image/layout.js';
import { RecordStore } from '../../src/zone/store.js';
import { engineOf, loadText, zoneOf } from '../answer/support.js';
import { dumpImage } from './dump.js';

function header(image: Uint8Array, field: number): number {
  return new Int32Array(image.buffer, image.byteOffset)[field]!;
}

describe('a zone image', () => {
  it('takes at most 120 octets per address record', () => {
    const lines = Array.from({ length: 50_000 }, (_, i) => `host${i} A 10.0.${(i >> 8) & 255}.${i & 255}`);
    const { image, records } = loadText('big.test', zoneOf(lines.join('\n')));
    expect(image.byteLength / records).toBeLessThanOrEqual(120);
  });

  it('has each name of a zone of several parts of the hash table, once, and with its hash', () => {
    const names = Array.from({ length: 50_000 }, (_, i) => `host${i} A 10.0.${(i >> 8) & 255}.${i & 255}`);
    const { image, rrsets } = loadText('big.test', zoneOf(names.join('\n')));
    const words = new Int32Array(image.buffer, image.byteOffset);
    const table = header(image, L.HEADER_TABLE);
    const mask = header(image, L.HEADER_MASK);
    const found = new Map<number, number>();
    let longest = 0;
    for (const hash of rrsets.store.hash.subarray(0, rrsets.store.nodeCount)) {
      for (let probes = 0; ; probes++) {
        const slot = table + ((hash + probes) & mask) * L.SLOT_WORDS;
        if (words[slot + L.SLOT_NODE] === 0) break;
        if (words[slot + L.SLOT_HASH] !== hash) continue;
        found.set(words[slot + L.SLOT_NODE]!, hash);
        longest = Math.max(longest, probes + 1);
      }
    }
    expect(mask).toBeGreaterThan(0xffff);
    expect(found.size).toBe(header(image, L.HEADER_NODE_COUNT) - 1);
    expect(longest).toBeLessThanOrEqual(header(image, L.HEADER_LONGEST_PROBE));
  });

  it('is printed for humans', () => {
    const { image } = loadText(
      'dump.test',
      zoneOf('www A 192.0.2.2\n*.w CNAME www\nsub NS ns.sub\nns.sub A 192.0.2.3'),
    );
    let text = '';
    dumpImage(image, (line) => {
      text += line;
    });
    expect(text).toContain('zone dump.test. serial 1');
    expect(text).toMatch(/node \d+ sub\.dump\.test\. cut/);
    expect(text).toMatch(/node \d+ ns\.sub\.dump\.test\. occluded/);
    expect(text).toMatch(/node \d+ w\.dump\.test\. parent=\d+ wildcard=\d+/);
    expect(text).toMatch(/CNAME at \d+: 1 records, 18 octets, TTL 3600, 0 signatures, 1 pointers, first name in zone/);
  });

  it('says so when octets are no image', () => {
    let text = '';
    dumpImage(new Uint8Array(200), (line) => {
      text += line;
    });
    expect(text).toBe('not a zone image of this format\n');
  });

  it('keeps searches of its hash table short, for crafted names too', () => {
    // Names are picked so that their hashes share the low bits: in a table of any small size they would be one run.
    const store = new RecordStore();
    const names: string[] = [];
    const label = new Uint8Array(16);
    const apex = store.intern(Uint8Array.of(7, ...Buffer.from('crafted'), 4, ...Buffer.from('test'), 0));
    for (let i = 0; names.length < 300; i++) {
      const text = `n${i}`;
      label[0] = text.length;
      label.set(Buffer.from(text), 1);
      const node = store.child(apex, label, 0);
      if ((store.hash[node]! & 0x3ff) === 5) names.push(text);
    }
    const { image } = loadText('crafted.test', zoneOf(names.map((name) => `${name} A 192.0.2.1`).join('\n')));
    expect(header(image, L.HEADER_LONGEST_PROBE)).toBeLessThanOrEqual(48);
    const engine = engineOf({ 'crafted.test': zoneOf(names.map((name) => `${name} A 192.0.2.1`).join('\n')) });
    for (const name of names) expect(engine.query({ name: `${name}.crafted.test.` }).answer).toHaveLength(1);
    expect(engine.query({ name: 'absent.crafted.test.' }).rcode).toBe(3);
  });

  it('serves the root zone without pointers to the root', () => {
    const engine = engineOf({
      '.': '. 60 SOA a. b. 1 2 3 4 5\n. 60 NS a.\na. 60 A 192.0.2.1\ntest. 60 NS ns.test.\nns.test. 60 A 192.0.2.2',
    });
    const soa = engine.query({ name: '.', type: 'SOA' });
    expect(soa.answer.map((record) => [record.owner, record.text])).toEqual([['.', 'a. b. 1 2 3 4 5']]);
    expect(engine.query({ name: 'missing.' }).authority[0]?.owner).toBe('.');
    const referral = engine.query({ name: 'www.test.' });
    expect(referral.additional.map((record) => [record.owner, record.text])).toEqual([['ns.test.', '192.0.2.2']]);
  });
});
