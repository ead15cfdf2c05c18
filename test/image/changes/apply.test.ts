import { describe, expect, it } from 'vitest';
import { applyDifference } from '../../../src/image/changes/apply.js';
import { diff } from '../../../src/image/changes/diff.js';
import { imageText } from '../../../src/image/text.js';
import { compose } from '../../../src/zone/changes/compose.js';
import { type Difference, readDifference } from '../../../src/zone/changes/difference.js';
import { canonicalImageOf, imageOf, OPTIONS } from './versions.js';
import { ZoneVersions } from './zone-versions.js';

const SEEDS = Array.from({ length: 120 }, (_, seed) => seed);

function applied(image: Uint8Array, difference: Difference): Uint8Array {
  const { image: newer, diagnostics } = applyDifference(image, difference, OPTIONS);
  expect(diagnostics.list.filter(({ severity }) => severity === 'error')).toEqual([]);
  return newer ?? new Uint8Array();
}

/** Whether two images are the same; the texts are compared first, as their difference can be read. */
function expectSameImage(found: Uint8Array, expected: Uint8Array): void {
  expect([...imageText(found)].join('')).toBe([...imageText(expected)].join(''));
  expect(Buffer.compare(found, expected)).toBe(0);
}

describe('applying the difference between two versions', () => {
  it.each(SEEDS)('makes the image that the newer version compiles to, octet by octet: seed %d', (seed) => {
    const versions = new ZoneVersions(seed);
    const a = versions.first();
    const b = versions.next(a);
    const text = versions.text(b);
    const older = imageOf(versions.text(a));
    const newer = canonicalImageOf(text);
    const difference = diff(older, newer);
    expect([difference.from, difference.to]).toEqual([a.serial, b.serial]);
    expectSameImage(applied(older, difference), newer);
    // The order of a file's records decides on no more than the letter case of names that point to each other.
    const others = applied(older, diff(older, imageOf(text)));
    expect([...imageText(others)].join('').toLowerCase()).toBe([...imageText(newer)].join('').toLowerCase());
  });

  it.each(SEEDS.slice(0, 40))('works a second time on the image that it made: seed %d', (seed) => {
    const versions = new ZoneVersions(seed);
    let version = versions.first();
    let image = canonicalImageOf(versions.text(version));
    for (let i = 0; i < 4; i++) {
      version = versions.next(version);
      const newer = canonicalImageOf(versions.text(version));
      image = applied(image, diff(image, newer));
      expectSameImage(image, newer);
    }
  });

  it.each(SEEDS.slice(0, 40))('does the same when the records of the difference were in disorder: seed %d', (seed) => {
    const versions = new ZoneVersions(seed);
    const a = versions.first();
    const difference = diff(imageOf(versions.text(a)), imageOf(versions.text(versions.next(a))));
    expect(readDifference(difference.apex, backwards(difference.removed), backwards(difference.added))).toEqual(
      difference,
    );
  });

  it('works where the difference is longer than 65,535 octets', () => {
    const zone = (serial: number, hosts: number): string => {
      const lines = [`@ 60 SOA ns host ${serial} 7200 900 1209600 300`, '@ 60 NS ns', 'ns 60 A 192.0.2.1'];
      for (let i = 0; i < hosts; i++) lines.push(`host-${i} 60 A 10.0.${i >> 8}.${i & 255}`);
      return `${lines.join('\n')}\n`;
    };
    const [small, large] = [canonicalImageOf(zone(1, 3)), canonicalImageOf(zone(2, 3000))];
    const there = diff(small, large);
    expect(there.added.length).toBeGreaterThan(65_535);
    expectSameImage(applied(small, there), large);
    expectSameImage(applied(large, diff(large, canonicalImageOf(zone(3, 3)))), canonicalImageOf(zone(3, 3)));
  });
});

describe('a chain of differences', () => {
  it.each(SEEDS.slice(0, 60))('is condensed to the difference of its ends: seed %d', (seed) => {
    const versions = new ZoneVersions(seed);
    const chain = [versions.first()];
    for (let i = 0; i < 5; i++) chain.push(versions.next(chain.at(-1)!));
    const images = chain.map((version) => canonicalImageOf(versions.text(version)));
    const differences = images.slice(1).map((image, i) => diff(images[i]!, image));
    const sum = differences.reduce(compose);
    expect(sum).toEqual(diff(images[0]!, images.at(-1)!));
    expectSameImage(applied(images[0]!, sum), images.at(-1)!);
    // However they are grouped.
    const [first, ...others] = differences;
    expect(compose(first!, others.reduce(compose))).toEqual(sum);
  });
});

/** The records of a run in reverse order. */
function backwards(run: Uint8Array): Uint8Array {
  const records: Uint8Array[] = [];
  for (let at = 0; at < run.length; ) {
    let fixed = at;
    while (run[fixed] !== 0) fixed += run[fixed]! + 1;
    const end = fixed + 11 + (run[fixed + 9]! << 8) + run[fixed + 10]!;
    records.unshift(run.subarray(at, end));
    at = end;
  }
  return Uint8Array.from(Buffer.concat(records));
}
