import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type PieceSink, sendPieces } from '../../../src/server/control/control-http.js';

/** Takes everything at once, and says so before anything else gets its turn, as a Unix socket with a fast reader does. */
class EagerSink extends Writable implements PieceSink {
  octets = 0;

  constructor() {
    super({ highWaterMark: 1 });
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.octets += chunk.length;
    process.nextTick(done);
  }

  writeHead(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }
}

describe('sending text piece by piece', () => {
  it('lets other work get its turn after each, however fast it is taken', async () => {
    const sink = new EagerSink();
    let turns = 0;
    const other = (): void => {
      turns++;
      if (!sink.writableEnded) setImmediate(other);
    };
    setImmediate(other);
    await sendPieces(sink, 'text/plain', Array.from({ length: 100 }, () => 'piece').values());
    expect(sink.octets).toBe(500);
    expect(turns).toBeGreaterThanOrEqual(100);
  });
});
