import { existsSync, readFileSync } from 'node:fs';
import { getPriority, release } from 'node:os';
import { describe, expect, it } from 'vitest';
import { lowerPriority, takeShortTurns } from '../../../src/server/process/thread-priority.js';
import { libc } from '../../../src/transport/libc.js';

/** What the system shows of the scheduling of the calling thread. */
const SHOWN = '/proc/thread-self/sched';

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

it('asks the system for short turns, where it has them', () => {
  const isTaken = takeShortTurns();
  expect(isTaken).toBe(process.platform === 'linux' && typeof libc() !== 'string');
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (!isTaken || !existsSync(SHOWN) || major < 6 || (major === 6 && minor < 12)) return;
  const fields = new Map(
    readFileSync(SHOWN, 'latin1')
      .split('\n')
      .map((line) => line.split(':').map((word) => word.trim()) as [string, string]),
  );
  expect([fields.get('policy'), fields.get('prio'), fields.get('se.slice')]).toEqual([
    '0',
    String(120 + getPriority(0)),
    '100000',
  ]);
});
