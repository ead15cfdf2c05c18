import { describe, expect, it } from 'vitest';
import { runStaggered, type StaggeredAttempt } from '../../../src/client/transports/staggered-attempts.js';
import { FakeClock } from '../fake-clock.js';

/** An attempt whose end the test decides. */
interface Told extends StaggeredAttempt<string> {
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
  readonly attempts: readonly Told[];
  readonly controller: AbortController;
  readonly result: Promise<string | undefined>;
  begun(): number;
}

function scene(...headStarts: readonly number[]): Scene {
  const clock = new FakeClock();
  const attempts = headStarts.map(told);
  const controller = new AbortController();
  const result = runStaggered(attempts, clock, controller.signal, 'test');
  return { clock, attempts, controller, result, begun: () => attempts.filter(({ begun }) => begun).length };
}

/** Lets callbacks of settled promises run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('staggered attempts', () => {
  it('begin each after the head start of the one before, not sooner', async () => {
    const { clock, attempts, result, begun } = scene(250, 100, 0);
    expect(begun()).toBe(1);
    clock.advance(249);
    expect(begun()).toBe(1);
    clock.advance(1);
    expect(begun()).toBe(2);
    clock.advance(99);
    expect(begun()).toBe(2);
    clock.advance(1);
    expect(begun()).toBe(3);
    attempts[1]?.end('second');
    expect(await result).toBe('second');
    expect(attempts.map(({ aborted }) => aborted)).toEqual([true, false, true]);
    expect(clock.timers).toEqual([]);
  });

  it('begin the next one at once when the one before fails or has no head start', async () => {
    const { clock, attempts, result, begun } = scene(250, 0, 250, 250);
    attempts[0]?.end();
    await turn();
    expect(begun()).toBe(3);
    attempts[2]?.end();
    await turn();
    expect(begun()).toBe(4);
    for (const attempt of attempts) attempt.end();
    expect(await result).toBeUndefined();
    expect(clock.timers).toEqual([]);
  });

  it('keep the head start when an earlier one fails meanwhile', async () => {
    const { clock, attempts, begun } = scene(250, 250, 250);
    clock.advance(250);
    attempts[0]?.end();
    await turn();
    expect(begun()).toBe(2);
    clock.advance(249);
    expect(begun()).toBe(2);
    clock.advance(1);
    expect(begun()).toBe(3);
  });

  it('begin no further attempt after the first result', async () => {
    const { clock, attempts, result, begun } = scene(250, 250);
    attempts[0]?.end('first');
    expect(await result).toBe('first');
    clock.advance(1000);
    expect(begun()).toBe(1);
  });

  it('wait with the next one for the failure of one that holds', async () => {
    const { clock, attempts, result, begun } = scene(250, 250);
    clock.advance(249);
    attempts[0]?.hold();
    clock.advance(100_000);
    expect(begun()).toBe(1);
    attempts[0]?.end();
    await turn();
    expect(begun()).toBe(2);
    attempts[1]?.end('second');
    expect(await result).toBe('second');
  });

  it('are over when one rejects, and when they are given up', async () => {
    const broken = scene(0, 0);
    broken.attempts[0]?.break(new Error('broken'));
    await expect(broken.result).rejects.toThrow('broken');
    expect(broken.attempts[1]?.aborted).toBe(true);
    const given = scene(250, 250);
    given.controller.abort();
    await expect(given.result).rejects.toMatchObject({ code: 'CLIENT_ABORTED' });
    expect(given.attempts[0]?.aborted).toBe(true);
    given.attempts[0]?.end('late');
    await turn();
    given.clock.advance(1000);
    expect(given.begun()).toBe(1);
  });

  it('bring nothing when there are none', async () => {
    expect(await scene().result).toBeUndefined();
  });
});
