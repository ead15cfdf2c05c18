import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { changes, KeeperBench, ZONE } from '../keeper-support.js';

/** A keeper whose versions take 20 ms each. */
async function slowKeeper() {
  const bench = new KeeperBench();
  bench.policies.set('a.test.', { serial: 'increment' });
  await bench.load({ 'a.test': ZONE });
  bench.keeper.begin(async (catalog) => {
    bench.clock.advance(20);
    bench.catalogs.push(catalog);
  });
  let name = 0;
  const change = async () => (await bench.keeper.change('a.test.', changes(`+n${++name} 60 A 192.0.2.1`))).serial;
  /** The serials of versions that so many changes get, which come in one turn of the event loop. */
  const together = (count: number) => Promise.all(Array.from({ length: count }, change));
  return { ...bench, keeper: bench.keeper, change, together };
}

/** Time for everything that waits for no clock. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}

describe('clients that change a zone one update after the other', () => {
  it('share the next version as well: the first one to come back waits for the others', async () => {
    const { change, together, catalogs } = await slowKeeper();
    expect(await together(3)).toEqual([2, 2, 2]);
    const made = catalogs.length;
    const first = [change(), change()];
    await turns();
    expect(catalogs).toHaveLength(made);
    expect(await Promise.all([...first, change()])).toEqual([3, 3, 3]);
  });

  it('wait for those too that came while a version was made', async () => {
    const { change, together, keeper, catalogs, clock } = await slowKeeper();
    let late: Promise<number> | undefined;
    keeper.begin(async (catalog) => {
      late ??= change();
      clock.advance(20);
      catalogs.push(catalog);
    });
    expect(await together(2)).toEqual([2, 2]);
    await turns();
    expect(await Promise.all([late, change(), change()])).toEqual([3, 3, 3]);
  });

  it('do not wait longer than 2 ms for one that does not come back', async () => {
    const { change, together, catalogs, clock } = await slowKeeper();
    await together(2);
    const made = catalogs.length;
    const alone = change();
    await turns();
    clock.advance(1);
    await turns();
    expect(catalogs).toHaveLength(made);
    clock.advance(1);
    expect(await alone).toBe(3);
    // It was alone: the next one is not waited for.
    expect(await change()).toBe(4);
  });

  it('do not wait when the version before was made long ago, or at once', async () => {
    const { change, together, clock, keeper, catalogs } = await slowKeeper();
    await together(2);
    clock.advance(2);
    expect(await change()).toBe(3);
    keeper.begin(async (catalog) => void catalogs.push(catalog));
    await together(2);
    expect(await change()).toBe(5);
  });

  it('are told when the keeper is closed while they wait', async () => {
    const { change, together, keeper, clock } = await slowKeeper();
    await together(2);
    const alone = change();
    const refused = expect(alone).rejects.toThrow('the server is being stopped');
    await turns();
    await keeper.close();
    await refused;
    expect(clock.timers).toBe(0);
  });
});
