import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PrimaryRest } from '../../../src/transfer/in/primary-rest.js';
import { type RefreshFacts, ZoneRefresh } from '../../../src/transfer/in/zone-refresh.js';
import { SEED } from '../../support/seed.js';

const WALL = 1_780_000_000;
const TIMES = { refresh: 3600, retry: 600, expire: 86_400 };
const soa = (serial: number, expire?: number) => ({ serial, expire });
const version = (serial: number, more: object = {}) => ({
  serial,
  ...TIMES,
  isNew: true,
  expireOption: undefined,
  ...more,
});
const noJitter = (): number => 0;

/** A zone of these primaries that holds `serial`, given by the first of them, at time 0. */
function holding(serial: number, primaries = ['a', 'b']): ZoneRefresh {
  const zone = new ZoneRefresh(primaries, undefined, { now: 0, wall: WALL }, { random: noJitter });
  expect(zone.next(0)).toEqual({ kind: 'soa', primary: primaries[0] });
  expect(zone.answered(soa(serial), 0)).toEqual({ kind: 'transfer', primary: primaries[0], serial: undefined });
  let step = zone.transferred(version(serial), 0);
  while (step !== undefined) step = zone.answered(soa(serial), 0);
  return zone;
}

describe('a secondary zone', () => {
  it('is transferred at once when there is no version, and checked after REFRESH from then on', () => {
    const zone = holding(7);
    expect(zone.dueAt).toBe(3600);
    expect(zone.next(3599)).toBeUndefined();
    expect(zone.next(3600)).toEqual({ kind: 'soa', primary: 'a' });
    expect(zone.answered(soa(7), 3600)).toEqual({ kind: 'soa', primary: 'b' });
    expect(zone.answered(soa(7), 3600)).toBeUndefined();
    expect(zone.dueAt).toBe(7200);
    expect(zone.expiresAt).toBe(3600 + 86_400);
  });

  it('is checked after RETRY when no primary can be used, and expires after EXPIRE (RFC 1035 §3.3.13)', () => {
    const zone = holding(7);
    let now = 3600;
    let rounds = 0;
    while (!zone.isExpired) {
      if (!zone.expire(now)) {
        expect(zone.next(now)).toBeDefined();
        zone.failed('connection', now);
        zone.failed('timeout', now);
        rounds++;
      }
      now = zone.isExpired ? now : zone.dueAt;
    }
    expect(now).toBe(86_400);
    // The last RETRY would be too late: it is divided by two again and again, down to half a second.
    expect(rounds).toBe((86_400 - 3600) / 600 + Math.ceil(Math.log2(600 / 0.5)));
    expect(zone.failures).toBe(rounds);
    expect(zone.expire(now)).toBe(false);
  });

  it('that has expired is served again when a primary has the same version', () => {
    const zone = holding(7, ['a']);
    expect(zone.expire(86_400)).toBe(true);
    expect(zone.next(86_400)).toEqual({ kind: 'soa', primary: 'a' });
    // A secondary whose own version expires now confirms nothing (RFC 7314).
    expect(zone.answered(soa(7, 0), 86_400)).toBeUndefined();
    expect([zone.isExpired, zone.failures]).toEqual([true, 1]);
    zone.next(zone.dueAt);
    zone.answered(soa(7), 87_000);
    expect([zone.isExpired, zone.expiresAt]).toEqual([false, 87_000 + 86_400]);
  });

  it('that has expired does not go back to an older serial', () => {
    const zone = holding(7);
    zone.expire(86_400);
    zone.next(86_400);
    expect(zone.answered(soa(6), 86_400)).toEqual({ kind: 'soa', primary: 'b' });
    expect(zone.answered(soa(6), 86_400)).toBeUndefined();
    expect(zone.isExpired).toBe(true);
  });

  it('asks for differences only the primary that gave the version', () => {
    const zone = holding(7);
    zone.next(3600);
    expect(zone.answered(soa(8), 3600)).toEqual({ kind: 'transfer', primary: 'a', serial: 7 });
    zone.failed('connection', 3600);
    expect(zone.answered(soa(8), 3600)).toEqual({ kind: 'transfer', primary: 'b', serial: undefined });
    zone.transferred(version(8), 3600);
    zone.next(7200);
    expect(zone.answered(soa(9), 7200)).toEqual({ kind: 'transfer', primary: 'a', serial: undefined });
    expect(zone.origin).toBe('b');
  });

  it.each(['misfit', 'protocol', 'rcode', 'too-large'] as const)(
    'asks for the whole zone after an IXFR with the fault %s',
    (fault) => {
      const zone = holding(7);
      zone.next(3600);
      zone.answered(soa(8), 3600);
      expect(zone.failed(fault, 3600)).toEqual({ kind: 'transfer', primary: 'a', serial: undefined });
      expect(zone.failed(fault, 3600)).toEqual({ kind: 'soa', primary: 'b' });
    },
  );

  it.each(['connection', 'timeout', 'tsig', 'local'] as const)(
    'goes on to the next primary after an IXFR with the fault %s',
    (fault) => {
      const zone = holding(7);
      zone.next(3600);
      zone.answered(soa(8), 3600);
      expect(zone.failed(fault, 3600)).toEqual({ kind: 'soa', primary: 'b' });
    },
  );

  it('takes the latest version of all primaries: one that lags does not hide another', () => {
    const zone = holding(7);
    zone.next(3600);
    expect(zone.answered(soa(7), 3600)).toEqual({ kind: 'soa', primary: 'b' });
    expect(zone.answered(soa(9), 3600)).toEqual({ kind: 'transfer', primary: 'b', serial: undefined });
    zone.transferred(version(9), 3600);
    expect(zone.serial).toBe(9);
  });

  it('is not confirmed by a primary with an older serial (RFC 1982)', () => {
    const zone = holding(3);
    zone.next(3600);
    zone.answered(soa(4_294_967_295), 3600);
    expect(zone.answered(soa(2), 3600)).toBeUndefined();
    expect([zone.failures, zone.dueAt, zone.checkedAt]).toEqual([1, 4200, 0]);
  });

  it('is checked before it expires when EXPIRE is shorter than REFRESH', () => {
    const zone = new ZoneRefresh(['a'], undefined, { now: 0, wall: WALL }, { random: noJitter });
    zone.next(0);
    zone.answered(soa(1), 0);
    zone.transferred(version(1, { refresh: 90_000 }), 0);
    expect(zone.dueAt).toBe(43_200);
  });

  it('is checked before it expires, whatever its timers, the option of the primary and the limits are', () => {
    const seconds = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }));
    const pause = fc.oneof(fc.constant(0), seconds);
    const timers = fc.record({ refresh: pause, retry: pause, expire: seconds });
    const limits = fc.record({
      least: fc.integer({ min: 1, max: 86_400 }),
      longest: fc.integer({ min: 60, max: 2_419_200 }),
    });
    const round = fc.record({
      expire: fc.option(seconds, { nil: undefined }),
      // How the round ends: with the same version, with a new one, or with a message that is lost.
      end: fc.constantFrom('confirmed', 'new', 'lost'),
      took: fc.double({ min: 0, max: 1, noNaN: true }),
      chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
    });
    fc.assert(
      fc.property(timers, limits, fc.array(round, { minLength: 1, maxLength: 12 }), (times, limited, rounds) => {
        let chance = 0;
        const options = { ...limited, random: () => chance };
        const zone = new ZoneRefresh(['a'], undefined, { now: 0, wall: WALL }, options);
        zone.next(0);
        zone.answered(soa(1), 0);
        zone.transferred(version(1, times), 0);
        let [now, serial] = [0, 1];
        for (const { expire, end, took, chance: next } of rounds) {
          const left = zone.expiresAt! - now;
          expect(zone.nextAt! < zone.expiresAt! || left <= 0.5).toBe(true);
          // However often it fails, a pause is not shorter than this.
          expect(zone.nextAt! - now).toBeGreaterThan(0.44);
          now = zone.nextAt!;
          if (zone.expire(now)) return;
          expect(zone.next(now)).toEqual({ kind: 'soa', primary: 'a' });
          // The answer comes while the version is valid.
          now += (zone.expiresAt! - now) * took * 0.5;
          chance = next;
          if (end === 'lost') zone.failed('timeout', now);
          else {
            if (end === 'new') serial++;
            const step = zone.answered(soa(serial, expire), now);
            if (end === 'new') {
              expect(step).toMatchObject({ kind: 'transfer' });
              zone.transferred(version(serial, { ...times, expireOption: expire }), now);
            }
          }
          expect(zone.isExpired).toBe(false);
        }
      }),
      { seed: SEED },
    );
  });

  it('is tried again with growing pauses when it was never transferred', () => {
    const zone = new ZoneRefresh(['a'], undefined, { now: 0, wall: WALL }, { random: noJitter });
    const pauses: number[] = [];
    for (let i = 0, now = 0; i < 10; i++) {
      zone.next(now);
      zone.failed('connection', now);
      pauses.push(zone.dueAt - now);
      now = zone.dueAt;
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  it('is checked a little earlier than it has to be, never later', () => {
    for (const random of [0, 0.5, 0.999]) {
      const zone = new ZoneRefresh(['a'], undefined, { now: 0, wall: WALL }, { random: () => random });
      zone.next(0);
      zone.answered(soa(1), 0);
      zone.transferred(version(1), 0);
      expect(zone.dueAt).toBeCloseTo(3600 * (1 - 0.1 * random));
    }
  });

  it('is transferred whole when that is asked for, also under an older serial, and then keeps that', () => {
    const zone = holding(7);
    zone.request(true, 100);
    expect(zone.next(100)).toEqual({ kind: 'soa', primary: 'a' });
    expect(zone.answered(soa(3), 100)).toEqual({ kind: 'transfer', primary: 'a', serial: undefined });
    expect(zone.transferred(version(3), 100)).toBeUndefined();
    expect(zone.serial).toBe(3);
    zone.request(false, 200);
    zone.next(200);
    zone.answered(soa(3), 200);
    expect(zone.answered(soa(3), 200)).toBeUndefined();
  });

  it('goes on with other primaries when they change', () => {
    const zone = holding(7);
    zone.next(3600);
    zone.setPrimaries(['a', 'c'], 3600);
    expect(zone.answered(soa(7), 3600)).toBeUndefined();
    expect(zone.dueAt).toBeGreaterThan(3600);
    zone.setPrimaries(['d'], 3700);
    expect(zone.next(3700)).toEqual({ kind: 'soa', primary: 'd' });
  });
});

describe('the EXPIRE option (RFC 7314 §4)', () => {
  it('of a transfer takes the place of the SOA record’s EXPIRE', () => {
    const zone = new ZoneRefresh(['a'], undefined, { now: 0, wall: WALL }, { random: noJitter });
    zone.next(0);
    zone.answered(soa(1, 50), 0);
    zone.transferred(version(1, { expireOption: 1000 }), 0);
    expect([zone.expiresAt, zone.dueAt]).toEqual([1000, 500]);
  });

  it('of an SOA answer lengthens the time that is left, and never shortens it', () => {
    const zone = holding(7, ['a']);
    zone.next(3600);
    zone.answered(soa(7, 100), 3600);
    expect(zone.expiresAt).toBe(86_400);
    zone.next(7200);
    zone.answered(soa(7, 86_000), 7200);
    expect(zone.expiresAt).toBe(93_200);
  });
});

describe('NOTIFY (RFC 1996)', () => {
  it('has its sender asked at once, before the others', () => {
    const zone = holding(7);
    expect(zone.notify('b', undefined, 100)).toBe(true);
    expect(zone.next(100)).toEqual({ kind: 'soa', primary: 'b' });
    expect(zone.answered(soa(8), 100)).toMatchObject({ kind: 'transfer', primary: 'b' });
    expect(zone.transferred(version(8), 100)).toEqual({ kind: 'soa', primary: 'a' });
  });

  it('with a serial that is there already does nothing (§3.11)', () => {
    const zone = holding(7);
    expect(zone.notify('a', 7, 100)).toBe(false);
    expect(zone.notify('a', 6, 100)).toBe(false);
    expect(zone.dueAt).toBe(3600);
    expect(zone.notify('a', 8, 100)).toBe(true);
    expect(zone.dueAt).toBe(100);
  });

  it('a thousand times makes one check, and a pause before the next', () => {
    const zone = holding(7);
    for (let i = 0; i < 1000; i++) zone.notify('a', undefined, 100);
    zone.next(100);
    zone.answered(soa(7), 100);
    zone.answered(soa(7), 100);
    expect(zone.dueAt).toBe(3700);
    for (let i = 0; i < 1000; i++) zone.notify('a', undefined, 100.1);
    expect(zone.dueAt).toBe(100.5);
  });

  it('during a transfer makes another check after it (§4.4)', () => {
    const zone = holding(7);
    zone.next(3600);
    zone.answered(soa(8), 3600);
    zone.notify('a', 9, 3610);
    zone.transferred(version(8), 3620);
    zone.answered(soa(8), 3620);
    expect(zone.dueAt).toBe(3620.5);
    expect(zone.next(3620.5)).toEqual({ kind: 'soa', primary: 'a' });
  });
});

describe('a zone whose check after NOTIFY fails on the way', () => {
  const FAR = { refresh: 20_000, retry: 7200 };

  /** Fails round after round from `now` on; returns how long each waits. */
  function waits(zone: ZoneRefresh, now: number, count: number): number[] {
    const all: number[] = [];
    for (let at = now; all.length < count; at = zone.dueAt) {
      expect(zone.next(at)).toEqual({ kind: 'soa', primary: 'b' });
      expect(zone.failed('timeout', at)).toEqual({ kind: 'soa', primary: 'a' });
      expect(zone.failed('timeout', at)).toBeUndefined();
      all.push(zone.dueAt - at);
    }
    return all;
  }

  function notified(): ZoneRefresh {
    const zone = holding(7);
    zone.next(3600);
    zone.answered(soa(8), 3600);
    zone.transferred(version(8, FAR), 3600);
    zone.failed('timeout', 3600);
    expect(zone.notify('b', 9, 4000)).toBe(true);
    return zone;
  }

  it('tries again soon, the sender first: nobody else would; then RETRY counts', () => {
    const zone = notified();
    expect(waits(zone, 4000, 6)).toEqual([2, 4, 8, 16, 32, 60]);
    const at = zone.dueAt;
    zone.next(at);
    zone.failed('timeout', at);
    zone.failed('timeout', at);
    expect(zone.dueAt).toBe(at + 7200);
  });

  it('does not once the sender has nothing newer, or another one has given what was told', () => {
    const zone = notified();
    waits(zone, 4000, 2);
    zone.next(4006);
    zone.answered(soa(8), 4006);
    zone.failed('timeout', 4006);
    expect(zone.dueAt).toBe(4006 + 20_000);
    zone.notify('b', 9, 5000);
    zone.next(5000);
    zone.failed('timeout', 5000);
    zone.answered(soa(9), 5000);
    zone.transferred(version(9, FAR), 5000);
    expect(zone.dueAt).toBe(5000 + 20_000);
  });

  it('begins anew with another NOTIFY', () => {
    const zone = notified();
    waits(zone, 4000, 4);
    zone.notify('b', 10, 4031);
    expect(waits(zone, 4031, 2)).toEqual([2, 4]);
  });
});

describe('after a restart', () => {
  const facts = (more: Partial<RefreshFacts> = {}): RefreshFacts => ({
    serial: 7,
    ...TIMES,
    origin: 'a',
    checkedAt: WALL,
    expiresAt: WALL + 86_400,
    ...more,
  });
  const restarted = (wall: number, stored = facts(), spread = 0): ZoneRefresh =>
    new ZoneRefresh(['a', 'b'], stored, { now: 50, wall }, { spread, random: () => 0.5 });

  it('the time until the version expires goes on', () => {
    const zone = restarted(WALL + 1000);
    expect(zone.expiresAt).toBe(50 + 85_400);
    expect([zone.serial, zone.origin, zone.dueAt]).toEqual([7, 'a', 50]);
    zone.next(50);
    expect(zone.answered(soa(8), 50)).toEqual({ kind: 'transfer', primary: 'a', serial: 7 });
  });

  it('a version that expired meanwhile is not served', () => {
    expect(restarted(WALL + 86_400).expire(50)).toBe(true);
    expect(restarted(WALL + 86_399).expire(50)).toBe(false);
  });

  it('a clock that was set back makes the version no younger than it was', () => {
    expect(restarted(WALL - 1_000_000).expiresAt).toBe(50 + 86_400);
  });

  it('first checks are spread out, but come before the version expires', () => {
    expect(restarted(WALL, facts(), 100).dueAt).toBe(100);
    expect(restarted(WALL + 86_390, facts(), 100).dueAt).toBe(52.5);
  });

  it('the stored facts are those that it was stopped with', () => {
    const zone = restarted(WALL + 1000);
    expect(zone.facts({ now: 60, wall: WALL + 1010 })).toEqual(facts());
    // The time of day was set forward by an hour while it ran: what is left stays the same.
    expect(zone.facts({ now: 60, wall: WALL + 4610 })?.expiresAt).toBe(WALL + 86_400 + 3600);
  });
});

describe('a primary that cannot be reached', () => {
  it('rests longer each time, a minute at most, until something comes from it', () => {
    const rest = new PrimaryRest(noJitter);
    const rests: number[] = [];
    for (let i = 0; i < 8; i++) {
      rest.failed(0);
      rests.push(rest.until);
    }
    expect(rests).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect([rest.isResting(59), rest.isResting(60), rest.failures]).toEqual([true, false, 8]);
    rest.reached();
    expect(rest.isResting(0)).toBe(false);
  });
});
