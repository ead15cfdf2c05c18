import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AdotdError, ErrorCode } from '../../src/errors.js';
import type { Log } from '../../src/observe/log.js';
import { StartTroubles } from '../../src/server/start-troubles.js';
import { FakeClock } from '../support/clock.js';

/** Troubles, their clock, and the lines of their log. */
function troublesOf(strict = false) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const note =
    (level: string) =>
    (_: object, message: string): void =>
      void lines.push(`${level}: ${message}`);
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  return { clock, lines, troubles: new StartTroubles(strict, log, clock) };
}

const missing = (why: string): AdotdError => new AdotdError(ErrorCode.FILE, why);

/** An attempt that fails for this reason, while there is one. */
function attemptOf(why: string | undefined) {
  const state = { why, count: 0 };
  const attempt = async (): Promise<void> => {
    state.count++;
    await setImmediate();
    if (state.why !== undefined) throw missing(state.why);
  };
  return { state, attempt };
}

/** Moves time on by seconds, one by one; attempts end meanwhile. */
async function pass(clock: FakeClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await setImmediate();
    await setImmediate();
  }
}

describe('what a server cannot have at its start', () => {
  it('is tried again with a growing delay, and it says when that works', async () => {
    const { clock, lines, troubles } = troublesOf();
    const { state, attempt } = attemptOf('no folder');
    troubles.again(missing('no folder'), 'query log', attempt);
    const line = 'no folder; there is no query log, which is tried again';
    expect([lines, troubles.lines]).toEqual([[`error: ${line}`], [line]]);
    const tried: number[] = [];
    for (let second = 1; second <= 200; second++) {
      const before = state.count;
      await pass(clock, 1);
      if (state.count > before) tried.push(second);
    }
    // 1, 2, 4 … 32 s, and then each 60 s.
    expect(tried).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
    // The same reason is not said again; another one is.
    expect(lines).toHaveLength(1);
    state.why = 'no permission';
    await pass(clock, 60);
    const other = 'no permission; there is no query log, which is tried again';
    expect([lines.slice(1), troubles.lines]).toEqual([[`error: ${other}`], [other]]);
    state.why = undefined;
    await pass(clock, 60);
    expect([lines.slice(2), troubles.lines]).toEqual([['info: there is a query log now'], []]);
    const { count } = state;
    await pass(clock, 200);
    await troubles.tryAgain();
    expect([state.count, clock.timers]).toEqual([count, 0]);
  });

  it('is tried again at once when somebody asks for it, one after the other', async () => {
    const { clock, lines, troubles } = troublesOf();
    const [log, address] = [attemptOf('no folder'), attemptOf('in use')];
    troubles.again(missing('no folder'), 'query log', log.attempt);
    troubles.again(missing('in use'), 'metrics address', address.attempt);
    address.state.why = undefined;
    await Promise.all([troubles.tryAgain(), troubles.tryAgain()]);
    expect([log.state.count, address.state.count]).toEqual([2, 1]);
    expect(lines.slice(2)).toEqual(['info: there is a metrics address now']);
    expect([troubles.lines.length, clock.timers]).toEqual([1, 1]);
  });

  it('is not tried when the server has closed', async () => {
    const { clock, troubles } = troublesOf();
    const { state, attempt } = attemptOf('no folder');
    troubles.again(missing('no folder'), 'query log', attempt);
    const trying = troubles.tryAgain();
    troubles.close();
    await trying;
    await pass(clock, 100);
    await troubles.tryAgain();
    expect([state.count, clock.timers]).toEqual([0, 0]);
  });

  it('keeps a strict server from starting, and so does what is no error of ours', () => {
    const { attempt } = attemptOf('no folder');
    const strict = troublesOf(true);
    expect(() => strict.troubles.again(missing('no folder'), 'query log', attempt)).toThrow('no folder');
    const { troubles, lines } = troublesOf();
    expect(() => troubles.again(new TypeError('mistake'), 'query log', attempt)).toThrow('mistake');
    expect([lines, troubles.lines, strict.clock.timers]).toEqual([[], [], 0]);
  });
});
