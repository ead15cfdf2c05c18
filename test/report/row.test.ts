import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeClientDay, encodeClientDay } from '../../src/report/client-day.js';
import { BLOCKS, idOf, isMaximum, MAX_ID, nameOf } from '../../src/report/measures.js';
import { decodeRow, encodeRow, mergeCells, type Row } from '../../src/report/row.js';
import { SEED } from '../support/seed.js';

const cells = fc
  .array(fc.tuple(fc.integer({ min: 0, max: MAX_ID - 1 }), fc.integer({ min: 1, max: 2 ** 40 })), { maxLength: 60 })
  .map((entries) => new Map(entries));
const row: fc.Arbitrary<Row> = fc.record({
  at: fc.integer({ min: 0, max: 253_402_300_799 }),
  seconds: fc.integer({ min: 1, max: 86_400 }),
  order: fc.integer({ min: 0, max: 2 ** 40 }),
  cells,
});
const sorted = (map: ReadonlyMap<number, number>) => [...map].sort(([a], [b]) => a - b);

describe('a row as octets', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(row, (one) => {
        const read = decodeRow(encodeRow(one));
        expect({ ...read, cells: sorted(read!.cells) }).toEqual({ ...one, cells: sorted(one.cells) });
      }),
      { seed: SEED },
    );
  });

  it('is refused, or valid, whatever the octets are', () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(row, fc.nat(300), fc.integer({ min: 0, max: 255 })).map(([one, at, octet]) => {
        const encoded = encodeRow(one);
        encoded[at % encoded.length] = octet;
        return encoded;
      }),
      fc.tuple(row, fc.nat(300)).map(([one, length]) => encodeRow(one).slice(0, length)),
    );
    fc.assert(
      fc.property(octets, (given) => {
        const read = decodeRow(given);
        if (read === undefined) return;
        for (const [id, value] of read.cells) {
          expect(id).toBeLessThan(MAX_ID);
          expect(Number.isSafeInteger(value) && value > 0).toBe(true);
        }
        expect(decodeRow(encodeRow(read))).toEqual(read);
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });
});

describe('rows that are put together', () => {
  it('are the same in any order and grouping', () => {
    fc.assert(
      fc.property(cells, cells, cells, (a, b, c) => {
        expect(sorted(mergeCells(a, b))).toEqual(sorted(mergeCells(b, a)));
        expect(sorted(mergeCells(mergeCells(a, b), c))).toEqual(sorted(mergeCells(a, mergeCells(b, c))));
      }),
      { seed: SEED },
    );
  });

  it('have sums, but of maxima the larger', () => {
    const [queries, open] = [BLOCKS.queries.id, BLOCKS.open.id];
    const merged = mergeCells(
      new Map([
        [queries, 3],
        [open, 5],
      ]),
      new Map([
        [queries, 4],
        [open, 2],
      ]),
    );
    expect([merged.get(queries), merged.get(open)]).toEqual([7, 5]);
  });
});

describe('the numbers of a row', () => {
  it('have ids and names of their own, below the limit', () => {
    const ids = new Set<number>();
    const names = new Set<string>();
    for (const { id, labels, merging } of Object.values(BLOCKS)) {
      for (const [index, label] of labels.entries()) {
        expect(ids.has(id + index)).toBe(false);
        ids.add(id + index);
        expect(id + index).toBeLessThan(MAX_ID);
        if (label === '') continue;
        const name = nameOf(id + index)!;
        expect(names.has(name)).toBe(false);
        names.add(name);
        expect(idOf(name)).toBe(id + index);
        expect(isMaximum(id + index)).toBe(merging === 'max');
      }
    }
  });

  it('keep their meaning: rows of earlier versions have them', () => {
    const some = ['queries.udp.ipv4', 'queries.tls.ipv6', 'sessions_closed.tls.idle', 'handshakes.tls.ipv4.alert'];
    expect(some.map(idOf)).toEqual([8, 15, 321, 453]);
    expect(['cpu.stream', 'work.handshakes', 'rcodes.udp.2', 'sessions_open.tls'].map(idOf)).toEqual([
      83, 91, 1026, 2050,
    ]);
  });
});

describe('the clients of a day as octets', () => {
  const sketches = Uint8Array.from({ length: 65_536 }, (_, i) => i % 20);
  const day = { day: 20_000, order: 7, mark: '0123456789abcdef', sketches };

  it('are read as they were written', () => {
    expect(decodeClientDay(encodeClientDay(day))).toEqual(day);
  });

  it('are refused when they are cut off, too long, of another format, or have runs that there are not', () => {
    const octets = encodeClientDay(day);
    expect(decodeClientDay(octets.subarray(0, octets.length - 3))).toBeUndefined();
    expect(decodeClientDay(Uint8Array.from(octets, (octet, i) => (i === 0 ? 2 : octet)))).toBeUndefined();
    for (const length of [0, 65_535, 65_537, 10_000_000])
      expect(decodeClientDay(encodeClientDay({ ...day, sketches: new Uint8Array(length) }))).toBeUndefined();
    expect(decodeClientDay(encodeClientDay({ ...day, sketches: sketches.map(() => 20) }))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (given) => void decodeClientDay(given)),
      { seed: SEED },
    );
  });
});
