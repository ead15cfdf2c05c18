import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createPointerTable, freeLeftBehind } from '../../../src/tls/openssl/pointers.js';
import { certified, MemoryServer, settingsWith } from './support.js';

const { stats } = createRequire(import.meta.url)('koffi') as typeof import('koffi');
const settings = settingsWith({ certificates: [certified('P-256', 'ns.test'), certified('P-256', 'other.test')] });

/** A thread that serves; `until` it has served so many. */
async function serving(until: number) {
  const pointers = createPointerTable(2000);
  const worker = new Worker(new URL('busy-thread.mjs', import.meta.url), { workerData: { settings, pointers } });
  for (let served = 0; served < until; ) {
    const [message] = (await once(worker, 'message')) as [{ served: number }];
    ({ served } = message);
  }
  return { worker, pointers };
}

describe('a thread that serves TLS', () => {
  it('may be terminated at any time: what it leaves is freed, and others go on', async () => {
    using server = new MemoryServer(settings);
    using open = server.connect();
    await once(open.client, 'secureConnect');
    for (let round = 0; round < 8; round++) {
      const { worker, pointers } = await serving(20 + round);
      // Anywhere in what it does.
      for (let i = 0; i < round * 7; i++) await new Promise((resolve) => setImmediate(resolve));
      await worker.terminate();
      expect(freeLeftBehind(pointers)).toBeGreaterThan(0);
      expect(pointers.places.every((pointer) => pointer === 0)).toBe(true);
      expect((await server.visit()).back).toBe('hello');
    }
    open.client.write('still there');
    expect(String((await once(open.client, 'data'))[0])).toBe('still there');
  });

  it('that ends in order leaves no connection, and gives its callbacks back', async () => {
    const before = stats().callbacks;
    for (let round = 0; round < 3; round++) {
      const { worker, pointers } = await serving(40);
      const ended = once(worker, 'exit');
      worker.postMessage('stop');
      await ended;
      expect(pointers.places.every((pointer) => pointer === 0)).toBe(true);
      expect(freeLeftBehind(pointers)).toBe(0);
    }
    expect(stats().callbacks).toBe(before);
  });
});
