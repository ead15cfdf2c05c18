import { describe, expect, it } from 'vitest';
import { lowerPriority } from '../../../src/server/process/thread-priority.js';

/** A thread with this niceness; what is set is noted. */
function threadOf(niceness: number): { noted: number[][]; getPriority(): number; setPriority(...to: number[]): void } {
  const noted: number[][] = [];
  return { noted, getPriority: () => niceness, setPriority: (...to) => void noted.push(to) };
}

describe.runIf(process.platform === 'linux')('the priority of a thread', () => {
  it('is lowered, of the calling thread', () => {
    const thread = threadOf(0);
    lowerPriority(thread);
    expect(thread.noted).toEqual([[0, 10]]);
  });

  it('stays where it is lower already', () => {
    const thread = threadOf(15);
    lowerPriority(thread);
    expect(thread.noted).toEqual([]);
  });

  it('stays where the system forbids to change it', () => {
    const forbid = (): never => {
      throw new Error('EPERM');
    };
    expect(() => lowerPriority({ getPriority: () => 0, setPriority: forbid })).not.toThrow();
    expect(() => lowerPriority({ getPriority: forbid, setPriority: forbid })).not.toThrow();
  });
});
