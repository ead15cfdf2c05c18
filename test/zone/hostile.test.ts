import { describe, expect, test } from 'vitest';
import { nameFromText } from '../../src/protocol/name.js';
import { checkZone } from '../../src/zone/check.js';
import { Diagnostics } from '../../src/zone/diagnostics.js';
import { readZone } from '../../src/zone/reader.js';
import { groupRrsets } from '../../src/zone/rrsets.js';
import type { ReadLimits } from '../../src/zone/source.js';
import { seedOr } from '../support/seed.js';
import { randomFrom, randomZone } from './random-zone.js';

/** Milliseconds of CPU that no input of these tests may need. They need far less, and what runs beside them does not count. */
const BOUND = 10_000;
/** Octets of text. */
const MEGABYTE = 1 << 20;

/** Reads and checks, and returns the diagnostics. Nothing may be thrown. */
function judge(
  bytes: Uint8Array,
  include?: (path: string) => { file: string; bytes: Uint8Array } | string,
  limits: Partial<ReadLimits> = {},
): Diagnostics {
  const diagnostics = new Diagnostics();
  const before = process.cpuUsage();
  const source = { file: 'f.zone', bytes, origin: nameFromText('example.'), ...(include && { include }) };
  const store = readZone(source, diagnostics, limits);
  checkZone(groupRrsets(store), diagnostics, { now: 0 });
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(BOUND);
  expect(diagnostics.list.length).toBeLessThanOrEqual(2 * diagnostics.limit);
  return diagnostics;
}

const octets = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('hostile zone files end in diagnostics', () => {
  test.each([
    ['parentheses', '('],
    ['closing parentheses', ')'],
    ['quotes', '"'],
    ['pairs of quotes', '""'],
    ['backslashes', '\\'],
    ['dots', '.'],
    ['dollars', '$'],
    ['NULs', '\0'],
    ['octets 255', '\xff'],
    ['blanks', ' '],
    ['semicolons', ';'],
    ['one letter', 'a'],
    ['equals and quotes', '="'],
    ['letters and blanks', 'a '],
    ['letters and line breaks', 'a\n'],
    ['parentheses on lines of their own', '(\n'],
    ['closed parentheses', '()'],
    ['digits', '9'],
    ['directives', '$TTL 1\n'],
    ['origins', '$ORIGIN a\n'],
  ])('a megabyte of %s', (_, text) => {
    expect(judge(octets(text.repeat(MEGABYTE / text.length))).errors).toBeGreaterThan(0);
    const inside = `@ 1 SOA ns host 1 2 3 4 5\n@ 1 NS ns\nns 1 A 192.0.2.1\nt 1 TXT ${text.repeat(MEGABYTE / text.length)}`;
    judge(octets(inside));
  });

  test('a label, a string and a number of 64 KiB', () => {
    const long = 'x'.repeat(65_536);
    const text = `${long} 1 A 192.0.2.1\na 1 TXT ${long}\n${long}.${long} 1 A 192.0.2.1\na ${'9'.repeat(65_536)} A 192.0.2.1\na 1 ${long}\n`;
    expect(judge(octets(text)).errors).toBe(6);
  });

  test('a name of many labels', () => expect(judge(octets(`${'a.'.repeat(100_000)} 1 A 192.0.2.1\n`)).errors).toBe(2));

  test('a $GENERATE of 10^9 records', () =>
    expect(judge(octets('$GENERATE 0-1000000000 a$ 1 A 192.0.2.1\n')).list[0]?.message).toMatch(
      /expected at most 1000000/,
    ));

  test('$GENERATE directives that make too much text', () => {
    const wide = `\${0,255} `.repeat(200);
    const text = `$GENERATE 1-1000000 a 1 TXT ${wide}\n`;
    const { list } = judge(octets(text), undefined, { maxGeneratedOctets: 1 << 22 });
    expect(list[0]?.message).toMatch(/exceed 4194304 octets/);
  });

  test('includes without end', () => {
    let count = 0;
    const deeper = (): { file: string; bytes: Uint8Array } => ({
      file: `f${count++}.zone`,
      bytes: octets('$INCLUDE f\n$INCLUDE f\n'),
    });
    const { list } = judge(octets('$INCLUDE f\n'), deeper);
    expect(list[0]?.message).toMatch(/at most 16 deep/);
    expect(count).toBeLessThan(10_000);
  });

  test('includes that double at every level', () => {
    let count = 0;
    const doubling = (path: string): { file: string; bytes: Uint8Array } => {
      count++;
      const level = Number(path) + 1;
      return {
        file: `level ${level}`,
        bytes: octets(level < 14 ? `$INCLUDE ${level}\n`.repeat(4) : 'a 1 A 192.0.2.1\n'),
      };
    };
    const { list } = judge(octets('$INCLUDE 0\n'), doubling);
    expect(list[0]?.message).toMatch(/more than 10000 files/);
    expect(count).toBeLessThan(10_100);
  });

  test('included files that are too large in all', () => {
    const bytes = new Uint8Array(1000).fill(0x0a);
    const { list } = judge(octets('$INCLUDE f\n'.repeat(10)), () => ({ file: 'f', bytes }), { maxOctets: 5000 });
    expect(list[0]?.message).toMatch(/more than 5000 octets/);
  });

  test('RDATA that is too large in all, by a long origin', () => {
    const text = `$ORIGIN ${'abcdefghi.'.repeat(24)}\n@ 1 NS a\n${' NS b\n'.repeat(100)}`;
    const { list } = judge(octets(text), undefined, { maxOctets: 2000 });
    expect(list[0]?.message).toMatch(/found more than 2000 octets of RDATA/);
  });

  test('a file that is too large', () =>
    expect(judge(octets('a\n'.repeat(10)), undefined, { maxOctets: 5 }).list[0]?.message).toMatch(
      /expected at most 5$/,
    ));

  test.each(['\ufeff', ''])('UTF-16, behind %j', (mark) => {
    const { list } = judge(Buffer.from(`${mark}@ 1 SOA ns host 1 2 3 4 5\n`.repeat(100), 'utf16le'));
    expect(list.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^found text in UTF-16LE, expected .*iconv/),
      expect.stringMatching(/no SOA record/),
    ]);
  });

  test('many differing RRsets and duplicates', () => {
    const lines = Array.from({ length: 50_000 }, (_, i) => `a ${i % 7} A 10.${(i >> 8) & 3}.${i & 255}.1`);
    judge(octets(`@ 1 SOA ns host 1 2 3 4 5\n${lines.join('\n')}`));
  });
});

