import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ZONE_FAILED } from '../../../src/image/catalog.js';
import { exportState } from '../../../src/state/state-export.js';
import { importState } from '../../../src/state/state-import.js';
import { ZoneStore } from '../../../src/state/zone-store.js';
import { contentLines, FakeSigners, newKeys } from './fake-signers.js';
import { changes, checkHistory, imageOf, KeeperBench, textOf, withSerial, ZONE } from './keeper-support.js';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-signed-'));
  folders.push(folder);
  return folder;
}

const START = 1_780_000_000;
const DAY = 86_400;

/** A keeper with a signer, on what the folder has. */
async function start(folder: string, signers = new FakeSigners(), now = START) {
  const store = await ZoneStore.open(join(folder, 'state'), { report: () => undefined });
  const bench = new KeeperBench(store, signers);
  bench.clock.now = now * 1000;
  bench.policies.set('a.test.', { serial: 'increment' });
  signers.servedSerial = (zone) => bench.publisher.size && bench.keeper.get(zone)?.serial;
  const text = () => bench.answered('a.test.');
  const sound = () => expect(signers.mistakes('a.test', text(), bench.clock.seconds())).toEqual([]);
  return { bench, keeper: bench.keeper, signers, text, sound };
}

const contentOf = (text: string): string[] => contentLines(textOf(imageOf('a.test', text)));

describe('a zone file that is signed here', () => {
  it('is served signed from the first load, under a serial of its own', async () => {
    const { bench, keeper, signers, text, sound } = await start(newFolder());
    await bench.load({ 'a.test': ZONE });
    sound();
    expect(contentLines(text())).toEqual(contentOf(withSerial(2)));
    await keeper.settled('a.test.');
    expect(signers.calls).toEqual(['plan a.test. at 1', 'published it of a.test. at 2']);
    expect(keeper.get('a.test.')).toMatchObject({ serial: 2, sourceSerial: 1, plan: signers.id });
    const [status] = bench.served.status('a.test.');
    expect(status).toMatchObject({ signed: true, serial: 2 });
    expect(status?.signaturesExpire).toBeGreaterThan(START + 8 * DAY);
    await keeper.close();
  });

  it('is merged with what was changed beside it, and content is all that is compared', async () => {
    const { bench, keeper, text, sound } = await start(newFolder());
    await bench.load({ 'a.test': `${ZONE}old 60 A 192.0.2.8\n` });
    expect(await keeper.change('a.test.', changes('+x 60 A 192.0.2.2'))).toEqual({ serial: 3 });
    sound();
    const report = await bench.load({ 'a.test': `${ZONE}new 60 A 192.0.2.9\n` });
    expect(report.diagnostics).toEqual([]);
    sound();
    expect(contentLines(text())).toEqual(contentOf(withSerial(4, 'new 60 A 192.0.2.9\nx 60 A 192.0.2.2\n')));
    expect(bench.history('a.test.').at(-1)).toBe('3>4');
    await keeper.close();
  });
});

describe('the digest of a zone that is signed here (ZONEMD)', () => {
  const DIGESTS = `@ 60 ZONEMD 1 1 1 ${'00'.repeat(48)}\n@ 60 ZONEMD 1 1 2 ${'00'.repeat(64)}\n`;

  it.each([undefined, { optOut: false }])(
    'is made over the signed zone, then signed, in each version: %j',
    async (nsec3) => {
      const { bench, keeper, signers, text, sound } = await start(newFolder());
      signers.policy = { ...signers.policy, nsec3 };
      const images = new Map<number, Uint8Array>();
      const check = (serial: number): void => {
        // The loader verifies digests, and the signatures over them.
        sound();
        expect(text()).toContain(`ZONEMD ${serial} 1 2 `);
        const { image, history } = keeper.get('a.test.')!;
        images.set(serial, Uint8Array.from(image!));
        checkHistory(history, images, image!, `serial ${serial}`);
      };
      await bench.load({ 'a.test': ZONE + DIGESTS });
      check(2);
      for (let serial = 3; serial < 9; serial++) {
        await keeper.change('a.test.', changes(`+x${serial} 60 A 192.0.2.2`));
        check(serial);
      }
      await bench.load({ 'a.test': `${ZONE}${DIGESTS}y 60 A 192.0.2.3\n` });
      check(9);
      signers.keys = newKeys(false);
      await keeper.resign('a.test.');
      check(10);
      expect((await bench.load({ 'a.test': `${ZONE}${DIGESTS}y 60 A 192.0.2.3\n` })).diagnostics).toEqual([]);
      expect(keeper.get('a.test.')?.serial).toBe(10);
      signers.keys = 'gone';
      await keeper.resign('a.test.');
      check(11);
      await keeper.close();
    },
  );

  it('is removed where the policy says so', async () => {
    const { bench, keeper, text, sound } = await start(newFolder());
    bench.policies.set('a.test.', { serial: 'increment', zonemd: 'remove' });
    await bench.load({ 'a.test': ZONE + DIGESTS });
    sound();
    expect(text()).not.toContain('ZONEMD');
    await keeper.close();
  });
});

