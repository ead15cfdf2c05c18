/**
 * The time of day, finer than a millisecond. Node has the time of day in whole milliseconds, and a finer time since some start, which
 * does not change when an operator sets the clock.
 */

/** The two sources, in milliseconds. */
export interface TimeSources {
  /** Since 1970, whole. */
  wall(): number;
  /** Since some start, with a fraction; never runs backwards. */
  monotonic(): number;
}

export const SYSTEM_TIME: TimeSources = { wall: () => Date.now(), monotonic: () => performance.now() };

/** Just below a whole millisecond. */
const ALMOST_ONE = 0.999;

/**
 * Returns a function from a fresh reading of the fine time to the time of day in milliseconds since 1970. The result advances with the
 * fine time, but stays within the current millisecond of the time of day. When the clock was set, it follows at once.
 */
export function wallClock({ wall, monotonic }: TimeSources = SYSTEM_TIME): (fine: number) => number {
  let offset = wall() - monotonic();
  return (fine) => {
    const whole = wall();
    let time = offset + fine;
    if (time < whole) time = whole;
    else if (time >= whole + 1) time = whole + ALMOST_ONE;
    else return time;
    offset = time - fine;
    return time;
  };
}
