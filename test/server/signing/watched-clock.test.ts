import { expect, it } from 'vitest';
import { WatchedClock } from '../../../src/server/signing/watched-clock.js';
import { FakeClock } from '../../support/clock.js';

it('a clock that is watched tells when it is set by more than a minute', () => {
  let ahead = 0;
  class SetClock extends FakeClock {
    override seconds(): number {
      return super.seconds() + ahead;
    }
  }
  const clock = new SetClock();
  const told: number[] = [];
  const watched = new WatchedClock(clock, (seconds) => told.push(seconds));
  clock.advance(10 * 86_400_000);
  expect([watched.seconds(), watched.forward]).toEqual([clock.seconds(), 0]);
  ahead = 60;
  watched.seconds();
  expect(told).toEqual([]);
  // Small steps are noticed when they have come together.
  ahead = 120;
  watched.seconds();
  watched.seconds();
  expect([told, watched.forward]).toEqual([[120], 120]);
  ahead = -3600;
  watched.seconds();
  ahead = 0;
  watched.seconds();
  expect([told, watched.forward]).toEqual([[120, -3720, 3600], 3720]);
});
