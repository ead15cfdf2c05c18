import { describe, expect, it } from 'vitest';
import type { ServerLog } from '../../../src/observe/log.js';
import { notedLog, RecentEvents } from '../../../src/server/page/recent-events.js';

describe('the last lines of the log', () => {
  it('are kept in their order, those behind a number', () => {
    let now = 1000;
    const events = new RecentEvents(() => now++);
    events.note('info', 'one');
    events.note('error', 'two');
    events.note('info', 'three');
    expect(events.after(1)).toEqual([
      { number: 2, at: 1001, level: 'error', text: 'two' },
      { number: 3, at: 1002, level: 'info', text: 'three' },
    ]);
    expect(events.after(3)).toEqual([]);
  });

  it('are bounded in number and length; many that tell of nothing bad leave the others', () => {
    const events = new RecentEvents(() => 0);
    events.note('warn', 'x'.repeat(100_000));
    for (let i = 0; i < 10_000; i++) events.note('info', `zone ${i}`);
    const kept = events.after(0);
    expect(kept).toHaveLength(101);
    expect(kept[0]).toMatchObject({ number: 1, level: 'warn' });
    expect(kept[0]!.text.length).toBeLessThan(510);
    expect(kept.at(-1)).toMatchObject({ number: 10_001, text: 'zone 9999' });
  });

  it('are noted at every level of the log, which gets them as before', () => {
    const got: unknown[] = [];
    const to = (level: string) => (fields: object, message: string) => void got.push([level, fields, message]);
    const log: ServerLog = {
      debug: to('debug'),
      info: to('info'),
      warn: to('warn'),
      error: to('error'),
      level: 'silent',
      lost: 7,
    };
    const events = new RecentEvents(() => 0);
    const noted = notedLog(log, events);
    noted.debug({ a: 1 }, 'd');
    noted.info({ b: 2 }, 'i');
    noted.warn({}, 'w');
    noted.error({}, 'e');
    noted.level = 'info';
    expect(got).toEqual([
      ['debug', { a: 1 }, 'd'],
      ['info', { b: 2 }, 'i'],
      ['warn', {}, 'w'],
      ['error', {}, 'e'],
    ]);
    expect(events.after(0).map(({ text }) => text)).toEqual(['i', 'w', 'e']);
    expect([log.level, noted.level, noted.lost]).toEqual(['info', 'info', 7]);
  });
});
