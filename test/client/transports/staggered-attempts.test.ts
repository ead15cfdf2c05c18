import { describe, expect, it } from 'vitest';
import { type Runner, race } from '../../../src/client/transports/staggered-attempts.js';
import { FakeClock } from '../fake-clock.js';

/** A runner that is told by hand how it ends. */
interface Told extends Runner<string> {
  readonly begun: boolean;
  readonly aborted: boolean;
  end(done?: string): void;
  break(error: Error): void;
  hold(): void;
}

function told(headStart: number): Told {
  let end = (_done?: string): void => {};
  let fail = (_error: Error): void => {};
  let holding = (): void => {};
  let signal: AbortSignal | undefined;
  const ended = new Promise<string | undefined>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  return {
    headStart,
    run(given, hold) {
      signal = given;
      holding = hold;
      return ended;
    },
    get begun() {
      return signal !== undefined;
    },
    get aborted() {
      return signal?.aborted ?? false;
    },
    end: (done) => end(done),
    break: (error) => fail(error),
    hold: () => holding(),
  };
}

interface Scene {
  readonly clock: FakeClock;
  readonly runners: readonly Told[];
  readonly controller: AbortController;
  readonly result: Promise<string | undefined>;
  begun(): number;
}

function scene(...headStarts: readonly number[]): Scene {
  const clock = new FakeClock();
  const runners = headStarts.map(told);
  const controller = new AbortController();
  const result = race(runners, clock, controller.signal, 'test');
  return { clock, runners, controller, result, begun: () => runners.filter(({ begun }) => begun).length };
}

/** Lets what was settled be heard of. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a race', () => {
  it('has each begin after the head start of the one before, not sooner', async () => {
    const { clock, runners, result, begun } = scene(250, 100, 0);
    expect(begun()).toBe(1);
    clock.advance(249);
    expect(begun()).toBe(1);
    clock.advance(1);
    expect(begun()).toBe(2);
    clock.advance(99);
    expect(begun()).toBe(2);
    clock.advance(1);
    expect(begun()).toBe(3);
    runners[1]?.end('second');
    expect(await result).toBe('second');
    expect(runners.map(({ aborted }) => aborted)).toEqual([true, false, true]);
    expect(clock.timers).toEqual([]);
  });

  it('has the next one begin at once when the one before fails, or has no head start', async () => {
    const { clock, runners, result, begun } = scene(250, 0, 250, 250);
    runners[0]?.end();
    await turn();
    expect(begun()).toBe(3);
    runners[2]?.end();
    await turn();
    expect(begun()).toBe(4);
    for (const runner of runners) runner.end();
    expect(await result).toBeUndefined();
    expect(clock.timers).toEqual([]);
  });

  it('goes on with the head start when an earlier one fails meanwhile', async () => {
    const { clock, runners, begun } = scene(250, 250, 250);
    clock.advance(250);
    runners[0]?.end();
    await turn();
    expect(begun()).toBe(2);
    clock.advance(249);
    expect(begun()).toBe(2);
    clock.advance(1);
    expect(begun()).toBe(3);
  });

  it('has nobody begin behind the one that is done', async () => {
    const { clock, runners, result, begun } = scene(250, 250);
    runners[0]?.end('first');
    expect(await result).toBe('first');
    clock.advance(1000);
    expect(begun()).toBe(1);
  });

  it('has the next one wait for the failure of one that holds', async () => {
    const { clock, runners, result, begun } = scene(250, 250);
    clock.advance(249);
    runners[0]?.hold();
    clock.advance(100_000);
    expect(begun()).toBe(1);
    runners[0]?.end();
    await turn();
    expect(begun()).toBe(2);
    runners[1]?.end('second');
    expect(await result).toBe('second');
  });

  it('is over when one breaks, and when it is given up', async () => {
    const broken = scene(0, 0);
    broken.runners[0]?.break(new Error('broken'));
    await expect(broken.result).rejects.toThrow('broken');
    expect(broken.runners[1]?.aborted).toBe(true);
    const given = scene(250, 250);
    given.controller.abort();
    await expect(given.result).rejects.toMatchObject({ code: 'CLIENT_ABORTED' });
    expect(given.runners[0]?.aborted).toBe(true);
    given.runners[0]?.end('late');
    await turn();
    given.clock.advance(1000);
    expect(given.begun()).toBe(1);
  });

  it('of nobody is lost', async () => {
    expect(await scene().result).toBeUndefined();
  });
});
