import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { judge, startAsker } from './asker.js';

describe('what became of queries', () => {
  it('counts those of the interval: lost, wrong, and the latest', () => {
    const sentAt = Float64Array.of(10, 20, 30, 40);
    const answeredAt = Float64Array.of(10.5, 27, 0, 900);
    const rcodes = Uint8Array.of(0, 2, 0, 0);
    expect(judge(sentAt, answeredAt, rcodes, 15, 40)).toEqual({ asked: 2, lost: 1, wrong: 1, latest: 7 });
  });

  it('is known of each query that a server gets', async () => {
    const server = createSocket('udp4');
    // Answers all but each tenth.
    server.on('message', (message, from) => {
      if (message.readUInt16BE(0) % 10 !== 0) server.send(message, from.port, from.address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    const began = performance.now();
    const asker = await startAsker(server.address().port, [Buffer.alloc(12)], 2000);
    try {
      await expect.poll(() => asker.between(began, performance.now()).asked).toBeGreaterThan(50);
      asker.stop();
      const stopped = performance.now();
      const found = () => asker.between(began, stopped);
      await expect.poll(() => found().lost).toBe(Math.ceil(found().asked / 10));
      expect(found().wrong).toBe(0);
    } finally {
      asker.close();
      server.close();
    }
  });
});