describe('signing anew', () => {
  it('makes a version when the keys are others or signatures are due, and else none', async () => {
    const { bench, keeper, signers, sound } = await start(newFolder());
    await bench.load({ 'a.test': ZONE });
    const same = await keeper.resign('a.test.');
    expect(same).toMatchObject({ serial: 2, made: 0 });
    signers.keys = newKeys(false);
    const rolled = await keeper.resign('a.test.');
    expect(rolled.serial).toBe(3);
    expect(rolled.made).toBeGreaterThan(4);
    sound();
    bench.clock.now = rolled.nextDue! * 1000;
    const renewed = await keeper.resign('a.test.');
    expect(renewed.serial).toBe(4);
    // What was due, and the SOA record.
    expect(renewed.made).toBeGreaterThanOrEqual(1);
    expect(renewed.made).toBeLessThan(rolled.made);
    expect(renewed.nextDue).toBeGreaterThan(rolled.nextDue!);
    sound();
    await keeper.close();
  });
});

describe('a start from the state', () => {
  it('signs a zone anew whose serial was raised by an import', async () => {
    const [from, to] = [newFolder(), newFolder()];
    const first = await start(from);
    await first.bench.load({ 'a.test': ZONE });
    await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    await first.keeper.close();
    const exporting = await ZoneStore.open(join(from, 'state'), { report: () => undefined });
    const importing = await ZoneStore.open(join(to, 'state'), { report: () => undefined });
    const above = new Map([['a.test.', 40]]);
    const { raised } = await importState(
      importing,
      exportState(exporting, () => undefined),
      { above },
    );
    expect(raised).toEqual(['a.test.']);
    await Promise.all([exporting.close(), importing.close()]);
    const second = await start(to, first.signers);
    await second.bench.load({ 'a.test': ZONE });
    const { serial, made } = await second.keeper.resign('a.test.');
    expect(serial).toBe(42);
    // The SOA record, and what depends on nothing else.
    expect(made).toBe(1);
    second.sound();
    expect(contentLines(second.text())).toEqual(contentOf(withSerial(42, 'x 60 A 192.0.2.2\n')));
    await second.keeper.close();
  });

  it('signs nothing that is good, and serves the version as it was', async () => {
    const folder = newFolder();
    const first = await start(folder);
    await first.bench.load({ 'a.test': ZONE });
    await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    const [before, calls] = [first.text(), first.signers.calls.length];
    await first.keeper.close();
    const second = await start(folder, first.signers, START + DAY);
    await second.bench.load({ 'a.test': ZONE });
    expect(second.text()).toBe(before);
    expect(second.keeper.get('a.test.')).toMatchObject({ serial: 3, plan: second.signers.id });
    // No version is made, so nobody is asked how.
    expect(second.signers.calls.length).toBe(calls);
    expect(await second.keeper.resign('a.test.')).toMatchObject({ serial: 3, made: 0 });
    expect(second.signers.calls.slice(calls)).toEqual(['plan a.test. at 3', 'published it of a.test. at 3']);
    expect(second.bench.served.status('a.test.')[0]?.signaturesExpire).toBeGreaterThan(START + 8 * DAY);
    await second.keeper.close();
    const third = await start(folder, first.signers, START + 2 * DAY);
    await third.bench.load({ 'a.test': `${ZONE}y 60 A 192.0.2.3\n` });
    third.sound();
    expect(contentLines(third.text())).toEqual(contentOf(withSerial(4, 'x 60 A 192.0.2.2\ny 60 A 192.0.2.3\n')));
    await third.keeper.close();
  });

  it('serves what is stored when the file has changed and cannot be signed', async () => {
    const folder = newFolder();
    const first = await start(folder);
    await first.bench.load({ 'a.test': ZONE });
    const before = first.text();
    await first.keeper.close();
    first.signers.failure = 'plan';
    const second = await start(folder, first.signers);
    const report = await second.bench.load({ 'a.test': withSerial(9) });
    expect(report.diagnostics.map(({ message }) => message)).toEqual(['the key is lost']);
    expect(second.text()).toBe(before);
    await second.keeper.close();
  });

  it('does not serve a file that cannot be signed and was never served', async () => {
    const { bench, keeper, signers, text, sound } = await start(newFolder());
    signers.failure = 'key';
    const report = await bench.load({ 'a.test': ZONE });
    expect(report.diagnostics.map(({ message }) => message)).toEqual([
      expect.stringContaining('or that does not verify right after it was made'),
    ]);
    expect(text()).toBe(ZONE_FAILED);
    signers.failure = undefined;
    await bench.load({ 'a.test': ZONE });
    sound();
    await keeper.close();
  });
});

