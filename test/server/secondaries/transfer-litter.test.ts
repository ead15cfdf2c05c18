import { afterEach, describe, expect, it } from 'vitest';
import { collectGarbage, TransferLitter } from '../../../src/server/secondaries/transfer-litter.js';
import { FakeClock } from '../../support/clock.js';
import { endAll, Host, imageOf, primary, serviceOf, settingsOf, zoneOf } from './service-host.js';

afterEach(endAll);

const MIB = 1 << 20;

describe('the memory of transfers', () => {
  it('is given back after large ones, once they have let go of it', () => {
    const clock = new FakeClock();
    let collected = 0;
    const litter = new TransferLitter(clock, () => collected++);
    litter.left(15 * MIB);
    clock.advance(10_000);
    expect(collected).toBe(0);
    litter.left(2 * MIB);
    expect(collected).toBe(0);
    clock.advance(1000);
    expect(collected).toBe(1);
    litter.left(20 * MIB);
    litter.close();
    expect(clock.timers).toBe(0);
  });

  it('is what nobody refers to any more', async () => {
    const left = (): WeakRef<Uint8Array> => new WeakRef(new Uint8Array(MIB));
    const array = left();
    // Within this turn of the event loop it counts as used.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(array.deref()).toBeUndefined();
  });

  it('counts what came of a transfer that failed', async () => {
    const one = await primary();
    one.zones.set('a.', [imageOf('a.', 1, ...Array.from({ length: 200 }, (_, i) => `h${i} 60 A 192.0.2.1`))]);
    const left: number[] = [];
    const litter = { left: (octets: number) => void left.push(octets), close: () => undefined };
    const service = serviceOf(new Host(), undefined, undefined, litter);
    service.configure(settingsOf({ one }, [zoneOf('a.', ['one'])], { maxOctets: 3000 }));
    await service.transfer('a.', false);
    expect(left).toEqual([expect.any(Number)]);
    expect(left[0]).toBeGreaterThan(0);
  });
});
