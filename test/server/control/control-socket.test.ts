import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultSocket, listenOnSocket } from '../../../src/server/control/control-socket.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
  path = join(folder, 'adotd.sock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A server on `path`, and how to end it. */
async function serverOn(where: string): Promise<{ close(): Promise<unknown> }> {
  const server = createServer((_, response) => response.end('hello'));
  await listenOnSocket(server, where);
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

describe('the control socket', () => {
  it('is the owner’s alone, and goes with the server', async () => {
    const before = process.umask(0);
    try {
      const server = await serverOn(path);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(process.umask()).toBe(0);
      await server.close();
    } finally {
      process.umask(before);
    }
    expect(existsSync(path)).toBe(false);
  });

  it('takes the place of one that a killed server left', async () => {
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', script]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(existsSync(path)).toBe(true);
    const server = await serverOn(path);
    await server.close();
  });

  it('is left alone where another server answers', async () => {
    const first = await serverOn(path);
    await expect(serverOn(path)).rejects.toMatchObject({
      code: 'ADOTD_LISTEN',
      message: /another server answers there/,
    });
    expect(existsSync(path)).toBe(true);
    await first.close();
  });

  it('is not made over a file, in a folder that is missing, or with a path that is too long', async () => {
    writeFileSync(path, 'precious');
    await expect(serverOn(path)).rejects.toThrow(/a file that is no socket/);
    expect(existsSync(path)).toBe(true);
    await expect(serverOn(join(folder, 'none', 'x'))).rejects.toThrow(
      /its folder does not exist: it has to be made first/,
    );
    await expect(serverOn(join(folder, 'x'.repeat(120)))).rejects.toThrow(/octets, the system takes 107/);
  });

  it('is by default in the folder that systemd makes', () => {
    expect(defaultSocket({ RUNTIME_DIRECTORY: '/run/adotd:/run/other' })).toBe('/run/adotd/adotd.sock');
    expect(defaultSocket({ RUNTIME_DIRECTORY: '' })).toBeUndefined();
    expect(defaultSocket({})).toBeUndefined();
  });
});
