import { expect, it } from 'vitest';
import { openSecondaries } from '../../../src/server/secondaries/secondaries.js';
import { systemClock } from '../../../src/session/clock.js';

it('without a secondary zone, no thread is started and nothing is known of any zone', async () => {
  const limits = { max: 1, maxPerPeer: 1, idleTimeout: 1, timeout: 1, maxOctets: 1, minRefresh: 1, maxRefresh: 1 };
  const none = async (): Promise<undefined> => undefined;
  for (const thread of [true, false]) {
    const secondaries = openSecondaries({
      host: { image: none, adopt: none, confirm: none, expire: none, renew: none },
      settings: () => ({ zones: [], primaries: [], limits, resolver: [], nsec3MaxIterations: 150 }),
      log: { debug() {}, info() {}, warn() {}, error() {} },
      clock: systemClock,
      thread,
    });
    secondaries.notify('a.', 'one', undefined);
    expect(await secondaries.status('a.')).toBeUndefined();
    expect(await secondaries.transfer('a.', true)).toBeUndefined();
    expect((await secondaries.counts()).checks).toBe(0);
    await secondaries.close();
  }
});
