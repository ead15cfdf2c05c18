import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { mayReach, mayRead, mayWrite, mayWriteIn, type User } from '../../../src/server/process/user-access.js';

const base = mkdtempSync(join(tmpdir(), 'adotd-access-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const folder = join(base, 'folder');
const file = join(folder, 'file');
beforeEach(() => {
  chmodSync(base, 0o755);
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
  writeFileSync(file, '');
  chmodSync(file, 0o644);
});
const { uid, gid } = statSync(base);
const owner: User = { uid, groups: [4712] };
const member: User = { uid: 4711, groups: [4712, gid] };
const stranger: User = { uid: 4711, groups: [4712] };

describe('what a user may do', () => {
  it.each([
    [0o640, stranger, false, false],
    [0o644, stranger, true, false],
    [0o606, stranger, true, true],
    [0o640, member, true, false],
    [0o660, member, true, true],
    // The class of the group decides, though others may.
    [0o606, member, false, false],
    [0o600, { uid: 0, groups: [] }, true, true],
  ])('with a file of mode %o', (mode, user, reads, writes) => {
    chmodSync(file, mode);
    expect([mayRead(file, user), mayWrite(file, user)]).toEqual([reads, writes]);
  });

  it.each([
    [0o755, stranger, true, false],
    [0o777, stranger, true, true],
    [0o776, stranger, false, false],
    [0o770, member, true, true],
    [0o1777, stranger, true, true],
  ])('with a folder of mode %o', (mode, user, lists, makes) => {
    chmodSync(folder, mode);
    expect([mayRead(folder, user), mayWriteIn(folder, user)]).toEqual([lists, makes]);
  });

  it('depends on the folders above', () => {
    chmodSync(base, 0o700);
    expect(mayRead(file, stranger)).toBe(false);
    expect(mayReach(folder, stranger)).toBe(false);
    expect(mayReach(base, stranger)).toBe(true);
    if (uid !== 0) expect(mayRead(file, owner)).toBe(true);
    chmodSync(folder, 0o777);
    expect(mayWriteIn(folder, stranger)).toBe(false);
  });

  it('is everything where nothing can be looked at', () => {
    expect(mayWriteIn(join(base, 'none'), stranger)).toBe(true);
  });
});
