import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AdotdError, ErrorCode } from '../../../src/errors.js';
import { ZONE_EXPIRED, ZONE_FAILED } from '../../../src/image/catalog.js';
import { diff } from '../../../src/image/changes/diff.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { ZoneStore } from '../../../src/state/zone-store.js';
import { Random } from '../../differential/random.js';
import { seedOr } from '../../support/seed.js';
import { changes, checkHistory, imageOf, KeeperBench, textOf, withSerial, ZONE } from './keeper-support.js';

/** Random lives of a zone from a primary, and twice as many of one with a file. ADOTD_RUNS asks for another number. */
const RUNS = Number(process.env.ADOTD_RUNS ?? 6);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-keeper-'));
  folders.push(folder);
  return folder;
}

const lost: string[] = [];
const open = (folder: string) => ZoneStore.open(join(folder, 'state'), { report: (text) => lost.push(text) });

async function start(folder: string): Promise<KeeperBench> {
  const bench = new KeeperBench(await open(folder));
  bench.policies.set('a.test.', { serial: 'increment' });
  return bench;
}

describe('a zone that is changed beside its file', () => {
  it('comes back after a restart with its changes, serial and history', async () => {
    const folder = newFolder();
    const first = await start(folder);
    await first.load({ 'a.test': ZONE });
    await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    await first.keeper.change('a.test.', changes('+y 60 A 192.0.2.3'));
    const text = first.answered('a.test.');
    await first.keeper.close();
    const second = await start(folder);
    await second.load({ 'a.test': ZONE });
    expect(second.answered('a.test.')).toBe(text);
    expect(second.history('a.test.')).toEqual(['1>2', '2>3']);
    expect(second.keeper.get('a.test.')).toMatchObject({ serial: 3, sourceSerial: 1, role: 'file' });
    expect(second.served.status('a.test.')).toMatchObject([{ serial: 3, state: 'served' }]);
    await second.keeper.close();
  });

  it('is gone with its file, also while a change is being stored', async () => {
    const bench = await start(newFolder());
    await bench.load({ 'a.test': ZONE });
    const change = bench.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    const made = expect(change).rejects.toThrow('zone a.test. is not served any more');
    const files = await bench.keeper.files.prepare([], () => false);
    bench.publisher.remove(nameFromText('a.test.'));
    files.settle(() => false);
    await made;
    await bench.keeper.publish();
    expect([bench.answered('a.test.'), bench.keeper.get('a.test.')]).toEqual([undefined, undefined]);
    await bench.keeper.close();
  });

  it('is merged with a file that was edited meanwhile', async () => {
    const folder = newFolder();
    const first = await start(folder);
    await first.load({ 'a.test': `${ZONE}old 60 A 192.0.2.8\n` });
    await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    await first.keeper.close();
    const second = await start(folder);
    await second.load({ 'a.test': `${ZONE}new 60 A 192.0.2.9\n` });
    const text = second.answered('a.test.');
    expect([/^x\.a\.test/m, /^new\.a\.test/m, /^old/m].map((wanted) => wanted.test(String(text)))).toEqual([
      true,
      true,
      false,
    ]);
    expect(second.keeper.get('a.test.')).toMatchObject({ serial: 3 });
    await second.keeper.close();
  });

  it('is served from the state when its file has errors at the start', async () => {
    const folder = newFolder();
    const first = await start(folder);
    await first.load({ 'a.test': ZONE });
    await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    await first.keeper.close();
    const second = await start(folder);
    const report = await second.load({ 'a.test': `${ZONE}broken` });
    expect(report.sound).toBe(false);
    expect(second.answered('a.test.')).toContain('x.a.test.');
    await second.keeper.close();
  });

  it('forgets its changes when they are not allowed any more', async () => {
    const folder = newFolder();
    const first = await start(folder);
    await first.load({ 'a.test': ZONE });
    await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    await first.keeper.close();
    const second = await start(folder);
    second.policies.clear();
    await second.load({ 'a.test': ZONE });
    expect(second.answered('a.test.')).not.toContain('x.a.test.');
    await second.keeper.close();
    const third = await start(folder);
    await third.load({ 'a.test': ZONE });
    expect(third.answered('a.test.')).not.toContain('x.a.test.');
    await third.keeper.close();
  });

  it('stays as it was when a change cannot be stored', async () => {
    const bench = await start(newFolder());
    await bench.load({ 'a.test': ZONE });
    const published = bench.catalogs.length;
    bench.state!.isFull = true;
    await expect(bench.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'))).rejects.toMatchObject({
      code: 'ADOTD_STATE',
    });
    expect([bench.catalogs.length, bench.keeper.get('a.test.')?.serial]).toEqual([published, 1]);
    const report = await bench.load({ 'a.test': withSerial(7) });
    expect(report.diagnostics.map(({ message }) => message)).toEqual(['the disk is full']);
    expect(bench.keeper.get('a.test.')).toMatchObject({ serial: 1, sourceSerial: 1 });
    bench.state!.isFull = false;
    expect(await bench.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'))).toEqual({ serial: 2 });
    await bench.keeper.close();
  });
});

