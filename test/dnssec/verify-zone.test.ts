import { describe, expect, test } from 'vitest';
import { randomFrom } from '../zone/random-zone.js';
import { linesOf, NOW, verify } from './verify.js';

const NSEC = linesOf('nsec');
const NSEC3 = linesOf('nsec3');
const is = (what: string) => (line: string) => line.includes(` IN ${what}`) || line.startsWith(`${what} `);
const without = (lines: readonly string[], what: string): string[] => lines.filter((line) => !line.includes(what));
const replaced = (lines: readonly string[], what: string, from: string | RegExp, to: string): string[] =>
  lines.map((line) => (line.includes(what) ? line.replace(from, to) : line));

describe('a signed zone', () => {
  test.each([NSEC, NSEC3])('is found right', (...lines) =>
    expect(verify(lines)).toEqual({ errors: [], warnings: [], signaturesExpire: Date.UTC(2060, 0, 1) / 1000 }),
  );

  test.each([
    [
      'an edited record',
      replaced(NSEC, 'ns1.nsec.test. 3600 IN A ', /\d+$/, '99'),
      /^z:\d+:1: found that the signature of ns1\.nsec\.test\. A in line \d+ \(key \d+, algorithm 13 \(ECDSAP256SHA256\)\) does not verify: .*sign the zone again$/,
    ],
    [
      'a missing signature',
      without(NSEC, 'ns1.nsec.test. 3600 IN RRSIG A '),
      /^z:\d+:1: found no signature of ns1\.nsec\.test\. A, expected one by a key of nsec\.test\. \(RFC 4035 §2\.2\): sign the zone again$/,
    ],
    [
      'another TTL',
      replaced(NSEC, 'ns1.nsec.test. 3600 IN A ', '3600', '60'),
      /found TTL 60 for ns1\.nsec\.test\. A, expected 3600, the original TTL of its signature/,
    ],
    [
      'another signer',
      replaced(NSEC, 'ns1.nsec.test. 3600 IN RRSIG A ', / nsec\.test\. /, ' test. '),
      /found test\. as the signer of ns1/,
    ],
    [
      'no DNSKEY for a signature',
      replaced(NSEC, 'IN DNSKEY 256', /.{12}$/, 'AAAAAAAAAA=='),
      /found no DNSKEY record for the signature of nsec\.test\. SOA in line \d+ \(key \d+/,
    ],
    [
      'no keys',
      without(NSEC, 'DNSKEY'),
      /found \d+ signatures by nsec\.test\., but no DNSKEY record there: publish the keys, or remove the signatures/,
    ],
    [
      'a name without NSEC',
      without(NSEC, 'mail.nsec.test. 300 IN NSEC'),
      /found no NSEC record of mail\.nsec\.test\., expected one \(RFC 4035 §2\.3\): sign the zone again/,
    ],
    ['no NSEC at all', without(NSEC, ' NSEC '), /found a signed zone without NSEC and NSEC3 records/],
    [
      'a name that is in no chain',
      [...NSEC, 'new.nsec.test. 60 IN A 192.0.2.1'],
      /found no NSEC record of new\.nsec\.test\./,
    ],
    [
      'NSEC3 of no name',
      without(NSEC3, 'mail.nsec3.test.'),
      /found an NSEC3 record \(\S+\.nsec3\.test\.\) of no name in the zone/,
    ],
    [
      'a type that NSEC3 does not list',
      [...NSEC3, 'mail.nsec3.test. 3600 IN TXT x'],
      /found .*A RRSIG as types in the NSEC3 record of mail\.nsec3\.test\., expected .*TXT RRSIG/,
    ],
    [
      'a signature of glue',
      [
        ...NSEC,
        ...NSEC.filter(is('ns1.nsec.test. 3600 IN RRSIG A')).map((line) =>
          line.replace(/^\S+/, 'ns1.insecure.nsec.test.'),
        ),
        'ns1.insecure.nsec.test. 3600 IN A 192.0.2.1',
      ],
      /found 1 signature of delegations or of names below them, the first ns1\.insecure/,
    ],
  ])('with %s is found wrong', (_what, lines, expected) => {
    expect(verify(lines).errors).toContainEqual(expect.stringMatching(expected));
    // A server warns, and serves it.
    const { errors, warnings } = verify(lines, { check: 'full' });
    expect(errors).toEqual([]);
    expect(warnings).toContainEqual(expect.stringMatching(new RegExp(expected.source.replace(/^\^z:\\d\+:1: /, ''))));
    expect(verify(lines, { check: 'expiry' }).errors).toEqual([]);
  });

  test('is judged by the time', () => {
    const later = verify(NSEC, { now: Date.UTC(2061, 0, 1) / 1000 });
    expect(later.errors).toEqual([
      expect.stringMatching(/found \d+ signatures past expiration, the first on 2060-01-01T00:00:00Z/),
    ]);
    const before = verify(NSEC, { now: Date.UTC(2025, 0, 1) / 1000 });
    expect(before.errors).toEqual([
      expect.stringMatching(/found \d+ signatures not yet valid, the last on 2026-01-01/),
    ]);
    const lenient = verify(NSEC, { now: Date.UTC(2061, 0, 1) / 1000, check: 'full' });
    expect([lenient.errors, lenient.warnings.length]).toEqual([[], 1]);
    expect(verify(NSEC, { now: Date.UTC(2061, 0, 1) / 1000, check: 'off' }).warnings).toEqual([]);
  });

  test('needs one valid signature an RRset: a second one that is not is a warning', () => {
    const own = NSEC.find((line) => line.includes('ns1.nsec.test. 3600 IN RRSIG A '))!;
    const broken = own.replace(/.{20}$/, 'AAAAAAAAAAAAAAAAAA==');
    expect(verify([...NSEC, broken])).toMatchObject({
      errors: [],
      warnings: [
        expect.stringContaining('found 1 invalid signature beside valid ones, the first ns1.nsec.test. RRSIG (A)'),
      ],
    });
    const old = own.replace('20600101000000 20260101000000', '20260201000000 20260101000000');
    const { errors, warnings } = verify([...NSEC, old]);
    expect([errors, warnings]).toEqual([[], [expect.stringContaining('found 1 signature past expiration')]]);
    // The valid one has expired, and the one that has not is broken.
    const both = NSEC.map((line) => (line === own ? old : line));
    expect(verify([...both, broken]).errors).toContainEqual(expect.stringContaining('ns1.nsec.test. A'));
  });

  test('with keys of an unknown algorithm is not verified, and this is said', () => {
    const other = NSEC.map((line) => {
      if (line.includes(' IN DNSKEY ')) return line.replace(' 3 13 ', ' 3 12 ');
      // The key tag is a sum, to which the algorithm belongs (RFC 4034 appendix B).
      const fewer = (tag: string): string => String(Number(tag) - 1);
      return line.replace(
        /( IN RRSIG \S+) 13 (.*) (\d+) nsec\.test\. /,
        (_all, head: string, middle: string, tag: string) => `${head} 12 ${middle} ${fewer(tag)} nsec.test. `,
      );
    });
    const { errors, warnings } = verify(other);
    expect(errors).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(/found \d+ RRsets with signatures that cannot be verified here, the first of algorithm 12/),
    ]);
  });

  test('with a key of an algorithm that signs nothing is warned of', () => {
    const key = 'nsec.test. 3600 IN DNSKEY 256 3 8 AwEAAb1';
    const keys = [...NSEC, `${key}${'A'.repeat(85)}`];
    expect(verify(keys).warnings).toContainEqual(
      expect.stringMatching(/found \d+ RRsets without a valid signature of algorithm 8 \(RSASHA256\)/),
    );
  });

  test.each([
    ['octets that are no point', 'AAAA'],
    ['no octets of a key', 'AA=='],
  ])('with a key of %s is found wrong, without an exception', (_what, octets) => {
    const lines = replaced(NSEC, 'IN DNSKEY 256', /3 13 .*/, `3 13 ${octets}`);
    expect(verify(lines).errors.length).toBeGreaterThan(10);
  });

  test('of others is none', () => {
    const head = ['a.test. 60 IN SOA ns h 1 2 3 4 5', 'a.test. 60 IN NS ns.b.test.'];
    const rrsig = (signer: string) =>
      `a.test. 60 IN RRSIG SOA 13 2 60 20600101000000 20260101000000 1 ${signer} ${'A'.repeat(86)}==`;
    expect(verify(head)).toMatchObject({ errors: [], warnings: [] });
    expect(verify([...head, rrsig('b.test.')])).toMatchObject({
      errors: [],
      warnings: [expect.stringContaining('found 1 signature, none by a.test.; they are not verified')],
    });
    expect(verify([...head, rrsig('a.test.')]).errors).toHaveLength(1);
    const key = NSEC.find(is('DNSKEY'))!.replace('nsec.test.', 'a.test.');
    expect(verify([...head, key])).toMatchObject({
      errors: [],
      warnings: [expect.stringContaining('found DNSKEY records of a.test., but no signature: the zone is not signed')],
    });
    expect(verify([...head, key], { check: 'expiry', now: NOW }).warnings).toEqual([]);
  });

  test('may have an expired signature of an RRset that is gone', () => {
    const own = NSEC.find((line) => line.includes('ns1.nsec.test. 3600 IN RRSIG A '))!;
    const stray = own.replace(' RRSIG A ', ' RRSIG LOC ').replace('20600101000000', '20260201000000');
    const { errors, warnings, signaturesExpire } = verify([...NSEC, stray]);
    expect([errors, warnings.length]).toEqual([[], 2]);
    expect(signaturesExpire).toBe(Date.UTC(2060, 0, 1) / 1000);
  });

  test('of arbitrary octets is judged without an exception', () => {
    const random = randomFrom(20_261_130);
    const some = (count: number): number => Math.floor(random() * count);
    const octets = (): string =>
      Array.from({ length: 1 + some(70) }, () => some(256).toString(16).padStart(2, '0')).join('');
    const types = ['DNSKEY', 'RRSIG', 'NSEC', 'NSEC3', 'NSEC3PARAM', 'ZONEMD', 'DS'];
    for (let turn = 0; turn < 150; turn++) {
      const zone = turn % 2 === 0 ? NSEC : NSEC3;
      const lines = zone.map((line) => {
        if (some(25) > 0) return line;
        if (some(2) === 0) return line.replace(/[A-Za-z0-9+/]{4}(=*)$/, `${['AAAA', 'zzzz', '////'][some(3)]}$1`);
        return line.replace(/IN \S+ .*/, () => {
          const text = octets();
          return `IN ${types[some(types.length)]} \\# ${text.length / 2} ${text}`;
        });
      });
      for (const check of ['strict', 'full'] as const) verify(lines, { check });
    }
  });

  test('loses its last signature when the longest one of an RRset expires', () => {
    const own = NSEC.find((line) => line.includes('ns1.nsec.test. 3600 IN RRSIG A '))!;
    const shorter = own.replace('20600101000000', '20270101000000');
    expect(verify([...NSEC, shorter]).signaturesExpire).toBe(Date.UTC(2060, 0, 1) / 1000);
    const only = NSEC.map((line) => (line === own ? shorter : line));
    expect(verify(only, { check: 'off' }).signaturesExpire).toBe(Date.UTC(2027, 0, 1) / 1000);
  });
});
