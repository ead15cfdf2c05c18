import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { nameFromText, nameToText } from '../../src/protocol/name.js';
import { checkZone } from '../../src/zone/check.js';
import { Diagnostics, formatDiagnostic } from '../../src/zone/diagnostics.js';
import { readZone } from '../../src/zone/reader.js';
import { groupRrsets } from '../../src/zone/rrsets.js';
import { randomFrom } from './random-zone.js';

const HEAD = '$TTL 1h\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n';

/** The name of the apex, and the diagnostics. */
function check(
  text: string,
  files: Record<string, string> = {},
  options: { nsec3MaxIterations?: number; limit?: number } = {},
) {
  const diagnostics = new Diagnostics(options.limit);
  const include = (path: string) => ({ file: path, bytes: Buffer.from(files[path] ?? '') });
  const source = { file: 'f', bytes: Buffer.from(text), origin: nameFromText('example.'), include };
  const rrsets = groupRrsets(readZone(source, diagnostics));
  const zone = checkZone(rrsets, diagnostics, { now: 1_795_219_200, ...options });
  const apex = zone && nameToText(rrsets.store.nameOf(zone.apex));
  return { apex, diagnostics, messages: diagnostics.list.map(formatDiagnostic) };
}

describe('checkZone', () => {
  test('names the zone by the owner of its SOA', () => {
    expect(check(HEAD)).toMatchObject({ apex: 'example.', messages: [] });
    expect(check(`$ORIGIN other.test.\n${HEAD}`)).toMatchObject({ apex: 'other.test.', messages: [] });
    expect(check(`$ORIGIN .\n${HEAD}`)).toMatchObject({ apex: '.', messages: [] });
  });

  test('finds no apex without SOA', () => expect(check('a 1 A 192.0.2.1').apex).toBeUndefined());

  test('still names the zone when it has errors', () =>
    expect(check(`${HEAD}a CNAME b\na A 192.0.2.1`).apex).toBe('example.'));

  test('reports in order of files and lines', () => {
    const sub = '\nq.test. A 192.0.2.1\nd NS ns.d\n';
    const { messages } = check(`${HEAD}w NS ns.w\n$INCLUDE sub\na A 192.0.2.1\na CNAME ns\nb.test. A 192.0.2.1\n`, {
      sub,
    });
    expect(messages.map((message) => message.slice(0, 8))).toEqual([
      'f:5:1: w',
      'f:8:1: f',
      'f:9:1: f',
      'sub:2:1:',
      'sub:3:1:',
    ]);
  });

  test('names the other file of a second SOA', () =>
    expect(check(`${HEAD}$INCLUDE sub`, { sub: '@ SOA ns host 2 2 3 4 5' }).messages).toEqual([
      'sub:1:1: found an SOA record that differs from the one in f:2, expected one',
    ]));

  test('counts beyond the limit without keeping messages', () => {
    const { diagnostics } = check(`${HEAD}$GENERATE 1-100 a$.test. A 192.0.2.1`, {}, { limit: 3 });
    expect(diagnostics.list).toHaveLength(3);
    expect(diagnostics.errors).toBe(100);
  });

  test('takes glue for a cut below another cut, and ignores what is below one', () =>
    expect(check(`${HEAD}a NS ns.b.a\nns.b.a A 192.0.2.1\nb.a NS nowhere.b.a\nx.a MX 1 ns\n`).messages).toEqual([]));

  test('compares times of signatures in serial arithmetic (RFC 4034 §3.1.5)', () => {
    const rrsig = (from: number, to: number) => `${HEAD}@ RRSIG NS 8 1 3600 ${to >>> 0} ${from >>> 0} 1 example. AAAA`;
    expect(check(rrsig(1_795_000_000, 1_795_000_000 + 2_000_000_000)).messages).toEqual([]);
    expect(check(rrsig(1_700_000_000, 1_795_219_199)).messages).toHaveLength(1);
  });

  describe('an RRset that no message can hold', () => {
    const text = (octets: number) => `"${'x'.repeat(octets)}"`;
    /** `count` records of 12 + 200 octets at a.example. (a question of 15 octets), the last one with RDATA of `last`. */
    const zone = (count: number, last: number) =>
      `${HEAD}$GENERATE 100-${98 + count} a TXT "$" ${text(195)}\na TXT ${text(last - 1)}\n`;
    // 12 + 15 octets, 308 records of 212, and one of 12 + 200.
    test('is warned of, one octet beyond the limit', () => {
      expect(check(zone(309, 200)).messages).toEqual([]);
      expect(check(zone(309, 201)).messages).toEqual([
        `f:5:1: warning: found 309 records at a.example. TXT, which make a message of 65536 octets; ${remedy}`,
      ]);
    });
    const remedy = 'expected fewer: a message has at most 65535, so that they are never sent';

    test('is warned of with its signatures, which clients with DO get', () => {
      const signature = 'a RRSIG TXT 13 2 3600 20360101000000 20260101000000 1 example. AAAA\n';
      expect(check(zone(309, 40) + signature).messages).toEqual([]);
      expect(check(zone(309, 150) + signature).messages).toEqual([
        expect.stringContaining('which make with its signatures a message of'),
      ]);
    });

    test('counts names in RDATA as they are compressed', () => {
      const names = (count: number, rest: string) => `${HEAD}$GENERATE 1-${count} a PTR $${rest}\n*.a A 192.0.2.1\n`;
      // Names below the owner end in a pointer to it: 3,277 records of 12 + 2 to 5 + 2 octets.
      expect(check(names(3277, '.a')).messages).toEqual([]);
      expect(check(names(4000, '.elsewhere.test.')).messages).toEqual([expect.stringContaining('found 4000 records')]);
    });
  });

  test('takes the limit of NSEC3 iterations', () => {
    const zone = `${HEAD}@ NSEC3PARAM 1 0 3 -\n`;
    expect(check(zone, {}, { nsec3MaxIterations: 3 }).diagnostics.errors).toBe(0);
    expect(check(zone, {}, { nsec3MaxIterations: 2 }).messages).toEqual([
      'f:5:1: found 3 NSEC3 iterations, expected at most 2, better 0 (RFC 9276)',
    ]);
  });
});