describe('a change that is acknowledged', () => {
  it('is on disk before any thread answers from it, and before it is fulfilled', async () => {
    const bench = await start(newFolder());
    await bench.load({ 'a.test': ZONE });
    const steps: string[] = [];
    const { state } = bench;
    const commit = state!.commit.bind(state);
    state!.commit = async (...args) => {
      steps.push('commit');
      await commit(...args);
      steps.push(`on disk, published ${bench.catalogs.length}`);
    };
    const before = bench.catalogs.length;
    await bench.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    steps.push(`fulfilled, published ${bench.catalogs.length}`);
    expect(steps).toEqual(['commit', `on disk, published ${before}`, `fulfilled, published ${before + 1}`]);
    await bench.keeper.close();
  });
});

describe('versions, expiry, failing disks and restarts of a zone from a primary, in any order', () => {
  it.each(Array.from({ length: RUNS }, (_, i) => seedOr(101) + i))(
    'lead where a simple model leads: seed %d',
    async (seed) => {
      const random = new Random(seed);
      const folder = newFolder();
      let bench = await start(folder);
      bench.keeper.declare('s.test.', 'secondary');
      let served: Uint8Array | undefined;
      let serial = 0;
      let isExpired = false;
      for (let step = 0; step < 30; step++) {
        const where = `seed ${seed}, step ${step}`;
        bench.state!.isFull = random.chance(0.2);
        const deed = random.below(10);
        if (deed < 6) {
          const next = imageOf('s.test', withSerial(++serial, `n${random.below(9)} 60 A 192.0.2.${step}\n`));
          const differences = served && random.chance(0.7) ? [diff(served, next)] : undefined;
          const done = await bench.keeper.adopt('s.test.', { image: next, differences, sourceSerial: serial }).then(
            () => true,
            () => false,
          );
          expect(done, where).toBe(!bench.state!.isFull);
          if (done) [served, isExpired] = [next, false];
        } else if (deed === 6) {
          await bench.keeper.expire('s.test.');
          isExpired = served !== undefined;
        } else if (deed === 7) {
          await bench.keeper.renew('s.test.');
          isExpired = false;
        } else {
          await bench.keeper.close();
          bench = await start(folder);
          bench.keeper.declare('s.test.', 'secondary');
          await bench.keeper.settled('s.test.');
          // Until when a version is valid is noted by those who ask primaries.
          isExpired = false;
        }
        await bench.keeper.publish();
        expect(bench.answered('s.test.'), where).toBe(
          served === undefined ? ZONE_FAILED : isExpired ? ZONE_EXPIRED : textOf(served),
        );
        if (served) expect(textOf(bench.keeper.get('s.test.')!.image!), where).toBe(textOf(served));
      }
      await bench.keeper.close();
    },
  );
});

