import { describe, expect, it } from 'vitest';
import { RESTING_INTERVAL, WATCH_INTERVAL } from '../../../src/server/plane/heartbeat.js';
import { ThreadWatch } from '../../../src/server/plane/thread-watch.js';
import { FakeClock } from '../../support/clock.js';

/** A thread as far as it is watched. */
class PaperThread {
  state: 'still' | 'resting' | 'moving' = 'still';
  /** Whether it begins to move just when it is left. */
  restless = false;
  looks = 0;
  left = false;

  watch(): 'still' | 'resting' | 'moving' {
    this.looks++;
    return this.state;
  }

  leave(): boolean {
    this.left = true;
    return !this.restless;
  }

  lookAgain(): void {
    this.left = false;
  }
}

function bench() {
  const clock = new FakeClock();
  const threads = [new PaperThread(), new PaperThread()] as const;
  const watch = new ThreadWatch(clock);
  return { threads, watch, clock, pass: (times: number) => clock.advance(times * WATCH_INTERVAL) };
}

describe('the watch on threads', () => {
  it('looks at every thread as long as one of them moves', () => {
    const { threads, watch, pass } = bench();
    threads[0].state = 'moving';
    watch.begin(threads);
    pass(20);
    expect(threads.map(({ looks, left }) => [looks, left])).toEqual([
      [20, false],
      [20, false],
    ]);
  });

  it('ends when all are still, with no timer left, until one of them says that it is awake', () => {
    const { threads, watch, clock, pass } = bench();
    watch.begin(threads);
    pass(20);
    expect(threads.map(({ looks, left }) => [looks, left])).toEqual([
      [1, true],
      [1, true],
    ]);
    expect([watch.looking, clock.timers]).toEqual([false, 0]);
    threads[1].state = 'moving';
    watch.awake();
    watch.awake();
    expect(threads.map(({ left }) => left)).toEqual([false, false]);
    pass(3);
    expect(threads.map(({ looks }) => looks)).toEqual([4, 4]);
  });

  it('looks less often while all rest between what they do', () => {
    const { threads, watch, clock } = bench();
    threads[0].state = 'resting';
    watch.begin(threads);
    clock.advance(WATCH_INTERVAL);
    clock.advance(10 * RESTING_INTERVAL);
    expect(threads.map(({ looks }) => looks)).toEqual([11, 11]);
    threads[1].state = 'moving';
    clock.advance(RESTING_INTERVAL);
    clock.advance(10 * WATCH_INTERVAL);
    expect(threads.map(({ looks }) => looks)).toEqual([22, 22]);
  });

  it('goes on when a thread moves just then', () => {
    const { threads, watch, clock } = bench();
    threads[1].restless = true;
    watch.begin(threads);
    clock.advance(WATCH_INTERVAL + RESTING_INTERVAL);
    expect(threads.map(({ looks, left }) => [looks, left])).toEqual([
      [2, false],
      [2, false],
    ]);
    threads[1].restless = false;
    clock.advance(RESTING_INTERVAL);
    expect(watch.looking).toBe(false);
  });

  it('does not begin before it is told, nor again after its end', () => {
    const { threads, watch, clock, pass } = bench();
    watch.awake();
    expect([watch.looking, clock.timers]).toEqual([false, 0]);
    watch.begin(threads);
    watch.end();
    watch.awake();
    pass(5);
    expect(threads[0].looks).toBe(0);
  });
});
