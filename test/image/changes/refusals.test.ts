import { describe, expect, it } from 'vitest';
import { applyDifference } from '../../../src/image/changes/apply.js';
import { diff } from '../../../src/image/changes/diff.js';
import { ImageRecords } from '../../../src/image/changes/image-records.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { compose } from '../../../src/zone/changes/compose.js';
import { type Difference, readDifference } from '../../../src/zone/changes/difference.js';
import { RunWriter } from '../../../src/zone/changes/record-run.js';
import { formatDiagnostic } from '../../../src/zone/diagnostics.js';
import { cases } from '../../protocol/rdata/cases.js';
import { canonicalImageOf, imageOf, loadText, OPTIONS } from './versions.js';
import { ZoneVersions } from './zone-versions.js';

const APEX = nameFromText('example.');
const zoneText = (serial: number, ...lines: string[]): string =>
  [`@ 60 SOA ns h ${serial} 2 3 4 5`, '@ 60 NS ns', 'ns 60 A 192.0.2.1', ...lines, ''].join('\n');

/** Records of a zone file as a run, in any order: owner, TTL, type, RDATA; names are relative to `example.`. */
function run(...lines: string[]): Uint8Array {
  const { rrsets } = loadText(`${lines.join('\n')}\n`);
  const { store } = rrsets;
  const writer = new RunWriter();
  for (let row = 0; row < store.recordCount; row++)
    writer.add(
      store.nameOf(store.node[row]!),
      0,
      store.type[row]!,
      store.ttl[row]!,
      store.rdata,
      store.rdataAt[row]!,
      store.rdataLength[row]!,
    );
  return writer.finish();
}

const soa = (serial: number): string => `@ 60 SOA ns h ${serial} 2 3 4 5`;
const change = (from: number, removed: string[], to: number, added: string[]): Difference =>
  readDifference(APEX, run(soa(from), ...removed), run(soa(to), ...added));

describe('a difference is refused', () => {
  const image = imageOf(zoneText(1, 'www 60 A 192.0.2.7', 'mail 60 MX 10 WWW'));
  const apply = (difference: Difference) => applyDifference(image, difference, OPTIONS);

  it('when it begins at another serial than the zone has', () => {
    expect(() => apply(change(2, [], 3, []))).toThrow(
      expect.objectContaining({
        code: 'ADOTD_CHANGE_SERIAL',
        message: 'found a change of example. from serial 2 to 3, expected one from 1, which the zone has',
      }),
    );
  });

  it.each(['www 60 A 192.0.2.8', 'www 60 AAAA ::1', 'nowhere 60 A 192.0.2.7', 'zz 60 A 192.0.2.7', '@ 60 A 192.0.2.7'])(
    'when it removes a record that is not there: %s',
    (line) => {
      expect(() => apply(change(1, [line], 2, []))).toThrow(expect.objectContaining({ code: 'ADOTD_RECORD_MISSING' }));
    },
  );

  it('when its older SOA record is not that of the zone', () => {
    const difference = readDifference(APEX, run('@ 60 SOA ns h 1 9 9 9 9'), run(soa(2)));
    expect(() => apply(difference)).toThrow(expect.objectContaining({ code: 'ADOTD_RECORD_MISSING' }));
  });

  it.each(['www 60 A 192.0.2.7', 'WWW 300 A 192.0.2.7', 'mail 60 MX 10 www'])(
    'when it adds a record that is there: %s',
    (line) => {
      expect(() => apply(change(1, [], 2, [line]))).toThrow(expect.objectContaining({ code: 'ADOTD_RECORD_PRESENT' }));
    },
  );

  it('when it is of another zone', () => {
    const other = nameFromText('example.net.');
    const of = (serial: number): Uint8Array => run(`example.net. 60 SOA ns h ${serial} 2 3 4 5`);
    expect(() => apply(readDifference(other, of(1), of(2)))).toThrow(
      expect.objectContaining({ code: 'ADOTD_OUT_OF_ZONE' }),
    );
  });

  it.each([
    ['a name outside the zone', ['www.example.net. 60 A 192.0.2.1'], 'ADOTD_OUT_OF_ZONE'],
    ['a record twice', ['www 60 A 192.0.2.1', 'WWW 60 A 192.0.2.1'], 'ADOTD_RECORD_PRESENT'],
    ['a second SOA record', ['@ 60 SOA ns h 9 2 3 4 5'], 'ADOTD_WIRE'],
    ['an SOA record below the apex', ['www 60 SOA ns h 9 2 3 4 5'], 'ADOTD_OUT_OF_ZONE'],
  ])('when it has %s', (_, lines, code) => {
    expect(() => change(1, [], 2, lines)).toThrow(expect.objectContaining({ code }));
  });

  it('when both versions have one serial', () => {
    expect(() => change(1, ['www 60 A 192.0.2.7'], 1, [])).toThrow(
      expect.objectContaining({ code: 'ADOTD_CHANGE_SERIAL' }),
    );
    expect(() => diff(image, imageOf(zoneText(1)))).toThrow(expect.objectContaining({ code: 'ADOTD_CHANGE_SERIAL' }));
  });

  it('when a record is malformed, wherever it is cut or changed', () => {
    const good = run(soa(2), 'www 60 MX 10 mail', 'www 60 A 192.0.2.1');
    for (let end = 0; end < good.length; end++)
      expectCoded(() => readDifference(APEX, run(soa(1)), good.subarray(0, end)));
    for (let at = 0; at < good.length; at++)
      for (const octet of [0, 1, 63, 64, 192, 255]) {
        const changed = good.slice();
        changed[at] = octet;
        expectCoded(() => readDifference(APEX, run(soa(1)), changed));
      }
  });

  it('without changing what it is given, a Buffer too', () => {
    const given = Buffer.from(run(soa(2), 'www 60 A 192.0.2.1'));
    // A TTL of 2^32 - 1 seconds counts as 0 (RFC 2181 §8).
    given.fill(0xff, given.length - 10, given.length - 6);
    const copy = Buffer.from(given);
    const { added } = readDifference(APEX, run(soa(1)), given);
    expect(given.equals(copy)).toBe(true);
    expect(Buffer.from(added).readUInt32BE(added.length - 10)).toBe(0);
  });

  it('when it is composed with one that does not follow', () => {
    const [a, b, c] = [
      change(1, [], 2, ['x 60 A 192.0.2.9']),
      change(3, [], 4, []),
      change(2, [], 3, ['x 60 A 192.0.2.9']),
    ];
    expect(() => compose(a, b)).toThrow(expect.objectContaining({ code: 'ADOTD_CHANGE_SERIAL' }));
    expect(() => compose(a, c)).toThrow(expect.objectContaining({ code: 'ADOTD_RECORD_PRESENT' }));
    const [d, e] = [change(1, ['x 60 A 192.0.2.9'], 2, []), change(2, ['x 60 A 192.0.2.9'], 3, [])];
    expect(() => compose(d, e)).toThrow(expect.objectContaining({ code: 'ADOTD_RECORD_MISSING' }));
  });
});