describe('random octets end in diagnostics', () => {
  const start = seedOr(1);

  test('any octets', () => {
    for (let seed = start; seed < start + 1000; seed++) {
      const random = randomFrom(seed);
      const bytes = Uint8Array.from({ length: Math.floor(random() * 400) }, () => random() * 256);
      expect(() => judge(bytes), `seed ${seed}`).not.toThrow();
    }
  });

  test('words and signs of zone files in any order', () => {
    const words = [
      '@',
      'a',
      '.',
      '\n',
      ' ',
      '\t',
      '(',
      ')',
      '"',
      ';',
      '\\',
      '$',
      '$TTL',
      '$ORIGIN',
      '$INCLUDE f',
      '$GENERATE 1-3',
      '$GENERATE 1-2 $ A 192.0.2.$',
      'IN',
      'CH',
      'SOA',
      'A',
      'TXT',
      'NSEC3',
      'RRSIG',
      'LOC',
      'SVCB',
      'APL',
      'HIP',
      'TYPE1',
      '\\#',
      '4',
      '0',
      '1h',
      'ff',
      'alpn="',
      '=',
      '192.0.2.1',
      '::',
      '\0',
      '\xff',
      '-',
      '/',
      `\${1,2,x}`,
      'a.b.',
      '\r\n',
      '\\999',
      '\\065',
    ];
    for (let seed = start; seed < start + 5000; seed++) {
      const random = randomFrom(seed);
      let text = '';
      for (let i = random() * 60; i > 0; i--)
        text += `${words[Math.floor(random() * words.length)]}${random() < 0.7 ? ' ' : ''}`;
      expect(
        () => judge(octets(text), (path) => (path === 'f' ? { file: 'f', bytes: octets('a 1 A 192.0.2.1') } : 'no')),
        `seed ${seed}`,
      ).not.toThrow();
    }
  });

  test('zones with some octets changed', () => {
    for (let seed = start; seed < start + 2000; seed++) {
      const random = randomFrom(seed);
      const bytes = Buffer.from(randomZone(seed, 20));
      for (let i = 1 + random() * 5; i > 0; i--) bytes[Math.floor(random() * bytes.length)] = random() * 256;
      expect(() => judge(bytes), `seed ${seed}`).not.toThrow();
    }
  });
});
