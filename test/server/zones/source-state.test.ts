import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sameSources, sourceState, unreadable } from '../../../src/server/zones/source-state.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  file = join(folder, 'zone');
  writeFileSync(file, 'one');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Long after everything that the test has done. */
const LATER = Date.now() + 3_600_000;
const state = (now = LATER) => sourceState(file, Buffer.from('one'), now);

describe('the files that a zone was read from', () => {
  it('are the same as long as nobody touches them', () => {
    expect(sameSources([state()], LATER)).toEqual([state()]);
  });

  it('are the same after a copy of the same content took their place, and are known by its looks then', () => {
    const before = state();
    writeFileSync(join(folder, 'copy'), 'one');
    renameSync(join(folder, 'copy'), file);
    const [after] = sameSources([before], LATER) ?? [];
    expect(after).toMatchObject({ hash: before.hash });
    expect(after?.metadata).not.toBe(before.metadata);
  });

  it('have changed when the content has, even with the time and the length of before', () => {
    const before = state();
    const { atime, mtime } = statSync(file);
    writeFileSync(file, 'two');
    utimesSync(file, atime, mtime);
    expect(sameSources([before], LATER)).toBeUndefined();
  });

  it('are compared by content when they changed just before they were read, or when the clock was set back', () => {
    for (const now of [Date.now(), Date.now() - 86_400_000]) {
      const before = state(now);
      expect(before.metadata).toBe('');
      expect(sameSources([before], now)).toHaveLength(1);
    }
  });

  it('have changed when one of them is gone, cannot be read or could not be', () => {
    const before = state();
    expect(sameSources([before, unreadable(join(folder, 'none'))], LATER)).toBeUndefined();
    rmSync(file);
    expect(sameSources([before], LATER)).toBeUndefined();
  });

  it('are never the same when there are none', () => {
    expect(sameSources([], LATER)).toBeUndefined();
  });
});
