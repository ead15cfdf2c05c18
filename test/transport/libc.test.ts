import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { libc } from '../../src/transport/libc.js';

describe.runIf(typeof libc() !== 'string')('the next timer of an event loop', () => {
  it('is the earliest, also where it does not keep the thread alive, and seen from an immediate', async () => {
    // In a thread of its own: the program that runs the tests has timers too.
    const worker = new Worker(new URL('../support/next-timer.mjs', import.meta.url));
    const [found] = (await once(worker, 'message')) as [Record<string, number>];
    const { none, earliest, fromImmediate } = found;
    // V8 may have set some of its own.
    expect(none).toBeGreaterThan(700);
    expect(earliest).toBeLessThanOrEqual(700);
    expect(fromImmediate).toBeLessThanOrEqual(earliest ?? 0);
  });
});
