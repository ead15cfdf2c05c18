import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  changedSince,
  folderIdentity,
  lookAtFile,
  lookAtFolder,
  looksChanged,
} from '../../../src/server/watch/file-looks.js';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-looks-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Whether a file looks changed after `act`. */
function changedBy(act: () => void): boolean {
  const before = lookAtFile(at('a'));
  act();
  return looksChanged(at('a'), before, lookAtFile(at('a')));
}

describe('the look of a file', () => {
  it('changes with its content, its number and its absence', () => {
    expect(changedBy(() => undefined)).toBe(false);
    expect(changedBy(() => writeFileSync(at('a'), '1'))).toBe(true);
    expect(changedBy(() => undefined)).toBe(false);
    expect(changedBy(() => writeFileSync(at('a'), '22'))).toBe(true);
    const replace = (): void => {
      writeFileSync(at('b'), '22');
      renameSync(at('b'), at('a'));
    };
    expect(changedBy(replace)).toBe(true);
    expect(changedBy(() => utimesSync(at('a'), 1, 1))).toBe(true);
    expect(changedBy(() => rmSync(at('a')))).toBe(true);
  });

  it('has the content of a file that had just changed, because its times may not show the next change', () => {
    writeFileSync(at('a'), '1');
    const before = lookAtFile(at('a'));
    expect(before.content).toMatch(/./);
    // As if both changes had the same time.
    const same = { signs: before.signs };
    expect(looksChanged(at('a'), before, same)).toBe(false);
    writeFileSync(at('a'), '2');
    expect(looksChanged(at('a'), before, same)).toBe(true);
  });

  it('is in doubt where such a file is long', () => {
    writeFileSync(at('a'), 'x'.repeat(100_000));
    const before = lookAtFile(at('a'));
    expect(looksChanged(at('a'), before, before)).toBe(true);
  });
});

describe('the look of a folder', () => {
  it('changes with its zone files, and with the folder itself', () => {
    mkdirSync(at('zones'));
    const looks = (): string => lookAtFolder(at('zones')).signs;
    const [empty, identity] = [looks(), folderIdentity(at('zones'))];
    writeFileSync(at('zones', 'other'), '');
    expect(looks()).toBe(empty);
    writeFileSync(at('zones', 'a.zone'), '');
    expect(looks()).not.toBe(empty);
    mkdirSync(at('new'));
    renameSync(at('zones'), at('old'));
    expect([looks(), folderIdentity(at('zones'))]).toEqual(['', '']);
    renameSync(at('new'), at('zones'));
    expect(looks()).not.toBe(empty);
    expect(folderIdentity(at('zones'))).not.toBe(identity);
  });
});

describe('what has changed since a time', () => {
  it('is what has a later time of change, and what is not there', () => {
    writeFileSync(at('a'), '1');
    const { ctimeMs } = statSync(at('a'));
    expect([...changedSince([at('a'), at('none')], ctimeMs + 1)]).toEqual([at('none')]);
    expect([...changedSince([at('a')], ctimeMs - 1)]).toEqual([at('a')]);
  });
});
