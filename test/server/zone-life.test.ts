import { once } from 'node:events';
import { createServer as listener } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { silentLog } from '../../src/observe/log.js';
import type { TlsService } from '../../src/server/certificates/tls-service.js';
import { createServer } from '../../src/server/server.js';
import { openZoneLife } from '../../src/server/zone-life.js';
import type { KeptState } from '../../src/server/zones/kept-state.js';
import { freePort } from '../support/peers/server.js';

import { KeeperBench } from './zones/keeper-support.js';

vi.mock(import('../../src/server/zone-life.js'), async (original) => {
  const actual = await original();
  return { ...actual, openZoneLife: vi.fn(actual.openZoneLife) };
});

const UPDATED = {
  state: { folder: '/nonexistent' },
  remotes: [{ name: 'one', addresses: ['127.0.0.1'] }],
  zones: { policies: [{ zones: ['a.test'], update: [{ remote: 'one', allow: [{ name: 'a.test' }] }] }] },
};

describe('what zones have to do with other nameservers', () => {
  it('is closed again when a part of it cannot be opened', async () => {
    const { keeper, clock } = new KeeperBench();
    const tables = {
      table() {
        throw new Error('no table');
      },
      facts: () => undefined,
      secondaries: () => [],
    } satisfies Partial<KeptState>;
    const requests: Parameters<typeof openZoneLife>[0]['requests'] = {};
    const entered: string[] = [];
    const watched = new Proxy(requests, {
      set: (target, name, handler) => {
        if (handler !== undefined) entered.push(String(name));
        return Reflect.set(target, name, handler);
      },
    });
    const state = Object.create(tables) as KeptState;
    const parts = {
      keeper,
      state,
      signing: undefined,
      policies: { config: configSchema.parse(UPDATED), follow: async () => false },
      servedTls: () => undefined,
      clock,
      log: silentLog,
      requests: watched,
      thread: false,
    };
    await expect(openZoneLife(parts)).rejects.toThrow('no table');
    expect(entered).toContain('update');
    expect([requests.update, clock.timers]).toEqual([undefined, 0]);
  });

  it('ends the start when it cannot be opened, and then no port and nothing else stays open', async () => {
    vi.mocked(openZoneLife).mockRejectedValueOnce(new Error('no table'));
    const port = await freePort();
    const closed = vi.fn();
    const tls = { close: closed, offer: { byName: false, options: () => ({}) } } as Partial<TlsService> as TlsService;
    const config = configSchema.parse({ listen: ['127.0.0.1'], port, tls_port: 0, workers: 'embedded' });
    const started = createServer({
      config,
      zones: () => [],
      log: silentLog,
      loader: { thread: false },
      tls: () => tls,
    });
    await expect(started).rejects.toThrow('no table');
    expect(closed).toHaveBeenCalledOnce();
    const other = listener().listen(port, '127.0.0.1');
    await once(other, 'listening');
    other.close();
  });
});
