import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/client/client-clock.js';
import { timedOut } from '../../src/client/errors.js';

describe('the message of a wait that was in vain', () => {
  it.each([
    [699.362350000003, '0.699 s'],
    [4000, '4 s'],
    [200, '0.2 s'],
    [1, '0.001 s'],
  ])('of %d ms says %s', (milliseconds, text) => {
    expect(timedOut('there', 'answer', milliseconds).message).toBe(`there: no answer within ${text}`);
  });
});

describe("the machine's time", () => {
  it.each([Number.POSITIVE_INFINITY, 2 ** 31])(
    'has no timer that fires at once for being set to %d ms',
    async (long) => {
      let fired = false;
      const stop = systemClock.after(long, () => {
        fired = true;
      });
      await new Promise<void>((resolve) => void systemClock.after(20, resolve));
      stop();
      expect(fired).toBe(false);
    },
  );
});
