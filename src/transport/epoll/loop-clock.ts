/**
 * A clock for a thread that waits outside of its event loop: it knows when the next of its timers is due, so that the thread does not
 * wait beyond that.
 */
import type { Clock, Timer } from '../../session/clock.js';

export interface LoopClock extends Clock {
  /** Milliseconds until a timer is due, `most` at the most; 0: one is due. */
  untilDue(most: number): number;
}

/** A running timer: when it is due. */
interface Running {
  due: number;
}

/** `clock` with that knowledge. */
export function loopClock(clock: Clock): LoopClock {
  const running = new Set<Running>();
  return {
    seconds: () => clock.seconds(),
    wallMilliseconds: () => clock.wallMilliseconds(),
    milliseconds: () => clock.milliseconds(),
    timer(fire): Timer {
      const own: Running = { due: 0 };
      const timer = clock.timer(() => {
        running.delete(own);
        fire();
      });
      return {
        set(milliseconds) {
          own.due = clock.milliseconds() + milliseconds;
          running.add(own);
          timer.set(milliseconds);
        },
        clear() {
          running.delete(own);
          timer.clear();
        },
      };
    },
    untilDue(most) {
      if (running.size === 0) return most;
      const now = clock.milliseconds();
      let left = most;
      for (const { due } of running) left = Math.min(left, due - now);
      return Math.max(0, Math.ceil(left));
    },
  };
}