describe('a file that is taken as it is', () => {
  it('replaces what was changed beside it, with a later serial', async () => {
    const folder = newFolder();
    const bench = await start(folder);
    await bench.load({ 'a.test': ZONE });
    await bench.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    bench.keeper.acceptFile('a.test.');
    await bench.load({ 'a.test': ZONE });
    expect(bench.answered('a.test.')).toBe(textOf(imageOf('a.test', withSerial(3))));
    expect(bench.keeper.get('a.test.')).toMatchObject({ serial: 3, sourceSerial: 1, history: [] });
    await bench.keeper.change('a.test.', changes('+y 60 A 192.0.2.2'));
    await bench.load({ 'a.test': ZONE });
    expect(bench.answered('a.test.')).toContain('y.a.test.');
    await bench.keeper.close();
    const again = await start(folder);
    await again.load({ 'a.test': ZONE });
    expect(again.keeper.get('a.test.')).toMatchObject({ serial: 4 });
    await again.keeper.close();
  });

  it('heals a zone whose stored version cannot be read: until then it is not served, and never an older version', async () => {
    const folder = newFolder();
    const first = await start(folder);
    await first.load({ 'a.test': ZONE });
    await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    await first.keeper.close();
    const second = await start(folder);
    second.state!.read = () => Promise.reject(new AdotdError(ErrorCode.STATE, 'damaged'));
    const report = await second.load({ 'a.test': ZONE });
    expect(report.diagnostics.map(({ message }) => message)).toEqual(['damaged']);
    expect(second.answered('a.test.')).toBe(ZONE_FAILED);
    second.keeper.acceptFile('a.test.');
    await second.load({ 'a.test': ZONE });
    expect(second.keeper.get('a.test.')).toMatchObject({ serial: 3, state: 'served' });
    await second.keeper.close();
  });
});

describe('a zone from a primary', () => {
  it('is served from the state, with its history, until it expires', async () => {
    const folder = newFolder();
    const first = await start(folder);
    const [one, two] = [imageOf('s.test', ZONE), imageOf('s.test', withSerial(2, 'x 60 A 192.0.2.2\n'))];
    first.keeper.declare('s.test.', 'secondary');
    const expires = first.clock.seconds() + 100;
    await first.keeper.adopt('s.test.', { image: one, differences: undefined, sourceSerial: 1, origin: 'one' });
    await first.keeper.adopt('s.test.', {
      image: two,
      differences: [diff(one, two)],
      sourceSerial: 2,
      origin: 'two',
      facts: { timers: { expires } },
    });
    await first.keeper.close();
    const second = await start(folder);
    second.keeper.declare('s.test.', 'secondary');
    await second.keeper.settled('s.test.');
    expect(second.answered('s.test.')).toBe(textOf(two));
    expect(second.keeper.get('s.test.')).toMatchObject({ serial: 2, sourceSerial: 2, origin: 'two', state: 'served' });
    expect(second.history('s.test.')).toEqual(['1>2']);
    expect(second.keeper.facts('s.test.')?.timers).toEqual({ expires });
    await second.keeper.close();
    const third = await start(folder);
    third.clock.advance(100_000);
    third.keeper.declare('s.test.', 'secondary');
    await third.keeper.settled('s.test.');
    expect([third.answered('s.test.'), third.keeper.get('s.test.')?.state]).toEqual([ZONE_EXPIRED, 'expired']);
    await third.keeper.renew('s.test.');
    expect(third.answered('s.test.')).toBe(textOf(two));
    await third.keeper.withdraw('s.test.');
    await third.keeper.close();
    const fourth = await start(folder);
    fourth.keeper.declare('s.test.', 'secondary');
    await fourth.keeper.settled('s.test.');
    expect(fourth.answered('s.test.')).toBe(ZONE_FAILED);
    await fourth.keeper.close();
  });

  it('stays as it was when a version cannot be stored', async () => {
    const bench = await start(newFolder());
    bench.keeper.declare('s.test.', 'secondary');
    bench.state!.isFull = true;
    const image = imageOf('s.test', ZONE);
    await expect(
      bench.keeper.adopt('s.test.', { image, differences: undefined, sourceSerial: 1 }),
    ).rejects.toMatchObject({ code: 'ADOTD_STATE' });
    expect(bench.answered('s.test.')).toBe(ZONE_FAILED);
    await bench.keeper.close();
  });
});

/** A slow and obvious keeper: sets of records, each with its name and value. */
class Model {
  /** The file as it was loaded, and the zone. */
  file = new Set<string>();
  zone = new Set<string>();
  serial = 1;
  sourceSerial = 1;

