import { describe, expect, it } from 'vitest';
import { ZONE_EXPIRED, ZONE_FAILED } from '../../../src/image/catalog.js';
import { diff } from '../../../src/image/changes/diff.js';
import { changes, imageOf, KeeperBench, withSerial, ZONE } from './keeper-support.js';

/** A keeper with a zone of a file that is changed beside it. */
async function changeable(policy: Parameters<KeeperBench['policies']['set']>[1] = { serial: 'increment' }) {
  const bench = new KeeperBench();
  bench.policies.set('a.test.', policy);
  await bench.load({ 'a.test': ZONE });
  const change = (...lines: readonly string[]) => bench.keeper.change('a.test.', changes(...lines));
  return { bench, change, keeper: bench.keeper };
}

describe('a change of a zone', () => {
  it('is answered when it is fulfilled, has a serial of its own, and is in the history', async () => {
    const { bench, change } = await changeable();
    expect(await change('+www 60 A 192.0.2.9')).toEqual({ serial: 2 });
    expect(bench.answered('a.test.')).toContain('www.a.test. 60 IN A 192.0.2.9');
    expect(await change('-www A 192.0.2.9', '+x 60 TXT "y"')).toEqual({ serial: 3 });
    expect(bench.answered('a.test.')).not.toContain('www.');
    expect(bench.history('a.test.')).toEqual(['1>2', '2>3']);
    expect(bench.keeper.get('a.test.')).toMatchObject({ role: 'file', state: 'served', serial: 3, sourceSerial: 1 });
    expect(bench.served.status('a.test.')).toMatchObject([{ serial: 3, records: 4 }]);
  });

  it('goes into one version with those that wait with it, each made on what the ones before it left', async () => {
    const { bench, change } = await changeable();
    const before = bench.catalogs.length;
    const done = [1, 2, 3, 4].map((i) => change(`+n${i} 60 A 192.0.2.${i}`));
    done.push(change('-n1 A 192.0.2.1', '+n1 60 A 192.0.2.11'));
    const serials = (await Promise.all(done)).map(({ serial }) => serial);
    // The first one begins at once.
    expect(serials).toEqual(
      [2, 3, 3, 3, 3].slice(0, serials.length).map((serial, i) => (serials[i] === 2 ? 2 : serial)),
    );
    expect(bench.catalogs.length - before).toBeLessThanOrEqual(2);
    expect(bench.answered('a.test.')).toMatch(/n1\.a\.test\. 60 IN A 192\.0\.2\.11\n/);
  });

  it('that changes nothing makes no version', async () => {
    const { bench, change } = await changeable();
    const before = bench.catalogs.length;
    expect(await change('+ns 60 A 192.0.2.1')).toEqual({ serial: 1 });
    expect(await bench.keeper.change('a.test.', () => undefined)).toEqual({ serial: 1 });
    expect(bench.catalogs).toHaveLength(before);
  });

  it('that fails fails alone: those that wait with it are made', async () => {
    const { bench, change } = await changeable();
    const outcomes = await Promise.allSettled([
      change('+one 60 A 192.0.2.1'),
      change('+two 60 A 192.0.2.2'),
      bench.keeper.change('a.test.', () => {
        throw new Error('a prerequisite');
      }),
      // A CNAME beside other data is no valid zone.
      change('+ns 60 CNAME x.'),
      change('+three 60 A 192.0.2.3'),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect(outcomes[3]).toMatchObject({ reason: { code: 'ADOTD_ZONE_INVALID' } });
    const text = bench.answered('a.test.');
    for (const name of ['one', 'two', 'three']) expect(text).toContain(`${name}.a.test.`);
    expect(text).not.toContain('CNAME');
  });

  it('takes the serial that it wants if that is later, else the next one', async () => {
    const { change } = await changeable();
    expect(await change('+@ 60 SOA ns.a.test. h.a.test. 77 2 3 4 5', '-@ SOA ns.a.test. h.a.test. 1 2 3 4 5')).toEqual({
      serial: 77,
    });
    expect(await change('+@ 60 SOA ns.a.test. h.a.test. 5 2 3 4 9', '-@ SOA ns.a.test. h.a.test. 77 2 3 4 5')).toEqual({
      serial: 78,
    });
  });

  it.each([
    ['increment', 1_000_000, 2],
    ['unixtime', 1_795_219_200, 1_795_219_200],
    ['date', 1_795_219_200, 2_026_112_100],
    ['date', 1_795_219_199, 2_026_112_000],
  ] as const)('has a serial by the policy %s', async (serial, now, wanted) => {
    const { bench, change } = await changeable({ serial });
    bench.clock.now = now * 1000;
    expect(await change('+x 60 A 192.0.2.1')).toEqual({ serial: wanted });
    expect(await change('-x A 192.0.2.1')).toEqual({ serial: wanted + 1 });
  });

  it('passes over serial 0', async () => {
    const bench = new KeeperBench();
    bench.policies.set('a.test.', { serial: 'increment' });
    await bench.load({ 'a.test': withSerial(4_294_967_295) });
    expect(await bench.keeper.change('a.test.', changes('+x 60 A 192.0.2.1'))).toEqual({ serial: 1 });
  });

  it('is told to listeners once it is published', async () => {
    const { bench, change } = await changeable();
    const told: string[] = [];
    bench.keeper.onPublished((zone, serial) => told.push(`${zone} ${serial} of ${bench.history(zone).join()}`));
    await change('+x 60 A 192.0.2.1');
    await change('+y 60 A 192.0.2.1');
    expect(told).toEqual(['a.test. 2 of 1>2', 'a.test. 3 of 1>2,2>3']);
  });

  it('is refused for zones that are not changed here', async () => {
    const { bench } = await changeable();
    bench.keeper.declare('b.test.', 'secondary');
    bench.keeper.declare('c.test.', 'catalog-produced');
    for (const zone of ['b.test.', 'c.test.', 'd.test.'])
      await expect(bench.keeper.change(zone, () => undefined)).rejects.toMatchObject({ code: 'ADOTD_ZONE_STATE' });
  });
});

describe('the digest of a zone that is changed (ZONEMD)', () => {
  const DIGEST = `@ 60 ZONEMD 1 1 1 ${'00'.repeat(48)}\n@ 60 ZONEMD 1 1 2 ${'00'.repeat(64)}\n@ 60 ZONEMD 1 240 1 ${'00'.repeat(48)}\n`;
  const digests = (text: string | number | undefined) => String(text).match(/ZONEMD .*/g) ?? [];

  it('is made anew, with the new serial, so that the zone is verified', async () => {
    const bench = new KeeperBench();
    bench.policies.set('a.test.', { serial: 'increment' });
    await bench.load({ 'a.test': ZONE + DIGEST });
    await bench.keeper.change('a.test.', changes('+x 60 A 192.0.2.1'));
    const text = String(bench.answered('a.test.'));
    expect(digests(text)).toEqual([
      expect.stringMatching(/^ZONEMD 2 1 1 [0-9A-Fa-f]{96}$/),
      expect.stringMatching(/^ZONEMD 2 1 2 \S{128}$/),
    ]);
    // The loader verifies them.
    expect(() => imageOf('a.test', text)).not.toThrow();
    const kept = bench.keeper.get('a.test.')!;
    const [last] = kept.history.slice(-1);
    expect(last).toEqual(diff(imageOf('a.test', ZONE + DIGEST), kept.image!));
  });

  it('is removed where the policy says so', async () => {
    const bench = new KeeperBench();
    bench.policies.set('a.test.', { serial: 'increment', zonemd: 'remove' });
    await bench.load({ 'a.test': ZONE + DIGEST });
    await bench.keeper.change('a.test.', changes('+x 60 A 192.0.2.1'));
    expect(digests(bench.answered('a.test.'))).toEqual([]);
  });
});

describe('a zone that comes from elsewhere', () => {
  it('is answered with SERVFAIL until it has a version, and when it has expired', async () => {
    const bench = new KeeperBench();
    const { keeper } = bench;
    keeper.declare('a.test.', 'secondary');
    await keeper.publish();
    expect([bench.answered('a.test.'), keeper.get('a.test.')?.state]).toEqual([ZONE_FAILED, 'empty']);
    const first = imageOf('a.test', ZONE);
    await keeper.adopt('a.test.', { image: first, differences: undefined, sourceSerial: 1, origin: 'one' });
    expect(bench.answered('a.test.')).toContain('ns.a.test. 60 IN A 192.0.2.1');
    await keeper.expire('a.test.');
    expect([bench.answered('a.test.'), keeper.get('a.test.')?.state]).toEqual([ZONE_EXPIRED, 'expired']);
    expect(keeper.get('a.test.')).toMatchObject({ serial: 1, origin: 'one' });
    await keeper.renew('a.test.');
    expect(bench.answered('a.test.')).toContain('192.0.2.1');
    const second = imageOf('a.test', withSerial(2, 'x 60 A 192.0.2.2\n'));
    await keeper.adopt('a.test.', { image: second, differences: [diff(first, second)], sourceSerial: 2 });
    expect(bench.history('a.test.')).toEqual(['1>2']);
    await keeper.adopt('a.test.', { image: first, differences: undefined, sourceSerial: 1 });
    expect(bench.history('a.test.')).toEqual([]);
    await keeper.withdraw('a.test.');
    expect([bench.answered('a.test.'), keeper.get('a.test.')]).toEqual([undefined, undefined]);
  });

  it('is not brought back by what comes while it is withdrawn', async () => {
    const bench = new KeeperBench();
    const { keeper } = bench;
    keeper.declare('a.test.', 'secondary');
    const version = { image: imageOf('a.test', ZONE), differences: undefined, sourceSerial: 1 };
    await keeper.adopt('a.test.', version);
    const withdrawn = keeper.withdraw('a.test.');
    const late = [keeper.expire('a.test.'), keeper.renew('a.test.'), keeper.adopt('a.test.', version)];
    await withdrawn;
    expect(await Promise.allSettled(late)).toMatchObject([
      { status: 'fulfilled' },
      { status: 'fulfilled' },
      { status: 'rejected', reason: { message: 'zone a.test. is not served any more' } },
    ]);
    expect([bench.answered('a.test.'), keeper.get('a.test.')]).toEqual([undefined, undefined]);
  });

  it('keeps its place when it is declared again, and belongs to the first who declares it', async () => {
    const bench = new KeeperBench();
    await bench.load({ 'a.test': ZONE });
    bench.keeper.declare('b.test.', 'secondary');
    bench.keeper.declare('b.test.', 'secondary');
    expect(() => bench.keeper.declare('b.test.', 'catalog-consumed')).toThrow(/served already/);
    expect(() => bench.keeper.declare('a.test.', 'secondary')).toThrow(/served already/);
    const report = await bench.load({ 'b.test': ZONE });
    expect(report.diagnostics.map(({ message }) => message)).toEqual([expect.stringMatching(/served as secondary/)]);
    expect(bench.answered('b.test.')).toBe(ZONE_FAILED);
  });
});

describe('a zone file that is edited', () => {
  it('has a history when its serial rises, none when the serial stays, and is refused when it goes back', async () => {
    const bench = new KeeperBench();
    await bench.load({ 'a.test': ZONE });
    await bench.load({ 'a.test': withSerial(2, 'x 60 A 192.0.2.2\n') });
    await bench.load({ 'a.test': withSerial(5, 'x 60 A 192.0.2.3\n') });
    expect(bench.history('a.test.')).toEqual(['1>2', '2>5']);
    const lower = await bench.load({ 'a.test': withSerial(4, 'x 60 A 192.0.2.4\n') });
    expect(lower.diagnostics.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      expect.stringMatching(
        /^error: the zone has changed, but its serial went from 5 back to 4; the old version stays: write a later serial than 5/,
      ),
    ]);
    expect(lower.outcomes).toMatchObject([{ result: 'kept', before: 5, after: 5 }]);
    expect(bench.answered('a.test.')).toContain('192.0.2.3');
    expect(bench.history('a.test.')).toEqual(['1>2', '2>5']);
    const same = await bench.load({ 'a.test': withSerial(5, 'x 60 A 192.0.2.5\n') });
    expect(same.diagnostics.map(({ severity }) => severity)).toEqual(['warning']);
    expect([bench.answered('a.test.'), bench.history('a.test.')]).toEqual([expect.stringContaining('192.0.2.5'), []]);
  });

  it('keeps changes that were made beside it; the file wins on records that it changed', async () => {
    const { bench, change } = await changeable();
    await change('+x 60 A 192.0.2.2', '+y 60 A 192.0.2.3', '-ns A 192.0.2.1', '+ns 60 A 192.0.2.7');
    await bench.load({ 'a.test': `${ZONE}new 60 A 192.0.2.4\n` });
    expect(bench.keeper.get('a.test.')).toMatchObject({ serial: 3, sourceSerial: 1 });
    const addresses = () => String(bench.answered('a.test.')).match(/\S+ 60 IN A \S+/g);
    expect(addresses()).toEqual(
      [
        'ns.a.test. 60 IN A 192.0.2.7',
        'x.a.test. 60 IN A 192.0.2.2',
        'y.a.test. 60 IN A 192.0.2.3',
        'new.a.test. 60 IN A 192.0.2.4',
      ].sort((a, b) => addresses()!.indexOf(a) - addresses()!.indexOf(b)),
    );
    // The file takes up one record, removes its own, and has a later serial.
    await bench.load({ 'a.test': withSerial(40, 'x 60 A 192.0.2.2\n') });
    expect(bench.keeper.get('a.test.')).toMatchObject({ serial: 40, sourceSerial: 40 });
    expect(bench.history('a.test.')).toEqual(['1>2', '2>3', '3>40']);
    expect(new Set(addresses())).toEqual(
      new Set(['ns.a.test. 60 IN A 192.0.2.7', 'x.a.test. 60 IN A 192.0.2.2', 'y.a.test. 60 IN A 192.0.2.3']),
    );
    // The record that it took up is its own now.
    await bench.load({ 'a.test': withSerial(40) });
    expect(new Set(addresses())).toEqual(new Set(['ns.a.test. 60 IN A 192.0.2.7', 'y.a.test. 60 IN A 192.0.2.3']));
    expect(bench.keeper.get('a.test.')).toMatchObject({ serial: 41 });
  });

  it('leaves the old version where it conflicts with changes, and says with what', async () => {
    const { bench, change } = await changeable();
    await change('+x 60 A 192.0.2.2');
    const report = await bench.load({ 'a.test': withSerial(9, 'x 60 CNAME ns\n') });
    expect(report.diagnostics.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^found a conflict with records that UPDATE has changed: .*CNAME/),
    ]);
    expect(bench.answered('a.test.')).toContain('x.a.test. 60 IN A 192.0.2.2');
    expect(bench.keeper.get('a.test.')).toMatchObject({ serial: 2, sourceSerial: 1 });
    await change('-x A 192.0.2.2');
    await bench.load({ 'a.test': withSerial(9, 'x 60 CNAME ns\n') });
    expect(bench.answered('a.test.')).toContain('x.a.test. 60 IN CNAME');
  });
});
