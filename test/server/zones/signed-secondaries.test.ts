import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ZONE_EXPIRED } from '../../../src/image/catalog.js';
import { diff } from '../../../src/image/changes/diff.js';
import { ZoneStore } from '../../../src/state/zone-store.js';
import { contentLines, FakeSigners, newKeys } from './fake-signers.js';
import { changes, imageOf, KeeperBench, textOf, withSerial } from './keeper-support.js';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-secondary-'));
  folders.push(folder);
  return folder;
}

const START = 1_780_000_000;
const ZONE = 'a.test.';
const KNOWN = { origin: 'one', facts: { timers: { expires: START + 1_000_000 }, flags: { refresh: 1 } } };

const image = (serial: number, records = ''): Uint8Array => imageOf('a.test', withSerial(serial, records));
const contentOf = (serial: number, records = ''): string[] => contentLines(textOf(image(serial, records)));

/** A keeper with a signer and one secondary zone, on what the folder has. */
async function start(folder = newFolder(), signers = new FakeSigners()) {
  const store = await ZoneStore.open(join(folder, 'state'), { report: () => undefined });
  const bench = new KeeperBench(store, signers);
  const { keeper } = bench;
  bench.clock.now = START * 1000;
  bench.policies.set(ZONE, { serial: 'increment' });
  signers.servedSerial = (zone) => bench.publisher.size && keeper.get(zone)?.serial;
  keeper.declare(ZONE, 'secondary');
  await keeper.settled(ZONE);
  const whole = (serial: number, records = ''): Promise<void> =>
    keeper.adopt(ZONE, { ...KNOWN, content: { image: image(serial, records) }, sourceSerial: serial });
  const change = (from: Uint8Array, to: Uint8Array, sourceSerial: number): Promise<void> =>
    keeper.adopt(ZONE, { ...KNOWN, content: { difference: diff(from, to) }, sourceSerial });
  const text = () => bench.answered(ZONE);
  const sound = () => expect(signers.mistakes('a.test', text(), bench.clock.seconds())).toEqual([]);
  const serials = () => {
    const { serial, sourceSerial, origin } = keeper.get(ZONE)!;
    return { serial, sourceSerial, origin };
  };
  return { bench, keeper, signers, folder, whole, change, text, sound, serials };
}

