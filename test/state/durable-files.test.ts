import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeFileDurably } from '../../src/state/folder.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-durable-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a file belongs to the owner of its folder, also before root has become that user', async () => {
  const own = join(folder, 'own');
  mkdirSync(own);
  // Only root can have a folder of another user here.
  const user = process.geteuid?.() === 0 ? 65_534 : (process.geteuid?.() ?? 0);
  chownSync(own, user, statSync(own).gid);
  const path = join(own, 'file');
  expect(await writeFileDurably(path, [Buffer.from('a'), Buffer.from('b')])).toBe(2);
  const { uid, gid, mode } = statSync(path);
  expect([uid, gid, mode & 0o777]).toEqual([user, statSync(own).gid, 0o600]);
  expect(readFileSync(path, 'utf8')).toBe('ab');
});

it('is written beside its place, over what a crash or somebody else has left there', async () => {
  const path = join(folder, 'file');
  const target = join(folder, 'target');
  symlinkSync(target, `${path}.new`);
  await writeFileDurably(path, [Buffer.from('a')]);
  expect(existsSync(target)).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('a');
});
