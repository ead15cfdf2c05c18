import { expect, it } from 'vitest';
import { threadTime } from '../../src/native/thread-time.js';

it('goes on while the thread computes, and stands still while it waits', () => {
  const time = threadTime();
  const began = time();
  let sum = 0;
  // 50 ms of this thread's own time, however long that takes on a busy machine.
  while (time() - began < 50) for (let i = 0; i < 10_000; i++) sum += Math.sqrt(i);
  expect(sum).toBeGreaterThan(0);
  const before = time();
  const wait = performance.now();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  const waited = performance.now() - wait;
  const used = time() - before;
  expect(used).toBeGreaterThanOrEqual(0);
  expect(used).toBeLessThan(waited / 2);
});
