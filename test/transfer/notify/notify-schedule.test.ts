import { describe, expect, it } from 'vitest';
import { type DueNotify, NotifySchedule } from '../../../src/transfer/notify/notify-schedule.js';
import { randomFrom } from '../../zone/random-zone.js';

/** Runs a schedule; `answers`: what a target says to a message, undefined: nothing. */
function run(
  schedule: NotifySchedule,
  until: number,
  answers: (due: DueNotify, at: number) => number | undefined,
  from = 0,
): { at: number; due: DueNotify }[] {
  const sent: { at: number; due: DueNotify }[] = [];
  const coming: { at: number; due: DueNotify }[] = [];
  let now = from;
  for (;;) {
    const next = Math.min(schedule.nextAt, coming[0]?.at ?? Number.POSITIVE_INFINITY);
    if (next > until) return sent;
    now = Math.max(now, next);
    while (coming[0] && coming[0].at <= now) {
      const { due } = coming.shift()!;
      schedule.answered(due.zone, due.target, due.serial, now);
    }
    for (const due of schedule.take(now).due) {
      sent.push({ at: now, due });
      const delay = answers(due, now);
      if (delay === undefined) continue;
      coming.push({ at: now + delay, due });
      coming.sort((a, b) => a.at - b.at);
    }
  }
}

describe('NOTIFY messages', () => {
  it('are sent to each target once where it answers', () => {
    const schedule = new NotifySchedule();
    schedule.add('a.test.', 7, ['one', 'two'], 0);
    const sent = run(schedule, 1e6, () => 5);
    expect(sent.map(({ due: { target, serial, attempt, overTcp } }) => [target, serial, attempt, overTcp])).toEqual([
      ['one', 7, 0, false],
      ['two', 7, 0, false],
    ]);
    expect([schedule.pending, schedule.nextAt]).toEqual([0, Number.POSITIVE_INFINITY]);
  });

  it('are sent again with growing patience, at last over TCP, and then given up', () => {
    const schedule = new NotifySchedule();
    schedule.add('a.test.', 7, ['one'], 0);
    const sent = run(schedule, 59_000, () => undefined);
    expect(sent.map(({ at, due }) => [at, due.attempt, due.overTcp])).toEqual([
      [0, 0, false],
      [2000, 1, false],
      [6000, 2, false],
      [14_000, 3, false],
      [30_000, 4, true],
    ]);
    expect(schedule.nextAt).toBe(60_000);
    expect(schedule.take(60_000)).toEqual({ due: [], failed: [{ zone: 'a.test.', target: 'one', serial: 7 }] });
    expect(schedule.pending).toBe(0);
  });

  it('tell the last of many serials, and not before a second has passed since the message before', () => {
    const schedule = new NotifySchedule();
    schedule.add('a.test.', 1, ['one'], 0);
    const first = schedule.take(0).due;
    expect(first.map(({ serial }) => serial)).toEqual([1]);
    for (let serial = 2; serial < 50; serial++) schedule.add('a.test.', serial, ['one'], serial);
    // The response to the first one says nothing about the newer ones.
    expect(schedule.answered('a.test.', 'one', 1, 60)).toBe(false);
    const sent = run(schedule, 1e6, () => 3, 60);
    expect(sent.map(({ at, due }) => [at, due.serial, due.attempt])).toEqual([[1000, 49, 0]]);
  });

  it('are paced: 10,000 zones that change at once do not flood a secondary, and none waits for that of another', () => {
    const schedule = new NotifySchedule();
    for (let zone = 0; zone < 10_000; zone++) schedule.add(`z${zone}.test.`, 1, ['one', 'two'], 0);
    const sent = run(schedule, 1e9, ({ target }) => (target === 'one' ? 10 : 15_000));
    const toOne = sent.filter(({ due }) => due.target === 'one');
    expect(toOne).toHaveLength(10_000);
    for (let i = 50; i < toOne.length; i++) expect(toOne[i]!.at - toOne[i - 50]!.at).toBeGreaterThanOrEqual(1000);
    expect(toOne.at(-1)!.at).toBeLessThan(201_000);
    const out = sent.filter(({ due }) => due.target === 'two').slice(0, 17);
    // 16 wait for their responses; the next one waits until one is late.
    expect(out[16]!.at).toBeGreaterThanOrEqual(2000);
    expect(schedule.pending).toBe(0);
  });

  it('cease for targets that are not to be told any more', () => {
    const schedule = new NotifySchedule();
    schedule.add('a.test.', 1, ['one', 'two'], 0);
    schedule.take(0);
    schedule.keep('a.test.', new Set(['two']));
    expect(run(schedule, 1e6, () => undefined, 1).every(({ due }) => due.target === 'two')).toBe(true);
  });

  it('come soon again when one could not be sent', () => {
    const schedule = new NotifySchedule();
    schedule.add('a.test.', 1, ['one'], 0);
    const [due] = schedule.take(0).due;
    schedule.unsent(due!, 0);
    expect(schedule.nextAt).toBe(1000);
    expect(schedule.take(1000).due.map(({ attempt }) => attempt)).toEqual([1]);
  });

  it.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'lead to every target that answers at times: seed %d',
    (seed) => {
      const random = randomFrom(seed);
      const schedule = new NotifySchedule();
      const told = new Map<string, number>();
      const newest = new Map<string, number>();
      let from = 0;
      const answer = ({ zone, target, serial }: DueNotify): number | undefined => {
        if (random() < 0.4) return undefined;
        told.set(`${zone} ${target}`, serial);
        return Math.floor(random() * 1500);
      };
      for (let step = 0; step < 40; step++) {
        const zone = `z${Math.floor(random() * 5)}.test.`;
        newest.set(zone, step);
        schedule.add(zone, step, ['one', 'two', 'three'], from);
        const until = from + Math.floor(random() * 5000);
        run(schedule, until, answer, from);
        from = until;
      }
      const failed = new Set<string>();
      while (schedule.nextAt < Number.POSITIVE_INFINITY) {
        from = Math.max(from, schedule.nextAt);
        const { due, failed: given } = schedule.take(from);
        for (const { zone, target } of given) failed.add(`${zone} ${target}`);
        for (const one of due) if (answer(one) !== undefined) schedule.answered(one.zone, one.target, one.serial, from);
      }
      expect(schedule.pending).toBe(0);
      for (const [zone, serial] of newest)
        for (const target of ['one', 'two', 'three'])
          if (!failed.has(`${zone} ${target}`))
            expect([zone, target, told.get(`${zone} ${target}`)]).toEqual([zone, target, serial]);
    },
  );
});
