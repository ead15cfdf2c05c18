import { describe, expect, it } from 'vitest';
import { type Change, History } from '../../src/report/history.js';
import { BLOCKS } from '../../src/report/measures.js';

const QUERIES = BLOCKS.queries.id;
const MINUTE = 60;
const DAY = 86_400;
/** The beginning of an hour. */
const NOON = 1_796_126_400;
const asked = (count: number) => new Map([[QUERIES, count]]);
const sum = (rows: readonly { readonly cells: ReadonlyMap<number, number> }[]): number =>
  rows.reduce((all, { cells }) => all + (cells.get(QUERIES) ?? 0), 0);

/** What a table holds after these changes. */
function apply(table: Map<string, Uint8Array>, changes: readonly Change[]): void {
  for (const [key, value] of changes) {
    if (value === undefined) table.delete(key);
    else table.set(key, value);
  }
}

describe('the rows that are kept', () => {
  it('are minutes and hours', () => {
    const history = new History();
    for (let minute = 0; minute < 90; minute++) history.record(NOON + minute * MINUTE + 59, asked(1));
    expect(history.minutes.map(({ at }) => at)).toEqual(Array.from({ length: 90 }, (_, i) => NOON + i * MINUTE));
    expect(history.hours.map(({ at, cells }) => [at, cells.get(QUERIES)])).toEqual([
      [NOON, 60],
      [NOON + 3600, 30],
    ]);
  });

  it('are those of 48 hours, and of 90 days', () => {
    const history = new History();
    const table = new Map<string, Uint8Array>();
    for (let hour = 0; hour < 95 * 24; hour++) apply(table, history.record(NOON + hour * 3600, asked(1)));
    expect([history.minutes.length, history.hours.length]).toEqual([95 * 24, 90 * 24]);
    for (let minute = 0; minute < 3000; minute++)
      apply(table, history.record(NOON + 100 * DAY + minute * MINUTE, asked(1)));
    expect([history.minutes.length, history.hours.length]).toEqual([2880, 2160]);
    expect(table.size).toBe(2880 + 2160);
  });

  it('outlive a restart', () => {
    const [history, table] = [new History(), new Map<string, Uint8Array>()];
    for (let minute = 0; minute < 100; minute++) apply(table, history.record(NOON + minute * MINUTE, asked(2)));
    apply(table, history.recordDay({ day: 20_788, mark: '00112233aabbccdd', sketches: new Uint8Array(65_536) }));
    const again = new History();
    expect(again.load(table)).toEqual([]);
    expect([again.minutes, again.hours, again.days]).toEqual([history.minutes, history.hours, history.days]);
    apply(table, again.record(NOON + 99 * MINUTE, asked(5)));
    expect(sum(again.minutes)).toBe(205);
  });

  it('are all there when the clock jumps a year ahead, and back, and again', () => {
    const history = new History();
    const year = 365 * DAY;
    let count = 0;
    for (const at of [NOON, NOON + MINUTE, NOON + year, NOON + 2 * MINUTE, NOON - year, NOON + 2 * MINUTE, NOON]) {
      history.record(at, asked(++count));
    }
    expect(sum(history.minutes)).toBe(28);
    expect(sum(history.hours)).toBe(28);
    expect(history.minutes.find(({ at }) => at === NOON)?.cells.get(QUERIES)).toBe(1 + 7);
  });

  it('leave out what is damaged, and name it', () => {
    const [history, table] = [new History(), new Map<string, Uint8Array>()];
    apply(table, history.record(NOON, asked(2)));
    table.set('m5', table.get(`m${NOON}`)!);
    table.set('x', Uint8Array.of(1, 2, 3));
    table.set('d1-00', Uint8Array.of(1));
    const again = new History();
    expect(again.load(table).sort()).toEqual(['d1-00', 'm5', 'x']);
    expect(sum(again.minutes)).toBe(2);
  });
});