describe('a zone whose signing begins while it is served', () => {
  it('keeps what was changed beside its file, also after a restart', async () => {
    const folder = newFolder();
    const first = await start(folder);
    first.bench.policies.clear();
    first.signers.zones.clear();
    await first.bench.load({ 'a.test': ZONE });
    expect(first.text()).toBe(textOf(imageOf('a.test', ZONE)));
    first.signers.zones.add('a.test.');
    expect(await first.keeper.resign('a.test.')).toMatchObject({ serial: 2 });
    first.sound();
    expect(first.bench.history('a.test.')).toEqual([]);
    await first.keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    const before = first.text();
    await first.keeper.close();
    const second = await start(folder, first.signers);
    await second.bench.load({ 'a.test': ZONE });
    expect(second.text()).toBe(before);
    await second.keeper.close();
  });

  it('is served unsigned until it may be signed', async () => {
    const { bench, keeper, signers, text, sound } = await start(newFolder());
    const keys = signers.keys;
    signers.keys = 'none';
    await bench.load({ 'a.test': ZONE });
    expect(text()).toBe(textOf(imageOf('a.test', ZONE)));
    expect(await keeper.resign('a.test.')).toEqual({ serial: 1, made: 0, early: 0, nextDue: undefined });
    expect(await keeper.change('a.test.', changes('+x 60 A 192.0.2.2'))).toEqual({ serial: 2 });
    signers.keys = keys;
    expect(await keeper.resign('a.test.')).toMatchObject({ serial: 3 });
    sound();
    await keeper.close();
  });
});

describe('a zone that is to be unsigned', () => {
  it('loses all that signing made in one version, with a history that leads there', async () => {
    const folder = newFolder();
    const { bench, keeper, signers, text } = await start(folder);
    await bench.load({ 'a.test': ZONE });
    await keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    signers.keys = 'gone';
    expect(await keeper.resign('a.test.')).toEqual({ serial: 4, made: 0, early: 0, nextDue: undefined });
    expect(text()).toBe(textOf(imageOf('a.test', withSerial(4, 'x 60 A 192.0.2.2\n'))));
    expect(await keeper.resign('a.test.')).toMatchObject({ serial: 4 });
    expect(await keeper.change('a.test.', changes('+y 60 A 192.0.2.3'))).toEqual({ serial: 5 });
    expect(keeper.get('a.test.')?.history.at(-1)).toMatchObject({ from: 4, to: 5 });
    signers.keys = 'none';
    expect(await keeper.change('a.test.', changes('-y A 192.0.2.3'))).toEqual({ serial: 6 });
    expect(keeper.get('a.test.')?.plan).toBeUndefined();
    expect(keeper.facts('a.test.')?.flags).toEqual({});
    await keeper.close();
    const again = await start(folder, signers);
    await again.bench.load({ 'a.test': ZONE });
    expect(again.text()).toBe(textOf(imageOf('a.test', withSerial(6, 'x 60 A 192.0.2.2\n'))));
    await again.keeper.close();
  });

  it('stays signed while nobody knows its keys any more', async () => {
    const { bench, keeper, signers, text, sound } = await start(newFolder());
    await bench.load({ 'a.test': ZONE });
    const [before, { keys }] = [text(), signers];
    signers.keys = 'none';
    const refused = { code: 'ADOTD_DNSSEC_KEY', message: expect.stringContaining('adotd ctl dnssec start a.test.') };
    await expect(keeper.change('a.test.', changes('+x 60 A 192.0.2.2'))).rejects.toMatchObject(refused);
    await expect(keeper.resign('a.test.')).rejects.toMatchObject(refused);
    expect((await bench.load({ 'a.test': withSerial(7) })).sound).toBe(false);
    expect(text()).toBe(before);
    signers.keys = keys;
    await bench.load({ 'a.test': withSerial(7) });
    sound();
    await keeper.close();
  });
});