/** Whatever it throws is an error of our own. */
function expectCoded(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toEqual(expect.objectContaining({ code: expect.stringMatching(/^ADOTD_/) }));
  }
}

describe('a difference is applied', () => {
  const image = imageOf(zoneText(1, 'www 60 A 192.0.2.7', 'www 60 A 192.0.2.8', 'b.Ent 60 A 192.0.2.7'));
  const lines = (difference: Difference): string[] => {
    const { image: newer, diagnostics } = applyDifference(image, difference, OPTIONS);
    expect(diagnostics.errors).toBe(0);
    const records = new ImageRecords(newer ?? new Uint8Array(), true);
    const owners: string[] = [];
    while (records.next()) {
      const name = Buffer.from(records.owner.subarray(records.ownerAt, records.ownerAt + records.ownerLength));
      owners.push(
        `${name
          .toString('latin1')
          .replace(/[^A-Za-z]/g, ' ')
          .trim()}: ${records.records.count}`,
      );
    }
    return owners;
  };

  it('whatever TTL the removed records have', () => {
    expect(lines(change(1, ['www 999 A 192.0.2.7'], 2, []))).toContain('www example: 1');
  });

  it('without the names that have no records any more', () => {
    expect(lines(change(1, ['b.ent 60 A 192.0.2.7'], 2, []))).toEqual([
      'example: 2',
      'ns example: 1',
      'www example: 2',
    ]);
  });

  it('so that a name keeps its letter case as long as it keeps a record', () => {
    expect(lines(change(1, [], 2, ['WWW 60 A 192.0.2.1']))).toContain('www example: 3');
    const all = ['www 60 A 192.0.2.7', 'www 60 A 192.0.2.8'];
    expect(lines(change(1, all, 2, ['WWW 60 A 192.0.2.1']))).toContain('WWW example: 1');
  });

  it('with diagnostics that say of which version they are', () => {
    const { image: newer, diagnostics } = applyDifference(
      image,
      change(1, [], 2, ['www 60 CNAME ns', 'new 60 CNAME nowhere']),
      OPTIONS,
    );
    expect(newer).toBeUndefined();
    expect(diagnostics.list.map(formatDiagnostic)).toEqual([
      expect.stringMatching(/^example\. serial 2: found CNAME and A at www\.example\./),
      expect.stringMatching(/^example\. serial 2: warning: found CNAME to nowhere\.example\./),
    ]);
  });
});

describe('the random versions', () => {
  const SEEDS = Array.from({ length: 120 }, (_, seed) => seed);

  it('have each type of the RDATA table, and records that no answer has', () => {
    const types = new Set<string>();
    let unused = 0;
    for (const seed of SEEDS) {
      const versions = new ZoneVersions(seed);
      const text = versions.text(versions.first());
      for (const line of text.split('\n')) types.add(line.split(' ')[3] ?? '');
      if (text.includes('NSEC3PARAM') && text.includes(' FFFF ')) unused++;
      expect(canonicalImageOf(text).length).toBeGreaterThan(0);
    }
    expect(cases.map(({ type }) => type).filter((type) => !types.has(type) && type !== 'TYPE1')).toEqual([]);
    expect(unused).toBeGreaterThan(10);
  });
});
