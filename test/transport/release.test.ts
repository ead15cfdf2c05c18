import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { collector, createRelease } from '../../src/transport/release.js';

describe('releasing what is served no more', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('collects once in a while, however often something was let go of', () => {
    const collect = vi.fn();
    const release = createRelease(collect);
    for (let i = 0; i < 10; i++) {
      release.soon();
      vi.advanceTimersByTime(40);
    }
    expect(collect).toHaveBeenCalledTimes(0);
    vi.advanceTimersByTime(100);
    expect(collect).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10_000);
    expect(collect).toHaveBeenCalledTimes(1);
    release.soon();
    vi.advanceTimersByTime(500);
    expect(collect).toHaveBeenCalledTimes(2);
  });

  it('collects nothing more when stopped', () => {
    const collect = vi.fn();
    const release = createRelease(collect);
    release.soon();
    release.stop();
    vi.advanceTimersByTime(10_000);
    expect(collect).not.toHaveBeenCalled();
  });
});

describe('the collector', () => {
  it('frees what nothing refers to, and leaves gc() to nobody else', async () => {
    const collect = collector();
    const kept = { name: 'kept' };
    const references = [new WeakRef(kept), new WeakRef({ name: 'dropped' })];
    // What a WeakRef was asked for or made with lives until the turn is over.
    await nextTurn();
    collect();
    expect(references.map((reference) => reference.deref()?.name)).toEqual(['kept', undefined]);
    expect(kept.name).toBe('kept');
    expect('gc' in globalThis).toBe(false);
  });

  it('leaves a heap alone that would take long', async () => {
    const collect = collector(1024);
    const reference = new WeakRef({ name: 'dropped' });
    await nextTurn();
    collect();
    expect(reference.deref()?.name).toBe('dropped');
  });
});
