import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { includer, readZoneFile } from '../../src/zone/files.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-files-'));
  mkdirSync(join(folder, 'zones/sub'), { recursive: true });
  mkdirSync(join(folder, 'zones-other'));
  for (const file of ['secret', 'zones/a', 'zones/sub/b', 'zones/sub/c', 'zones-other/d'])
    writeFileSync(join(folder, file), file);
  symlinkSync(join(folder, 'secret'), join(folder, 'zones/link-out'));
  symlinkSync('sub/b', join(folder, 'zones/link-in'));
  symlinkSync('link-loop', join(folder, 'zones/link-loop'));
  execFileSync('mkfifo', [join(folder, 'zones/pipe')]);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The result of `$INCLUDE path` in the file `from`, for the zone file `zones/example.zone`. */
function include(path: string, from = 'zones/example.zone'): string {
  const included = includer(join(folder, 'zones/example.zone'))(path, join(folder, from));
  return typeof included === 'string' ? included : Buffer.from(included.bytes).toString();
}

describe('includer', () => {
  test('reads files relative to the including one', () => {
    expect(include('a')).toBe('zones/a');
    expect(include('sub/b')).toBe('zones/sub/b');
    expect(include('c', 'zones/sub/b')).toBe('zones/sub/c');
    expect(include('../a', 'zones/sub/b')).toBe('zones/a');
    expect(include(join(folder, 'zones/a'))).toBe('zones/a');
  });

  test('follows links within the folder', () => expect(include('link-in')).toBe('zones/sub/b'));

  test.each(['../secret', 'sub/../../secret', '../zones-other/d', '/etc/passwd', 'link-out', '..'])(
    'refuses %s, which is outside the folder',
    (path) => expect(include(path)).toBe("it is outside the zone file's folder"),
  );

  test.each([
    ['pipe', 'it is no regular file'],
    ['sub', 'it is a folder, no regular file'],
    ['.', 'it is a folder, no regular file'],
  ])('refuses %s: %s', (path, reason) => expect(include(path)).toBe(reason));

  test('says why a file cannot be read', () => {
    expect(include('missing')).toBe('no such file or directory');
    expect(include('link-loop')).toMatch(/symbolic links/);
    expect(include('a\0b')).toMatch(/null bytes/);
    expect(include('x'.repeat(5000))).toMatch(/too long/);
  });
});

describe('readZoneFile', () => {
  test('reads a file', () => expect(Buffer.from(readZoneFile(join(folder, 'zones/a'))).toString()).toBe('zones/a'));

  test.each(['zones', 'zones/pipe', 'missing'])('refuses %s', (path) =>
    expect(() => readZoneFile(join(folder, path))).toThrow(expect.objectContaining({ code: 'ADOTD_FILE' })),
  );
});