  edit(edited: ReadonlySet<string>): void {
    for (const record of new Set([...this.file, ...this.zone, ...edited])) {
      if (edited.has(record) === this.file.has(record)) continue;
      if (edited.has(record)) this.zone.add(record);
      else this.zone.delete(record);
    }
    this.file = new Set(edited);
  }
}

/** `n1 v2` as a record of a file, and as a change. */
const line = (record: string): string => `${record.replace(' ', ' 60 TXT ')}\n`;
const recordsIn = (text: unknown): Set<string> =>
  new Set(
    Array.from(
      String(text).matchAll(/^(\w+)\.a\.test\. 60 IN TXT "?(\w+)"?$/gm),
      ([, name, value]) => `${name} ${value}`,
    ),
  );

describe('changes, edited files, failing disks and restarts in any order', () => {
  it.each(Array.from({ length: 2 * RUNS }, (_, i) => seedOr(1) + i))(
    'lead where a simple model leads: seed %d',
    async (seed) => {
      const random = new Random(seed);
      const folder = newFolder();
      const model = new Model();
      const record = (): string => `n${random.below(5)} v${random.below(3)}`;
      const fileText = (): string => withSerial(model.sourceSerial, [...model.file].map(line).join(''));
      const images = new Map<number, Uint8Array>();
      let bench = await start(folder);
      await bench.load({ 'a.test': fileText() });
      for (let step = 0; step < 40; step++) {
        const deed = random.below(10);
        bench.state!.isFull = random.chance(0.15);
        const { isFull } = bench.state!;
        if (deed < 6) {
          const wanted = Array.from({ length: random.between(1, 3) }, () => ({
            record: record(),
            adds: random.chance(0.6),
            fails: random.chance(0.15),
          }));
          const before = new Set(model.zone);
          const outcomes = await Promise.allSettled(
            wanted.map(({ record: one, adds, fails }) =>
              bench.keeper.change(
                'a.test.',
                fails
                  ? changes('+ns 60 CNAME x.')
                  : changes(`${adds ? '+' : '-'}${one.replace(' ', adds ? ' 60 TXT ' : ' TXT ')}`),
              ),
            ),
          );
          wanted.forEach(({ record: one, adds, fails }, i) => {
            const isDone = outcomes[i]?.status === 'fulfilled';
            if (fails) expect(isDone, `seed ${seed}, step ${step}`).toBe(false);
            else if (!isFull) expect(isDone, `seed ${seed}, step ${step}`).toBe(true);
            if (!isDone) return;
            if (adds) model.zone.add(one);
            else model.zone.delete(one);
          });
          // On a full disk only that is done which changes nothing.
          if (isFull) model.zone = before;
        } else if (deed < 9) {
          const edited = new Set(model.file);
          for (let i = random.below(3); i >= 0; i--) {
            const one = record();
            if (!edited.delete(one)) edited.add(one);
          }
          const serial = random.pick([model.sourceSerial, model.sourceSerial + 1, model.serial + random.between(1, 9)]);
          const report = await bench.load({ 'a.test': withSerial(serial, [...edited].map(line).join('')) });
          if (report.sound) {
            model.edit(edited);
            model.sourceSerial = serial;
          } else expect(isFull, `seed ${seed}, step ${step}`).toBe(true);
        } else {
          bench.state!.isFull = false;
          await bench.keeper.close();
          bench = await start(folder);
          await bench.load({ 'a.test': fileText() });
        }
        const kept = bench.keeper.get('a.test.')!;
        const where = `seed ${seed}, step ${step}`;
        expect([...recordsIn(bench.answered('a.test.'))].sort(), where).toEqual([...model.zone].sort());
        expect(kept.serial, where).toBeGreaterThanOrEqual(model.serial);
        model.serial = kept.serial;
        // No serial stands for two contents, and the history leads from each version that it has to the one that is served.
        const known = images.get(kept.serial);
        if (known) expect(textOf(known), where).toBe(textOf(kept.image!));
        images.set(kept.serial, Uint8Array.from(kept.image!));
        checkHistory(kept.history, images, kept.image!, where);
      }
      await bench.keeper.close();
      expect(lost).toEqual([]);
    },
  );
});
