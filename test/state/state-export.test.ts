import { describe, expect, it } from 'vitest';
import { exportState } from '../../src/state/state-export.js';
import { importState } from '../../src/state/state-import.js';
import type { ZoneStore } from '../../src/state/zone-store.js';
import { newFolder, openStore } from './open-store.js';
import { between, imageOf, runOf, runOfRead, textOf, textOfRead } from './stored.js';

const FACTS = { role: 'file', sourceSerial: 7, timers: { refresh: 5 }, flags: { odd: true } };
const NONE = { above: new Map<string, number>() };

async function exported(store: ZoneStore): Promise<{ lines: string[]; said: string[] }> {
  const lines: string[] = [];
  const said: string[] = [];
  for await (const line of exportState(store, (text) => said.push(text))) lines.push(line);
  return { lines, said };
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield line.trimEnd();
}

/** A store with zones of all kinds. */
async function filled(): Promise<ZoneStore> {
  const { store } = await openStore(newFolder());
  const images = [1, 2, 3].map((serial) => imageOf('changed.test.', serial));
  await store.commit('changed.test.', { generation: runOf(images[0]!), source: images[1]!, facts: FACTS });
  await store.commit('changed.test.', { differences: between(...images) });
  await store.commit('image.test.', { generation: imageOf('image.test.', 9) });
  await store.commit('large.test.', { generation: imageOf('large.test.', 4, 4000) });
  await store.note('waiting.test.', { role: 'secondary' });
  await store.table('members').put('a', Buffer.from([0, 255]));
  return store;
}

describe('an export of the state', () => {
  it('has everything that is stored, and gives it back', async () => {
    const store = await filled();
    const { lines, said } = await exported(store);
    expect(said).toEqual([]);
    const { store: other } = await openStore(newFolder());
    expect(await importState(other, each(lines), NONE)).toEqual({ zones: 4, values: 1, raised: [] });
    for (const { zone, serial, facts } of store.zones()) {
      expect(other.zone(zone)).toMatchObject({ serial, facts });
      if (serial === undefined) continue;
      expect(Buffer.compare(runOfRead(zone, await other.read(zone)), runOfRead(zone, await store.read(zone)))).toBe(0);
    }
    expect(await other.readSource('changed.test.')).toEqual(await store.readSource('changed.test.'));
    expect(await other.read('changed.test.')).toMatchObject({
      history: [
        { from: 1, to: 2 },
        { from: 2, to: 3 },
      ],
    });
    expect([...other.table('members').get('a')!]).toEqual([0, 255]);
    expect((await exported(other)).lines.sort()).toEqual(lines.sort());
  });

  it('raises serials above those that secondaries have, and only those', async () => {
    const { lines } = await exported(await filled());
    const { store } = await openStore(newFolder());
    const above = new Map([
      ['changed.test.', 8],
      ['image.test.', 8],
      ['large.test.', 0xffffffff],
    ]);
    expect((await importState(store, each(lines), { above })).raised).toEqual(['changed.test.']);
    expect([store.zone('changed.test.')?.serial, store.zone('image.test.')?.serial]).toEqual([9, 9]);
    const text = textOfRead('changed.test.', await store.read('changed.test.'));
    expect(text).toBe(textOf(imageOf('changed.test.', 3)).replace(/ 3 7200/, ' 9 7200'));
  });

  it.each(['chnged.test.', 'waiting.test.'])(
    'is refused when it has no records of %s, which is to be raised',
    async (zone) => {
      const { lines } = await exported(await filled());
      const { store } = await openStore(newFolder());
      const imported = importState(store, each(lines), { above: new Map([[zone, 8]]) });
      await expect(imported).rejects.toThrow(`--above: no records of a zone ${zone} are in it`);
    },
  );

  it('is refused by a store that is not empty', async () => {
    const store = await filled();
    const { lines } = await exported(store);
    await expect(importState(store, each(lines), NONE)).rejects.toThrow('the state folder is not empty');
  });

  it.each([
    ['cut off', (lines: string[]) => lines.slice(0, -1), 'its end is missing: it was cut off behind line'],
    ['cut off in a zone', (lines: string[]) => lines.slice(0, 3), 'its end is missing'],
    ['no export', () => ['{}'], 'line 1: found no export of a state'],
    ['of a newer version', () => ['{"adotd":"state","format":2}'], 'line 1: found format 2, expected up to 1'],
    ['no JSON', (lines: string[]) => [lines[0]!, 'x'], 'line 2 is not an object in JSON'],
    ['in disorder', (lines: string[]) => [lines[0]!, '{"records":""}'], 'line 2: expected a zone before it'],
    ['continued', (lines: string[]) => [...lines, lines[0]!], 'found more behind the end'],
  ])('is refused when it is %s', async (_, change, reason) => {
    const { lines } = await exported(await filled());
    const { store } = await openStore(newFolder());
    await expect(importState(store, each(change(lines)), NONE)).rejects.toMatchObject({
      code: 'ADOTD_STATE',
      message: expect.stringContaining(reason),
    });
  });

  it('is refused with an error of its own, whatever octets of it are changed', async () => {
    const { lines } = await exported(await filled());
    const text = lines.filter((line) => !line.includes('large.test.')).join('');
    for (let seed = 0; seed < 60; seed++) {
      const octets = Buffer.from(text);
      const at = (seed * 7919) % Math.min(octets.length, 4000);
      octets[at] = 33 + ((octets[at]! + seed) % 90);
      const { store } = await openStore(newFolder());
      const error = await importState(store, each(octets.toString().split('\n').filter(Boolean)), NONE).then(
        () => undefined,
        (thrown: { code?: string }) => thrown,
      );
      if (error !== undefined) expect(error.code, `seed ${seed}`).toMatch(/^ADOTD_/);
      await store.close();
    }
  });
});
