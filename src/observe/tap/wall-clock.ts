/**
 * The time of day with a resolution below a millisecond. Node tells either the time of day in whole milliseconds, or finer
 * time since some start, which does not follow when an operator sets the clock.
 */

/** Where time comes from, in milliseconds. */
export interface TimeSources {
  /** Since 1970, whole. */
  wall(): number;
  /** Since whenever, with a fraction; never runs backwards. */
  monotonic(): number;
}

const SYSTEM: TimeSources = { wall: () => Date.now(), monotonic: () => performance.now() };

/** Just below a whole millisecond. */
const ALMOST_ONE = 0.999;

/**
 * A clock of milliseconds since 1970. It goes as the fine one does, within the millisecond that the other one tells: where
 * they part, since the time of day was set, it follows at once.
 */
export function wallClock({ wall, monotonic }: TimeSources = SYSTEM): () => number {
  let offset = wall() - monotonic();
  return () => {
    const whole = wall();
    const fine = monotonic();
    let time = offset + fine;
    if (time < whole) time = whole;
    else if (time >= whole + 1) time = whole + ALMOST_ONE;
    else return time;
    offset = time - fine;
    return time;
  };
}
