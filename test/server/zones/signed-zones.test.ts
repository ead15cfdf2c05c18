import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ZoneStore } from '../../../src/state/zone-store.js';
import { contentLines, FakeSigners, newKeys } from './fake-signers.js';
import { changes, imageOf, KeeperBench, textOf, withSerial, ZONE } from './keeper-support.js';

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