describe('the NSEC3 chain', () => {
  const salt = Buffer.from('aabb', 'hex');

  function hashOf(name: string): string {
    const digest = createHash('sha1').update(nameFromText(name)).update(salt).digest();
    const bits = Array.from(digest, (octet) => octet.toString(2).padStart(8, '0')).join('');
    return (bits.match(/.{5}/g) ?? []).map((five) => Number.parseInt(five, 2).toString(32)).join('');
  }

  /** A zone of `count` names with a chain, its lines in random order. */
  function chained(count: number, seed: number): string[] {
    const random = randomFrom(seed);
    const names = ['example.', 'ns.example.', ...Array.from({ length: count }, (_, i) => `host${i}.example.`)];
    const hashes = names.map(hashOf).sort();
    const chain = hashes.map((hash, i) => `${hash} NSEC3 1 0 0 aabb ${hashes[(i + 1) % hashes.length]} A`);
    const lines = [...names.slice(2).map((name) => `${name} A 192.0.2.1`), ...chain];
    return lines
      .map((line) => ({ line, key: random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ line }) => line);
  }

  test('is found complete in any order, and not when any record is missing', () => {
    const head = `${HEAD}@ NSEC3PARAM 1 0 0 aabb\n`;
    for (const count of [0, 1, 2, 30]) {
      const lines = chained(count, count + 1);
      expect(check(head + lines.join('\n')).messages).toEqual([]);
      for (let i = 0; i < lines.length; i++) {
        if (!lines[i]!.includes('NSEC3')) continue;
        const { diagnostics } = check(head + lines.filter((_, k) => k !== i).join('\n'));
        // One name without its record, and one gap.
        expect(diagnostics.errors).toBe(2);
      }
    }
  });
});