describe('a secondary zone that is signed here', () => {
  it('is served signed, under serials of its own, and its changes lead from one signed version to the next', async () => {
    const { bench, keeper, whole, change, text, sound, serials } = await start();
    await whole(1);
    sound();
    expect(contentLines(text())).toEqual(contentOf(2));
    expect(serials()).toEqual({ serial: 2, sourceSerial: 1, origin: 'one' });
    await change(image(1), image(2, 'x 60 A 192.0.2.2\n'), 2);
    sound();
    expect(contentLines(text())).toEqual(contentOf(3, 'x 60 A 192.0.2.2\n'));
    expect(serials()).toEqual({ serial: 3, sourceSerial: 2, origin: 'one' });
    await whole(9, 'y 60 A 192.0.2.3\n');
    sound();
    expect(contentLines(text())).toEqual(contentOf(9, 'y 60 A 192.0.2.3\n'));
    expect(serials()).toEqual({ serial: 9, sourceSerial: 9, origin: 'one' });
    expect(bench.history(ZONE).at(-1)).toBe('3>9');
    await keeper.close();
  });

  it('is signed anew while its primary is silent, and the next change of the primary still fits', async () => {
    const { bench, keeper, signers, whole, change, text, sound, serials } = await start();
    await whole(1);
    signers.keys = newKeys(false);
    const rolled = await keeper.resign(ZONE);
    expect(rolled.serial).toBe(3);
    sound();
    expect(serials()).toEqual({ serial: 3, sourceSerial: 1, origin: 'one' });
    bench.clock.now = rolled.nextDue! * 1000;
    expect(await keeper.resign(ZONE)).toMatchObject({ serial: 4 });
    await change(image(1), image(2, 'x 60 A 192.0.2.2\n'), 2);
    sound();
    expect(contentLines(text())).toEqual(contentOf(5, 'x 60 A 192.0.2.2\n'));
    expect(serials()).toEqual({ serial: 5, sourceSerial: 2, origin: 'one' });
    await keeper.close();
  });

  it('goes on after a restart, expires, and comes back', async () => {
    const first = await start();
    await first.whole(1);
    await first.keeper.resign(ZONE);
    const before = first.text();
    await first.keeper.close();
    const { keeper, signers, change, text, sound, serials } = await start(first.folder, first.signers);
    expect([text(), serials()]).toEqual([before, { serial: 2, sourceSerial: 1, origin: 'one' }]);
    expect(keeper.facts(ZONE)).toMatchObject({ sourceSerial: 1, timers: KNOWN.facts.timers, flags: { refresh: 1 } });
    expect(await keeper.resign(ZONE)).toMatchObject({ serial: 2, made: 0 });
    await keeper.expire(ZONE);
    expect(text()).toBe(ZONE_EXPIRED);
    await expect(keeper.resign(ZONE)).rejects.toThrow('has no version that could be changed');
    await keeper.renew(ZONE);
    expect(text()).toBe(before);
    await keeper.expire(ZONE);
    await change(image(1), image(2), 2);
    sound();
    expect([contentLines(text()), keeper.get(ZONE)?.plan]).toEqual([contentOf(3), signers.id]);
    await keeper.close();
  });

  it('is served as it is, under later serials, while it may not be signed yet', async () => {
    const { keeper, signers, whole, text, sound, serials } = await start();
    signers.keys = 'none';
    await whole(1);
    expect([contentLines(text()), serials().serial]).toEqual([contentOf(1), 1]);
    signers.keys = newKeys();
    expect(await keeper.resign(ZONE)).toMatchObject({ serial: 2 });
    sound();
    signers.keys = 'none';
    const before = text();
    await expect(whole(2)).rejects.toThrow('zone a.test. was signed here, and its keys are not known any more');
    expect([text(), serials().sourceSerial]).toEqual([before, 1]);
    await keeper.close();
  });

  it('stays as it was when signing or storing fails, and when a change does not fit', async () => {
    const { bench, keeper, signers, whole, change, text } = await start();
    await expect(change(image(1), image(2), 2)).rejects.toMatchObject({ code: 'ADOTD_CHANGE_SERIAL' });
    await whole(1);
    const before = text();
    signers.failure = 'key';
    await expect(whole(2)).rejects.toMatchObject({ code: 'ADOTD_DNSSEC_KEY' });
    signers.failure = undefined;
    bench.state!.isFull = true;
    await expect(whole(2)).rejects.toThrow('the disk is full');
    bench.state!.isFull = false;
    const gone = image(1, 'gone 60 A 192.0.2.4\n');
    await expect(change(gone, image(2), 2)).rejects.toMatchObject({ code: 'ADOTD_RECORD_MISSING' });
    await expect(change(image(1), image(2, 'x 60 A 192.0.2.2\n'), 2)).resolves.toBeUndefined();
    const twice = change(image(2), image(3, 'x 60 A 192.0.2.2\n'), 3);
    await expect(twice).rejects.toMatchObject({ code: 'ADOTD_RECORD_PRESENT' });
    expect(before).not.toBe(text());
    await keeper.close();
  });

  it('is served although it has what a file may not have', async () => {
    const { keeper, whole, change, serials } = await start();
    await whole(1, 'x 60 A 192.0.2.2\n');
    await change(image(1), image(2, 'x 60 CNAME y\n'), 2);
    await change(image(2), image(3, 'z 60 A 192.0.2.2\n'), 3);
    expect(serials()).toMatchObject({ serial: 4, sourceSerial: 3 });
    await keeper.close();
  });

  it('takes no versions of its primary as they are, and no changes', async () => {
    const { keeper, signers, whole } = await start();
    await whole(1);
    const asItIs = { image: image(2), differences: undefined, sourceSerial: 2, ...KNOWN };
    await expect(keeper.adopt(ZONE, asItIs)).rejects.toThrow('is signed here now: it is transferred again');
    await expect(keeper.change(ZONE, changes('+x 60 A 192.0.2.2'))).rejects.toThrow('comes from a primary');
    signers.zones.clear();
    await expect(whole(3)).rejects.toThrow('is not signed here any more: it is transferred again');
    await keeper.close();
  });

  it('that its primary had signed is transferred whole before it is signed here', async () => {
    const { keeper, signers, whole, text, sound, serials } = await start();
    signers.zones.clear();
    const foreign = '@ 60 NSEC ns SOA NS RRSIG NSEC\nns 60 NSEC @ A RRSIG NSEC\n';
    await keeper.adopt(ZONE, { image: image(5, foreign), differences: undefined, sourceSerial: 5, ...KNOWN });
    signers.zones.add(ZONE);
    await expect(keeper.resign(ZONE)).rejects.toThrow(
      'adotd ctl transfer a.test. --full brings what its primary has now',
    );
    await whole(5);
    sound();
    expect([contentLines(text()), serials().serial]).toEqual([contentOf(6), 6]);
    await keeper.close();
  });
});
