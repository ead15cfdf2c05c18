import { describe, expect, it } from 'vitest';
import { meanBatch, readStatistics } from './statistics.js';

const line = (statistics: object): string =>
  JSON.stringify({ level: 30, plane: { path: 'threads', udpWorkers: 1 }, statistics });

describe("adotd's statistics", () => {
  it('tell messages, batches and threads', () => {
    const statistics = readStatistics(line({ udp: { messages: 640 }, events: { tcp_accepted: 9, udp_batches: 10 } }));
    expect(statistics).toEqual({ messages: 640, batches: 10, plane: 'threads udpWorkers=1' });
  });

  it('may tell nothing of batches', () => {
    const statistics = readStatistics(line({ udp: { messages: 640 } }));
    expect(statistics?.batches).toBeUndefined();
    expect(meanBatch(undefined, statistics)).toBeUndefined();
  });

  it('are not read from other lines', () => {
    expect(readStatistics('not JSON')).toBeUndefined();
    expect(readStatistics('{"msg":"statistics"}')).toBeUndefined();
  });

  it('make a mean of what came between two readings', () => {
    const at = (messages: number, batches: number) => ({ messages, batches, plane: undefined });
    expect(meanBatch(at(100, 10), at(900, 30))).toBe(40);
    expect(meanBatch(at(100, 10), at(100, 10))).toBeUndefined();
    // Before the first message nothing is told.
    expect(meanBatch({ messages: undefined, batches: undefined, plane: undefined }, at(80, 10))).toBe(8);
  });
});
