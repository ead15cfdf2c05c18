import { describe, expect, it } from 'vitest';
import { applyDifference } from '../../../src/image/changes/apply.js';
import { diff } from '../../../src/image/changes/diff.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { chooseTransfer, TransferForm } from '../../../src/transfer/out/transfer-choice.js';
import type { Difference } from '../../../src/zone/changes/difference.js';
import { canonicalImageOf, imageOf } from '../../image/changes/versions.js';
import { ZoneVersions } from '../../image/changes/zone-versions.js';
import { randomFrom } from '../../zone/random-zone.js';
import { recordsOf, recordsOfImage, transferOf, viewOf } from './support.js';

const SEEDS = Array.from({ length: 80 }, (_, seed) => seed);
const FILLER = Array.from({ length: 300 }, (_, i) => `f${i} 60 A 192.0.2.1`);

/** Versions of a zone, and what leads from each to the next. `size`: records that stay. */
function history(count: number, seed: number): { images: Uint8Array[]; differences: Difference[] } {
  const random = randomFrom(seed);
  const hosts = new Map<string, string>();
  const images: Uint8Array[] = [];
  for (let serial = 1; serial <= count; serial++) {
    for (let i = 0; i < 3; i++) hosts.set(`h${Math.floor(random() * 20)}`, `192.0.2.${Math.floor(random() * 250)}`);
    if (random() < 0.5) hosts.delete(`h${Math.floor(random() * 20)}`);
    const lines = [...hosts].map(([name, address]) => `${name} 60 A ${address}`);
    images.push(
      canonicalImageOf([`@ 60 SOA ns h ${serial} 2 3 4 5`, '@ 60 NS ns', ...FILLER, ...lines, ''].join('\n')),
    );
  }
  return { images, differences: images.slice(1).map((image, i) => diff(images[i]!, image)) };
}

/** What a client makes of IXFR (RFC 1995 §4): the records of its version, changed. Throws when the answer is in disorder. */
function take(before: readonly string[], answer: readonly string[]): string[] {
  const zone = new Set(before);
  const isSoa = (record: string): boolean => / 6 \d+ /.test(record);
  expect(isSoa(answer[0]!)).toBe(true);
  expect(answer.at(-1)).toBe(answer[0]);
  let adding = true;
  let soas = 0;
  for (const record of answer.slice(1, -1)) {
    if (isSoa(record)) {
      adding = !adding;
      soas++;
    }
    if (adding) {
      if (zone.has(record)) throw new Error(`added twice: ${record}`);
      zone.add(record);
    } else if (!zone.delete(record)) throw new Error(`removed, but not there: ${record}`);
  }
  expect(soas % 2).toBe(0);
  return [...zone];
}

describe('IXFR', () => {
  it.each(SEEDS)('leads from any version in the history to the newest one: seed %d', (seed) => {
    const { images, differences } = history(2 + (seed % 9), seed);
    const newest = images.at(-1)!;
    images.slice(0, -1).forEach((image, i) => {
      const answer = recordsOf(transferOf(newest, 'example.', {}, i + 1, differences));
      expect(take(recordsOfImage(image), answer).sort()).toEqual(recordsOfImage(newest).sort());
    });
  });

  it.each(SEEDS)('or has the form of AXFR where that is shorter, for every kind of zone: seed %d', (seed) => {
    const versions = new ZoneVersions(seed);
    const first = versions.first();
    const next = versions.next(first);
    const [older, newer] = [canonicalImageOf(versions.text(first)), canonicalImageOf(versions.text(next))];
    const answer = recordsOf(transferOf(newer, 'example.', {}, first.serial, [diff(older, newer)]));
    const { form } = chooseTransfer(viewOf(newer), first.serial, [diff(older, newer)]);
    const found = form === TransferForm.ZONE ? answer.slice(0, -1) : take(recordsOfImage(older), answer);
    expect(found.map((text) => text.toLowerCase()).sort()).toEqual(
      recordsOfImage(newer)
        .map((text) => text.toLowerCase())
        .sort(),
    );
  });

  it('is condensed where that is shorter', () => {
    const { images, differences } = history(12, 3);
    const whole = recordsOf(transferOf(images.at(-1)!, 'example.', {}, 1, differences));
    const steps = differences.reduce((sum, { removed, added }) => sum + removed.length + added.length, 0);
    const sum = Buffer.from(whole.join('')).length;
    expect(whole.filter((record) => / 6 60 /.test(record))).toHaveLength(4);
    expect(sum).toBeLessThan(steps * 2);
  });

  const { images, differences } = history(5, 9);
  const newest = images.at(-1)!;
  const formOf = (serial: number, given: readonly Difference[] = differences): TransferForm =>
    chooseTransfer(viewOf(newest), serial, given).form;

  it('is one SOA record for a client that has this version or a later one (RFC 1995 §2)', () => {
    expect([formOf(5), formOf(6), formOf(5 + 2 ** 30)]).toEqual(['soa', 'soa', 'soa']);
    const [message, ...others] = transferOf(newest, 'example.', {}, 5, differences);
    expect([message?.answer.map(({ type }) => type), others]).toEqual([[6], []]);
  });

  it('has the form of AXFR for a serial that is not in the history, and where the history has a gap or another end', () => {
    expect([formOf(0), formOf(2 ** 31 + 10)]).toEqual(['axfr', 'axfr']);
    expect(
      formOf(
        1,
        differences.filter((_, i) => i !== 2),
      ),
    ).toBe('axfr');
    expect(formOf(1, differences.slice(0, -1))).toBe('axfr');
    expect(formOf(1, [])).toBe('axfr');
  });

  it('has the form of AXFR where the differences are longer than the zone', () => {
    const text = (serial: number, name: string): string =>
      [
        `@ 60 SOA ns h ${serial} 2 3 4 5`,
        '@ 60 NS ns',
        ...Array.from({ length: 50 }, (_, i) => `${name}${i} 60 A 192.0.2.1`),
        '',
      ].join('\n');
    const [older, newer] = [imageOf(text(1, 'a')), imageOf(text(2, 'b'))];
    const change = diff(older, newer);
    expect(chooseTransfer(viewOf(newer), 1, [change]).form).toBe('axfr');
    expect(applyDifference(older, change, { now: 0 }).image).toBeDefined();
    expect(change.apex).toEqual(nameFromText('example.'));
  });
});
