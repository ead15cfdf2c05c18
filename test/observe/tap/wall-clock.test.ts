import { describe, expect, it } from 'vitest';
import { wallClock } from '../../../src/observe/tap/wall-clock.js';

/** A machine whose time of day is `offset` from its monotonic time. */
function machine(offset: number) {
  const state = { fine: 1000.25, offset };
  const toWall = wallClock({ wall: () => Math.floor(state.fine + state.offset), monotonic: () => state.fine });
  const now = () => toWall(state.fine);
  return { state, now };
}

describe('the wall clock', () => {
  it('tells parts of a millisecond, never farther from the time of day than one', () => {
    const { state, now } = machine(1_795_000_000_000);
    let last = 0;
    for (let i = 0; i < 1000; i++) {
      state.fine += 0.013;
      const time = now();
      expect(Math.abs(time - (state.fine + state.offset))).toBeLessThan(1);
      expect(time).toBeGreaterThanOrEqual(last);
      last = time;
    }
    expect(last % 1).not.toBe(0);
  });

  it.each([-3_600_000, 3_600_000, -2.5, 2.5])('follows at once when the time of day is set by %d ms', (step) => {
    const { state, now } = machine(1_795_000_000_000);
    now();
    state.offset += step;
    state.fine += 0.1;
    expect(Math.abs(now() - (state.fine + state.offset))).toBeLessThan(1);
  });

  it('agrees with the machine', () => {
    const toWall = wallClock();
    expect(Math.abs(toWall(performance.now()) - Date.now())).toBeLessThan(1000);
  });
});
