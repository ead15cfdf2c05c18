import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNotifier } from '../../src/server/process/service-notify.js';
import { missingPrograms } from './support.js';

const missing = missingPrograms({ python3: 'python3' });
const RECEIVER = fileURLToPath(new URL('deploy_notify.py', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-notify-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Datagram {
  readonly pid: number;
  readonly lines: readonly string[];
}

/** A service manager that takes `count` datagrams at the socket `name`, once it listens. */
async function manager(name: string, count: number): Promise<{ datagrams(): Promise<Datagram[]> }> {
  const child: ChildProcess = spawn('python3', ['-B', RECEIVER, name, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const ended = once(child, 'close');
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    if (child.stdout === null) throw new Error('no output');
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      resolve();
    });
  });
  return {
    async datagrams() {
      await ended;
      return lines.slice(1).map((line): Datagram => JSON.parse(line));
    },
  };
}

describe.skipIf(missing !== '')(`a service manager at its socket ${missing}`, () => {
  it.each([
    ['in the file system', () => join(folder, 'notify')],
    ['of an abstract name', () => `@adotd-notify-${process.pid}`],
  ])('%s gets what the server says, from the server itself', async (_, name) => {
    const { datagrams } = await manager(name(), 4);
    const notifier = createNotifier({ NOTIFY_SOCKET: name(), WATCHDOG_USEC: '20000' });
    expect(notifier.obstacle).toBeUndefined();
    notifier.reloading();
    notifier.ready('serves 2 zones');
    // One sign of life is due after 10 ms.
    await new Promise((resolve) => setTimeout(resolve, 100));
    notifier.stopping('');
    notifier.close();
    const [reloading, ready, sign, ...last] = await datagrams();
    expect(reloading?.lines).toEqual(['RELOADING=1', expect.stringMatching(/^MONOTONIC_USEC=[0-9]+$/)]);
    expect(ready?.lines).toEqual(['READY=1', 'STATUS=serves 2 zones']);
    expect(sign?.lines).toEqual(['WATCHDOG=1']);
    expect(new Set([reloading, ready, sign, ...last].map((datagram) => datagram?.pid))).toEqual(new Set([process.pid]));
  });

  it('that is not there, or is gone, is reported once', async () => {
    const failures: string[] = [];
    const name = join(folder, 'nobody');
    const notifier = createNotifier({ NOTIFY_SOCKET: name }, { failed: (reason) => failures.push(reason) });
    notifier.ready('answers');
    notifier.status('goes on');
    notifier.close();
    expect(failures).toEqual([`NOTIFY_SOCKET ${name}: ENOENT`]);
  });
});