describe('a file of a zone that is signed here, with records of another signer', () => {
  const KEY = '@ 60 CDS 0 0 0 00\n';

  it('is refused: the old version stays', async () => {
    const { bench, keeper, text, sound } = await start(newFolder());
    await bench.load({ 'a.test': ZONE });
    const before = text();
    const report = await bench.load({ 'a.test': withSerial(8, KEY) });
    expect(report.diagnostics.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^found a\.test\. CDS in the file of a zone that is signed here.*the old version stays: remove/,
      ),
    ]);
    // `adotd check` names the same place.
    const line =
      withSerial(8, KEY)
        .split('\n')
        .findIndex((one) => one.includes('CDS')) + 1;
    expect(report.diagnostics.map((one) => [one.line, one.column])).toEqual([[line, 1]]);
    expect(text()).toBe(before);
    await bench.load({ 'a.test': withSerial(8, 'x 60 A 192.0.2.2\n') });
    sound();
    await keeper.close();
  });

  it('is served as it is at the first load, and signed once they are removed', async () => {
    const { bench, keeper, signers, text, sound } = await start(newFolder());
    const { keys } = signers;
    const report = await bench.load({ 'a.test': ZONE + KEY });
    expect(report.diagnostics.map(({ message }) => message)).toEqual([
      expect.stringContaining('the file is served as it is: remove'),
    ]);
    expect(text()).toContain('CDS');
    // Whether it may be signed yet or not, nothing of the other signer stays.
    signers.keys = 'none';
    await bench.load({ 'a.test': withSerial(1, 'x 60 A 192.0.2.2\n') });
    expect(text()).toBe(textOf(imageOf('a.test', withSerial(2, 'x 60 A 192.0.2.2\n'))));
    signers.keys = keys;
    await bench.load({ 'a.test': withSerial(1) });
    sound();
    expect(contentLines(text())).toEqual(contentOf(withSerial(3)));
    await keeper.close();
  });

  it('is not accepted in place of the state either', async () => {
    const { bench, keeper, text, sound } = await start(newFolder());
    await bench.load({ 'a.test': ZONE });
    await keeper.change('a.test.', changes('+x 60 A 192.0.2.2'));
    const before = text();
    keeper.acceptFile('a.test.');
    await bench.load({ 'a.test': ZONE + KEY });
    expect(text()).toBe(before);
    keeper.acceptFile('a.test.');
    await bench.load({ 'a.test': ZONE });
    sound();
    expect(contentLines(text())).toEqual(contentOf(withSerial(4)));
    await keeper.close();
  });
});

describe('a version that cannot be made', () => {
  it.each(['plan', 'key', 'none made', 'disk'] as const)('leaves the old one, served and stored: %s', async (what) => {
    const folder = newFolder();
    const { bench, keeper, signers, text } = await start(folder);
    await bench.load({ 'a.test': ZONE });
    const before = text();
    const { keys } = signers;
    signers.keys = newKeys();
    if (what === 'disk') bench.state!.isFull = true;
    else signers.failure = what;
    const code = what === 'disk' ? 'ADOTD_STATE' : 'ADOTD_DNSSEC_KEY';
    await expect(keeper.resign('a.test.')).rejects.toMatchObject({ code });
    await expect(keeper.change('a.test.', changes('+x 60 A 192.0.2.2'))).rejects.toMatchObject({ code });
    const report = await bench.load({ 'a.test': withSerial(8) });
    expect(report.outcomes).toMatchObject([{ result: 'kept' }]);
    expect(text()).toBe(before);
    expect(keeper.get('a.test.')).toMatchObject({ serial: 2, sourceSerial: 1 });
    await keeper.close();
    Object.assign(signers, { keys, failure: undefined });
    const again = await start(folder, signers);
    await again.bench.load({ 'a.test': ZONE });
    expect(again.text()).toBe(before);
    expect(await again.keeper.resign('a.test.')).toMatchObject({ serial: 2, made: 0 });
    await again.keeper.close();
  });
});
