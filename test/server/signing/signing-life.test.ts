import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/config/schema.js';
import { ASKED, NAME, SigningBench } from './signing-support.js';

let bench: SigningBench;
beforeEach(() => {
  bench = new SigningBench();
});
afterEach(() => bench.close());

const keyFiles = (): string[] => readdirSync(join(bench.folder, 'keys'));
const NO_KEYS = { dnskey: [], zoneSigners: [], cds: [] };

/** A whole life: the first key, rolls of each kind, and back to unsigned. */
async function live(between: () => Promise<void>): Promise<string[]> {
  const history: string[] = [];
  let last = '';
  const note = (): void => {
    bench.obey();
    const { dnskey, zoneSigners, cds } = bench.keeper.versions.at(-1)?.keys ?? NO_KEYS;
    const line = `${dnskey.length} keys, ${zoneSigners.map(({ algorithm }) => algorithm)}, ${cds.length} CDS`;
    if (dnskey.length + history.length > 0 && last !== line) history.push(line);
    last = line;
  };
  const days = async (count: number): Promise<void> => {
    for (let i = 0; i < count * 4; i++) {
      await bench.run(6, note);
      await between();
    }
  };
  /** Somebody whose command had no answer looks whether it was taken, and gives it again if it was not. */
  const roll = async (role: 'ksk' | 'zsk'): Promise<void> => {
    if (await bench.survives(bench.signing.roll(NAME, { role }))) return;
    const { rolls, keys } = JSON.parse(Buffer.from(bench.table.values.get(NAME)!).toString()).keys;
    const isTaken = rolls.includes(role) || keys.filter((key: { role: string }) => key.role === role).length > 1;
    if (!isTaken) await bench.signing.roll(NAME, { role });
  };
  const { rollover } = ASKED;
  const roles = (algorithm: number) =>
    (['ksk', 'zsk'] as const).map((role) => ({ role, algorithm, lifetime: undefined }));
  bench.policy = { ...ASKED, rollover: { ...rollover, keys: roles(13) } };
  await bench.load();
  await days(2);
  history.push('zsk');
  await roll('zsk');
  await days(2);
  history.push('ksk');
  await roll('ksk');
  await days(2);
  history.push('algorithm');
  bench.policy = { ...ASKED, rollover: { ...rollover, keys: roles(15) } };
  bench.signing.configure(defaultConfig());
  await days(3);
  history.push('off');
  bench.policy = undefined;
  bench.signing.configure(defaultConfig());
  await days(3);
  return history;
}

describe('the life of a zone', () => {
  const WHOLE = [
    '2 keys, 13, 0 CDS',
    '2 keys, 13, 1 CDS',
    'zsk',
    '3 keys, 13, 1 CDS',
    '2 keys, 13, 1 CDS',
    'ksk',
    '3 keys, 13, 1 CDS',
    '2 keys, 13, 1 CDS',
    'algorithm',
    '2 keys, 13,15, 1 CDS',
    '4 keys, 13,15, 1 CDS',
    '2 keys, 13,15, 1 CDS',
    '2 keys, 15, 1 CDS',
    'off',
    '0 keys, , 0 CDS',
  ];

  it('goes from the first key over all rolls back to unsigned', async () => {
    expect(await live(async () => undefined)).toEqual(WHOLE);
    expect(bench.status).toMatchObject({ state: 'unsigned', keys: [] });
    expect(keyFiles()).toEqual([]);
    expect(bench.signing.isSigner(NAME)).toBe(true);
    expect(await bench.signing.plan(NAME, bench.keeper.zones.get(NAME)!.image)).toBeUndefined();
  });

  it('is the same when the server crashes every few hours', async () => {
    expect(await live(() => bench.crash())).toEqual(WHOLE);
  });

  it('is the same when the server dies once, before or after one of the states is stored', async () => {
    bench.step = 30;
    await live(async () => undefined);
    const { puts } = bench.table;
    expect(puts).toBeGreaterThan(30);
    // Every third: they differ in what is stored, and every other one in whether it was.
    for (let put = 1; put <= puts; put += 3) {
      await bench.close();
      bench = new SigningBench();
      bench.step = 30;
      bench.table.death = { put, isStored: put % 2 === 0 };
      expect([put, await live(async () => undefined)]).toEqual([put, WHOLE]);
      expect(bench.status).toMatchObject({ state: 'unsigned', keys: [] });
    }
  });
});
