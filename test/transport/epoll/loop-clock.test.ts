import { describe, expect, it } from 'vitest';
import { loopClock } from '../../../src/transport/epoll/loop-clock.js';
import { FakeClock } from '../../support/clock.js';

function bench() {
  const fake = new FakeClock();
  const clock = loopClock(fake);
  const fired: string[] = [];
  return { fake, clock, fired, timer: (name: string) => clock.timer(() => void fired.push(name)) };
}

describe('the clock of a loop', () => {
  it('tells how long the thread may wait: until the first timer is due', () => {
    const { fake, clock, fired, timer } = bench();
    expect(clock.untilDue(50)).toBe(50);
    timer('late').set(500);
    timer('early').set(30);
    expect([clock.untilDue(50), clock.untilDue(1000)]).toEqual([30, 30]);
    fake.advance(20);
    expect(clock.untilDue(50)).toBe(10);
    fake.advance(10);
    expect(fired).toEqual(['early']);
    expect(clock.untilDue(1000)).toBe(470);
  });

  it('goes by the last setting of a timer, and forgets one that is cleared', () => {
    const { clock, timer } = bench();
    const one = timer('one');
    one.set(10);
    one.set(40);
    expect(clock.untilDue(50)).toBe(40);
    one.clear();
    expect(clock.untilDue(50)).toBe(50);
  });

  it('does not wait at all while a timer is due that has not fired, and never less than the whole milliseconds that are left', () => {
    const { fake, clock, timer } = bench();
    timer('one').set(10.5);
    expect(clock.untilDue(50)).toBe(11);
    // The machine's timers fire in the event loop only; this one has not got its turn.
    fake.now += 20;
    expect(clock.untilDue(50)).toBe(0);
  });

  it('is the clock below it', () => {
    const { fake, clock } = bench();
    expect([clock.seconds(), clock.milliseconds()]).toEqual([fake.seconds(), fake.milliseconds()]);
  });
});
