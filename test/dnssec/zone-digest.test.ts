import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verify } from './verify.js';

const ZONE = [
  'a.test. 60 IN SOA NS h 7 2 3 4 5',
  'a.test. 60 IN NS ns.B.test.',
  'a.test. 60 IN NS ns.A.test.',
  'ns.a.test. 60 IN A 192.0.2.1',
  'c.A.test. 60 IN NS ns.c.a.test.',
  'ns.c.a.test. 60 IN A 192.0.2.2',
];

/** Octets of names in lower case, numbers of 16 and 32 bits: written out by hand, in canonical order. */
const name = (text: string): Buffer =>
  Buffer.concat([...text.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]))]);
const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);
const record = (owner: string, type: number, ...rdata: Buffer[]): Buffer => {
  const octets = Buffer.concat(rdata);
  return Buffer.concat([name(`${owner}.`), u16(type), u16(1), u32(60), u16(octets.length), octets]);
};
const OCTETS = Buffer.concat([
  record('a.test', 2, name('ns.a.test.')),
  record('a.test', 2, name('ns.b.test.')),
  record('a.test', 6, name('ns.'), name('h.'), ...[7, 2, 3, 4, 5].map(u32)),
  record('c.a.test', 2, name('ns.c.a.test.')),
  record('ns.c.a.test', 1, Buffer.of(192, 0, 2, 2)),
  record('ns.a.test', 1, Buffer.of(192, 0, 2, 1)),
]);
const digest = (algorithm: string): string => createHash(algorithm).update(OCTETS).digest('hex');
const zonemd = (serial: number, scheme: number, algorithm: number, hex: string): string =>
  `a.test. 60 IN ZONEMD ${serial} ${scheme} ${algorithm} ${hex}`;
const SHA384 = zonemd(7, 1, 1, digest('sha384'));
const SHA512 = zonemd(7, 1, 2, digest('sha512'));
const WRONG = zonemd(7, 1, 1, '00'.repeat(48));

describe('the digest of a zone (RFC 8976)', () => {
  test.each([[[SHA384]], [[SHA512]], [[SHA384, SHA512]]])('is found right: %j', (records) =>
    expect(verify([...ZONE, ...records])).toMatchObject({ errors: [], warnings: [] }),
  );

  test('is found wrong after any change, letter case apart', () => {
    for (let i = 0; i < ZONE.length; i++) {
      const changed = ZONE.map((line, at) => (at === i ? line.replace(' 60 ', ' 59 ') : line));
      expect(verify([...changed, SHA384]).errors).toEqual([
        expect.stringMatching(
          /z:\d:1: found a ZONEMD record \(SHA384\) that does not match the zone: .*make the digest again/,
        ),
      ]);
    }
    expect(verify([...ZONE.map((line) => line.replace('ns.a.test.', 'NS.a.TEST.')), SHA512]).errors).toEqual([]);
  });

  test('has to be of the serial of the zone', () =>
    expect(verify([...ZONE, zonemd(6, 1, 1, digest('sha384'))]).errors).toEqual([
      expect.stringContaining('found serial 6 in the ZONEMD record, expected that of the zone, 7'),
    ]));

  test('suffices once: another one that does not match is a warning', () =>
    expect(verify([...ZONE, WRONG, SHA512])).toMatchObject({
      errors: [],
      warnings: [expect.stringContaining('SHA384')],
    }));

  test('of an unknown scheme or algorithm is said, not failed', () => {
    for (const record of [zonemd(7, 240, 1, '00'.repeat(48)), zonemd(7, 1, 240, '00'.repeat(12))])
      expect(verify([...ZONE, record])).toMatchObject({
        errors: [],
        warnings: [
          expect.stringMatching(
            /found a ZONEMD record of scheme \d+ and hash algorithm \d+, which cannot be verified here/,
          ),
        ],
      });
  });

  test('counts for nothing where one scheme and algorithm has two', () =>
    expect(verify([...ZONE, WRONG, SHA384]).errors).toEqual([
      expect.stringContaining('found 2 ZONEMD records of scheme 1 and hash algorithm 1, expected one'),
      expect.stringContaining('found 2 ZONEMD records'),
    ]));

  test('is not asked for when dates only are checked', () =>
    expect(verify([...ZONE, WRONG], { check: 'expiry' })).toMatchObject({ errors: [], warnings: [] }));
});
