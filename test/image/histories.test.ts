import { describe, expect, it } from 'vitest';
import {
  type Catalog,
  findZone,
  Publisher,
  ZONE_EXPIRED,
  ZONE_SEGMENT,
  ZONE_WORDS,
  zoneHistory,
  zoneImage,
} from '../../src/image/catalog.js';
import { diff } from '../../src/image/changes/diff.js';
import { labelOffsets, nameFromText, nameToText } from '../../src/protocol/name.js';
import type { Difference } from '../../src/zone/changes/difference.js';
import { engineOf, loadText, zoneOf } from '../answer/support.js';
import { Random } from '../differential/random.js';
import { seedOr } from '../support/seed.js';

/** Versions of a zone whose serials rise by one, each with another address and as many records as wanted. */
function versionOf(name: string, serial: number, records: number): Uint8Array {
  const text = zoneOf(
    `www A 192.0.2.${serial % 250}\n${Array.from({ length: records }, (_, i) => `n${i} AAAA ::1\n`).join('')}`,
  );
  return loadText(name, text.replace('hostmaster 1 ', `hostmaster ${serial} `)).image;
}

const NAMES = ['a.test', 'b.test', 'sub.a.test', 'c.test'];

interface Served {
  readonly image: Uint8Array;
  readonly history: readonly Difference[];
}

function numberOf(catalog: Catalog, name: string): number {
  const wire = nameFromText(`${name}.`);
  const offsets = labelOffsets(wire);
  const number = findZone(catalog, wire, 0, Uint16Array.from(offsets), offsets.length, 0);
  return number >= 0 && catalog.zones[number * ZONE_WORDS + 2] === offsets.length ? number : -1;
}

const plain = ({ apex, from, to, removed, added }: Difference) => ({
  apex: nameToText(apex),
  from,
  to,
  removed: Buffer.from(removed).toString('hex'),
  added: Buffer.from(added).toString('hex'),
});

/** What a catalog has of each zone. */
const contentOf = (catalog: Catalog) =>
  NAMES.map((name) => {
    const number = numberOf(catalog, name);
    if (number < 0) return undefined;
    const image = zoneImage(catalog, number);
    return image && { image: Buffer.from(image).toString('base64'), history: zoneHistory(catalog, number).map(plain) };
  });

/** ADOTD_RUNS asks for another number. */
const RUNS = Number(process.env.ADOTD_RUNS ?? 8);

describe('histories in the catalog', () => {
  it.each(Array.from({ length: RUNS }, (_, i) => seedOr(1) + i))(
    'are those that were put, in every generation, whatever moves: seed %d',
    (seed) => {
      const random = new Random(seed);
      const publisher = new Publisher();
      const served = new Map<string, Served | undefined>();
      const generations: { catalog: Catalog; content: unknown }[] = [];
      for (let step = 0; step < 60; step++) {
        const name = random.pick(NAMES);
        const old = served.get(name);
        const deed = random.below(10);
        if (deed === 0) {
          publisher.remove(nameFromText(`${name}.`));
          served.delete(name);
        } else if (deed === 1) {
          publisher.fail(nameFromText(`${name}.`), ZONE_EXPIRED);
          served.set(name, undefined);
        } else {
          const records = random.pick([0, 3, 3, 4000]);
          const image = versionOf(name, step + 1, records);
          const history = old === undefined ? [] : [...old.history, diff(old.image, image)];
          publisher.put(nameFromText(`${name}.`), image, history);
          served.set(name, { image, history });
        }
        const catalog = publisher.publish();
        for (const [key, entry] of served) {
          const number = numberOf(catalog, key);
          const found = zoneHistory(catalog, number).map(plain);
          if (entry === undefined) {
            expect([catalog.zones[number * ZONE_WORDS + ZONE_SEGMENT], found]).toEqual([ZONE_EXPIRED, []]);
            continue;
          }
          expect(Buffer.compare(zoneImage(catalog, number)!, entry.image)).toBe(0);
          const octets = found.reduce((sum, { removed, added }) => sum + (removed.length + added.length) / 2, 0);
          expect(octets).toBeLessThanOrEqual(entry.image.length);
          expect(found).toEqual(entry.history.slice(entry.history.length - found.length).map(plain));
          served.set(key, { image: entry.image, history: entry.history.slice(entry.history.length - found.length) });
        }
        generations.push({ catalog, content: contentOf(catalog) });
      }
      // Older generations are read until the threads have let go of them.
      for (const { catalog, content } of generations) expect(contentOf(catalog)).toEqual(content);
    },
  );

  it('are kept up to the length of the zone, the newest first', () => {
    const publisher = new Publisher();
    const apex = nameFromText('a.test.');
    const images = Array.from({ length: 40 }, (_, i) => versionOf('a.test', i + 1, 20));
    const history = images.slice(1).map((image, i) => diff(images[i]!, image));
    publisher.put(apex, images.at(-1)!, history);
    const kept = zoneHistory(publisher.publish(), 0);
    expect(kept.length).toBeGreaterThan(2);
    expect(kept.length).toBeLessThan(history.length);
    expect(kept.at(-1)?.to).toBe(40);
  });

  it('cost nothing when zones have none: a catalog of 5,000 zones refers to a handful of segments', () => {
    const publisher = new Publisher();
    for (let i = 0; i < 5000; i++) publisher.put(nameFromText(`z${i}.test.`), versionOf(`z${i}.test`, 1, 0));
    const { segments, histories } = publisher.publish();
    expect(segments.length).toBeLessThan(20);
    expect(histories.length).toBe(1);
  });
});

describe('a zone without content', () => {
  it('is answered with SERVFAIL, and with the reason: not ready, or expired', () => {
    const engine = engineOf({ 'a.test': undefined, 'b.test': zoneOf('') });
    const ede = () => {
      const { rcode, edns } = engine.query({ name: 'www.a.test.', edns: {} });
      return [rcode, edns?.options.find(({ code }) => code === 15)?.data[1]];
    };
    expect(ede()).toEqual([2, 14]);
    const publisher = new Publisher();
    publisher.fail(nameFromText('a.test.'), ZONE_EXPIRED);
    engine.facts.catalog = publisher.publish();
    expect(ede()).toEqual([2, 24]);
  });
});
