import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageRun } from '../../src/image/changes/image-run.js';
import { newFolder, openStore } from './open-store.js';
import { between, imageOf, runOf, textOf, textOfRead } from './stored.js';

const ZONE = 'example.test.';
const FACTS = {
  role: 'secondary',
  sourceSerial: 7,
  origin: 'second',
  timers: { expires: 1_800_000_000 },
  flags: { odd: true },
};

describe('a store of zones', () => {
  it('has nothing at first', async () => {
    const { store, said } = await openStore(newFolder());
    expect(store.zones()).toEqual([]);
    expect(await store.read(ZONE)).toBeUndefined();
    expect(store.zone(ZONE)).toBeUndefined();
    expect(said).toEqual([]);
  });

  it.each(['image', 'run'])('gives back a generation that was stored as %s, with its facts', async (kind) => {
    const folder = newFolder();
    const image = imageOf(ZONE, 5);
    {
      const { store } = await openStore(folder);
      await store.commit(ZONE, { generation: kind === 'image' ? image : runOf(image), facts: FACTS });
      await store.close();
    }
    const { store, said } = await openStore(folder);
    expect(store.zones()).toEqual([
      { zone: ZONE, facts: FACTS, serial: 5, generations: [5], journal: { differences: 0, octets: 0 } },
    ]);
    const read = await store.read(ZONE);
    expect(read).toMatchObject({ kind: 'content', serial: 5, differences: [], history: [], damage: [] });
    expect(Object.keys(read?.kind === 'content' ? read.base : {})).toEqual([kind]);
    expect(textOfRead(ZONE, read)).toBe(textOf(image));
    expect(said).toEqual([]);
  });

  it('has the run of an image made elsewhere; if that fails, nothing is stored', async () => {
    const folder = newFolder();
    const image = imageOf(ZONE, 5, 5000);
    const made: Uint8Array[] = [];
    let isBroken = true;
    const makeRun = async (given: Uint8Array): Promise<Uint8Array> => {
      made.push(given);
      if (isBroken) throw new Error('the thread has ended');
      return imageRun(given);
    };
    const { store } = await openStore(folder, undefined, makeRun);
    const failure = { code: 'ADOTD_STATE', message: expect.stringContaining('the thread has ended') };
    await expect(store.commit(ZONE, { generation: image })).rejects.toMatchObject(failure);
    expect(store.zone(ZONE)).toBeUndefined();
    isBroken = false;
    await store.commit(ZONE, { generation: image });
    // A run is one already.
    await store.commit(ZONE, { source: runOf(image) });
    // One that is at hand need not be made.
    await store.commit(ZONE, { generation: image, run: imageRun(image) });
    expect(made.map((given) => given === image)).toEqual([true, true]);
    await store.close();
    const again = await openStore(folder);
    expect(textOfRead(ZONE, await again.store.read(ZONE))).toBe(textOf(image));
    expect(again.said).toEqual([]);
  });

  it('gives back the differences since, also without the image', async () => {
    const folder = newFolder();
    const images = [1, 2, 3, 5].map((serial) => imageOf(ZONE, serial));
    const { store } = await openStore(folder);
    await store.commit(ZONE, { generation: runOf(images[0]!) });
    const differences = between(...images);
    await store.commit(ZONE, { differences: differences.slice(0, 1) });
    await store.commit(ZONE, { differences: differences.slice(1) });
    await store.close();
    const again = await openStore(folder);
    const read = await again.store.read(ZONE);
    expect(read).toMatchObject({ kind: 'content', serial: 1, damage: [] });
    expect(read).toMatchObject({ differences, history: differences });
    expect(textOfRead(ZONE, read)).toBe(textOf(images[3]!));
    expect(again.store.zone(ZONE)).toMatchObject({ serial: 5, generations: [1], journal: { differences: 3 } });
  });

  it('keeps the image of the newest version, and the differences before it', async () => {
    const folder = newFolder();
    const images = [1, 2, 3].map((serial) => imageOf(ZONE, serial));
    const { store } = await openStore(folder);
    await store.commit(ZONE, { generation: images[0]! });
    const differences = between(...images);
    await store.commit(ZONE, { differences, generation: images[2]! });
    await store.close();
    const read = await (await openStore(folder)).store.read(ZONE);
    expect(read).toMatchObject({ kind: 'content', serial: 3, differences: [], history: differences });
    expect(textOfRead(ZONE, read)).toBe(textOf(images[2]!));
  });

  it('stores a second generation when the differences have become long, and forgets what is older than that', async () => {
    const folder = newFolder();
    const { store } = await openStore(folder);
    let image = imageOf(ZONE, 1, 600);
    await store.commit(ZONE, { generation: image });
    const seen = new Set<string>();
    for (let serial = 2; serial < 60; serial++) {
      const next = imageOf(ZONE, serial, serial % 2 === 0 ? 300 : 600);
      await store.commit(ZONE, { differences: between(image, next), generation: next });
      image = next;
      const { generations, journal } = store.zone(ZONE)!;
      seen.add(`${generations.length}`);
      expect(generations.length).toBeLessThanOrEqual(2);
      expect(journal.octets).toBeLessThan(100_000);
    }
    expect([...seen]).toEqual(['1', '2']);
    await store.close();
    const again = await openStore(folder);
    const read = await again.store.read(ZONE);
    expect(textOfRead(ZONE, read)).toBe(textOf(image));
    expect(read?.kind === 'content' && read.history.length).toBeGreaterThan(5);
    expect(read?.kind === 'content' && read.history.length).toBeLessThan(40);
  });

  it('replaces the content as a whole where no difference leads to it, under any serial', async () => {
    const folder = newFolder();
    const { store } = await openStore(folder);
    const other = imageOf(ZONE, 4, 10);
    await store.commit(ZONE, { generation: imageOf(ZONE, 4) });
    await store.commit(ZONE, { generation: other });
    await store.close();
    const again = await openStore(folder);
    const read = await again.store.read(ZONE);
    expect(read).toMatchObject({ serial: 4, differences: [], history: [] });
    expect(textOfRead(ZONE, read)).toBe(textOf(other));
    expect(again.store.zone(ZONE)).toMatchObject({ generations: [4] });
  });

  it.each([
    ['differences without a generation before', [], { differences: between(imageOf(ZONE, 1), imageOf(ZONE, 2)) }],
    ['a difference from another serial', [3], { differences: between(imageOf(ZONE, 1), imageOf(ZONE, 2)) }],
    [
      'a generation to which the differences do not lead',
      [1],
      { differences: between(imageOf(ZONE, 1), imageOf(ZONE, 2)), generation: imageOf(ZONE, 3) },
    ],
    [
      'a difference of another zone',
      [1],
      { differences: between(imageOf('other.test.', 1), imageOf('other.test.', 2)) },
    ],
  ])('refuses %s, and stores nothing of it', async (_, before, change) => {
    const folder = newFolder();
    const { store } = await openStore(folder);
    for (const serial of before) await store.commit(ZONE, { generation: imageOf(ZONE, serial) });
    const zones = store.zones();
    await expect(store.commit(ZONE, { ...change, facts: FACTS })).rejects.toMatchObject({
      code: 'ADOTD_CHANGE_SERIAL',
    });
    expect(store.zones()).toEqual(zones);
    await store.close();
    expect((await openStore(folder)).store.zones()).toEqual(zones);
  });

  it('forgets a zone that is removed, and takes it again', async () => {
    const folder = newFolder();
    {
      const { store } = await openStore(folder);
      await store.commit(ZONE, { generation: imageOf(ZONE, 9), facts: FACTS });
      await store.commit(ZONE, { remove: true });
      expect(store.zones()).toEqual([]);
      expect(await store.read(ZONE)).toBeUndefined();
      await store.close();
      expect(readdirSync(join(folder, 'images'))).toEqual([]);
    }
    {
      const { store } = await openStore(folder);
      expect(store.zones()).toEqual([]);
      await store.commit(ZONE, { generation: imageOf(ZONE, 2) });
      await store.close();
    }
    const { store } = await openStore(folder);
    expect(store.zones()).toMatchObject([{ serial: 2, facts: { role: '', timers: {}, flags: {} } }]);
    expect(textOfRead(ZONE, await store.read(ZONE))).toBe(textOf(imageOf(ZONE, 2)));
  });

  it('keeps facts of a zone without content, and changes one of them at a time', async () => {
    const folder = newFolder();
    {
      const { store } = await openStore(folder);
      await store.note(ZONE, FACTS);
      await store.note(ZONE, { timers: { refresh: 5 } }, true);
      await store.note(ZONE, { origin: undefined });
      await store.close();
    }
    const { store } = await openStore(folder);
    const { origin, ...others } = FACTS;
    expect(store.zones()).toMatchObject([{ serial: undefined, generations: [] }]);
    expect(store.zone(ZONE)?.facts).toEqual({ ...others, timers: { refresh: 5 } });
    expect(await store.read(ZONE)).toBeUndefined();
  });

  it('keeps the file as last loaded apart from the content', async () => {
    const folder = newFolder();
    const { store } = await openStore(folder);
    const images = [1, 2, 3].map((serial) => imageOf(ZONE, serial));
    await store.commit(ZONE, { generation: images[0]!, source: images[0]! });
    await store.commit(ZONE, { differences: between(images[0]!, images[1]!) });
    expect(await store.readSource(ZONE)).toEqual(new Uint8Array(runOf(images[0]!)));
    await store.commit(ZONE, { differences: between(images[1]!, images[2]!), source: images[2]! });
    await store.close();
    const again = await openStore(folder);
    expect(Buffer.compare((await again.store.readSource(ZONE))!, runOf(images[2]!))).toBe(0);
    expect(textOfRead(ZONE, await again.store.read(ZONE))).toBe(textOf(images[2]!));
  });

  it('keeps large zones in files of their own, and removes those that nothing refers to', async () => {
    const folder = newFolder();
    const images = [1, 2, 3].map((serial) => imageOf(ZONE, serial, 5000));
    const { store } = await openStore(folder);
    for (const generation of images) await store.commit(ZONE, { generation });
    expect(readdirSync(join(folder, 'runs'))).toHaveLength(1);
    expect(statSync(join(folder, 'ledger-1')).size).toBeLessThan(20_000);
    await store.commit(ZONE, { differences: between(images[2]!, imageOf(ZONE, 4)) });
    expect(readdirSync(join(folder, 'runs'))).toHaveLength(2);
    await store.close();
    const again = await openStore(folder);
    expect(textOfRead(ZONE, await again.store.read(ZONE))).toBe(textOf(imageOf(ZONE, 4)));
    await again.store.commit(ZONE, { remove: true });
    expect(readdirSync(join(folder, 'runs'))).toEqual([]);
  });

  it('writes its ledger anew when most of it is out of date, while changes come', async () => {
    const folder = newFolder();
    const ledgers = (): string[] => readdirSync(folder).filter((name) => name.startsWith('ledger-'));
    const { store, said } = await openStore(folder, 40_000);
    const images = [1, 2].map((serial) => imageOf(ZONE, serial, 20));
    const [there, back] = between(images[0]!, images[1]!, images[0]!);
    await store.commit(ZONE, { generation: images[0]! });
    await store.commit('kept.test.', { generation: imageOf('kept.test.', 7), facts: FACTS });
    await store.commit('gone.test.', { generation: imageOf('gone.test.', 1) });
    await store.commit('gone.test.', { remove: true });
    await store.table('members').put('a', Buffer.from('1'));
    for (let i = 0; i < 40; i++) {
      await store.commit(
        ZONE,
        i % 2 === 0 ? { differences: [there!] } : { differences: [back!], generation: images[0]! },
      );
      for (let k = 0; k < 20; k++) await store.note('kept.test.', { timers: { refresh: i * 20 + k } });
    }
    await store.close();
    expect(ledgers()).not.toContain('ledger-1');
    expect(ledgers()).toHaveLength(1);
    const again = await openStore(folder);
    expect([...said, ...again.said]).toEqual([]);
    expect(textOfRead(ZONE, await again.store.read(ZONE))).toBe(textOf(images[0]!));
    expect(textOfRead('kept.test.', await again.store.read('kept.test.'))).toBe(textOf(imageOf('kept.test.', 7)));
    expect(again.store.zone('kept.test.')?.facts).toEqual({ ...FACTS, timers: { refresh: 799 } });
    expect(again.store.zone('gone.test.')).toBeUndefined();
    expect(Buffer.from(again.store.table('members').get('a')!).toString()).toBe('1');
  });

  it('applies changes of a zone in the order of the calls, also when the first is large', async () => {
    const folder = newFolder();
    const { store } = await openStore(folder);
    const large = imageOf(ZONE, 1, 5000);
    const [first, second] = [imageOf(ZONE, 2), imageOf(ZONE, 3)];
    const other = 'other.test.';
    await Promise.all([
      store.commit(ZONE, { generation: large }),
      store.commit(ZONE, { differences: between(large, first), generation: first }),
      store.note(ZONE, { role: 'file' }),
      store.commit(ZONE, { differences: between(first, second) }),
      store.commit(other, { generation: imageOf(other, 1) }),
    ]);
    await store.close();
    const again = await openStore(folder);
    expect(textOfRead(ZONE, await again.store.read(ZONE))).toBe(textOf(second));
    expect(again.store.zone(ZONE)?.facts.role).toBe('file');
    expect(again.store.zone(other)?.serial).toBe(1);
  });
});

describe('a named table', () => {
  it('keeps values by key, apart from other tables', async () => {
    const folder = newFolder();
    {
      const { store } = await openStore(folder);
      const members = store.table('members');
      await Promise.all([
        members.put('a', Buffer.from('1')),
        members.put('b', Buffer.from('2')),
        store.table('keys').put('a', Buffer.from('3')),
      ]);
      await members.put('a', Buffer.from('4'));
      await members.remove('b');
      await members.remove('c');
      expect(members.keys()).toEqual(['a']);
      await store.close();
    }
    const { store } = await openStore(folder);
    expect(store.table('members').keys()).toEqual(['a']);
    expect(Buffer.from(store.table('members').get('a')!).toString()).toBe('4');
    expect(Buffer.from(store.table('keys').get('a')!).toString()).toBe('3');
    expect(store.table('keys').get('b')).toBeUndefined();
  });
});
