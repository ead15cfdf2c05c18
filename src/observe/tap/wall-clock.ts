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

export const SYSTEM_TIME: TimeSources = { wall: () => Date.now(), monotonic: () => performance.now() };

/** Just below a whole millisecond. */
const ALMOST_ONE = 0.999;

/**
 * Tells the time of day, in milliseconds since 1970, of a reading of the fine time that was made just now. It goes as the fine
 * time does, within the millisecond that the time of day tells: where they part, since that was set, it follows at once.
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
