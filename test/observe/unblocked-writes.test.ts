import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { unblockedWrites } from '../../src/observe/unblocked-writes.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-writes-'));
const open: number[] = [];
afterAll(() => {
  for (const fd of open) closeSync(fd);
  rmSync(folder, { recursive: true });
});

const opened = (name: string, flags: number): number => {
  const fd = openSync(join(folder, name), flags, 0o600);
  open.push(fd);
  return fd;
};
const nonBlocking = (fd: number): boolean => {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
  return (Number.parseInt(flags, 8) & constants.O_NONBLOCK) !== 0;
};

describe('writes that never wait', () => {
  it.each([
    ['by poll()', false],
    ['by a description of its own', true],
  ])('end at a pipe that is full, and go on when somebody has read: %s', (_, withoutKoffi) => {
    const name = `pipe-${withoutKoffi}`;
    spawnSync('mkfifo', [join(folder, name)]);
    const reader = opened(name, constants.O_RDONLY | constants.O_NONBLOCK);
    const fd = opened(name, constants.O_WRONLY);
    const write = unblockedWrites(fd, withoutKoffi);
    const octets = Buffer.alloc(10_000, 'x');
    let written = 0;
    for (let count = write(octets); count > 0; count = write(octets)) {
      if (!withoutKoffi) expect(count).toBe(4096);
      written += count;
    }
    expect(written).toBeGreaterThan(60_000);
    expect(write(octets)).toBe(0);
    expect(nonBlocking(fd)).toBe(false);
    expect(readSync(reader, Buffer.alloc(10_000))).toBe(10_000);
    expect(write(octets)).toBeGreaterThanOrEqual(4096);
  });

  it('throw what the system says when nobody can read any more', () => {
    spawnSync('mkfifo', [join(folder, 'broken')]);
    const reader = openSync(join(folder, 'broken'), constants.O_RDONLY | constants.O_NONBLOCK);
    const write = unblockedWrites(opened('broken', constants.O_WRONLY));
    closeSync(reader);
    expect(() => write(Buffer.from('x'))).toThrow(/^EPIPE/);
  });

  it('take all at once in a file', () => {
    const write = unblockedWrites(opened('file', constants.O_WRONLY | constants.O_CREAT));
    expect(write(Buffer.alloc(100_000, 'x'))).toBe(100_000);
    expect(write(Buffer.from('y'))).toBe(1);
    expect(readFileSync(join(folder, 'file'))).toHaveLength(100_001);
  });
});
