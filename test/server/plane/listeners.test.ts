import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { bindAll } from '../../../src/server/plane/listeners.js';
import { emptyCatalog } from '../../support/catalog.js';
import { context } from '../../transport/support.js';

describe('binding all addresses', () => {
  it('takes one port for UDP and TCP on each of them', async () => {
    const listeners = await bindAll(['127.0.0.1', '127.0.0.2', '::1'], 0, 0, emptyCatalog(), context());
    expect(listeners.map(({ protocol, endpoint }) => [protocol, endpoint.address])).toEqual([
      ['udp', '127.0.0.1'],
      ['tcp', '127.0.0.1'],
      ['udp', '127.0.0.2'],
      ['tcp', '127.0.0.2'],
      ['udp', '::1'],
      ['tcp', '::1'],
    ]);
    expect(new Set(listeners.map(({ endpoint }) => endpoint.port)).size).toBe(1);
    for (const listener of listeners) await listener.close();
  });

  it('leaves nothing bound when one of them cannot be had', async () => {
    const holder = createServer().listen(0, '127.0.0.2');
    await once(holder, 'listening');
    const bound = holder.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
    await expect(bindAll(['127.0.0.1', '127.0.0.2'], port, 0, emptyCatalog(), context())).rejects.toMatchObject({
      code: 'ADOTD_LISTEN',
      message: expect.stringContaining(`TCP 127.0.0.2:${port}`),
    });
    holder.close();
    const listeners = await bindAll(['127.0.0.1', '127.0.0.2'], port, 0, emptyCatalog(), context());
    expect(listeners).toHaveLength(4);
    for (const listener of listeners) await listener.close();
  });
});
