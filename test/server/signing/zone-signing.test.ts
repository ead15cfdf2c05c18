import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ASKED, HOUR, NAME, POLICY, SigningBench } from './signing-support.js';

let bench: SigningBench;
beforeEach(() => {
  bench = new SigningBench();
});
afterEach(() => bench.close());

/** The folder is made for the first key. */
function keyFiles(): string[] {
  const folder = join(bench.folder, 'keys');
  return existsSync(folder) ? readdirSync(folder) : [];
}
const DAY = 24;

describe('a zone with a policy', () => {
  it('is signed at once where nobody asks the parent, and asks for its DS record when all caches have the signatures', async () => {
    await bench.load();
    expect(bench.keeper.versions).toHaveLength(1);
    expect(bench.last).toMatchObject({ cds: [], cdnskey: [] });
    expect([bench.last.dnskey.length, bench.last.keySigners.length, bench.last.zoneSigners.length]).toEqual([1, 1, 1]);
    await bench.run(2);
    expect(bench.keeper.versions).toHaveLength(2);
    expect([bench.last.cds.length, bench.last.cdnskey.length]).toEqual([1, 1]);
    const [key] = bench.status.keys;
    expect(bench.status).toMatchObject({ zone: NAME, policy: 'default', state: 'signed', isFrozen: false });
    expect(key).toMatchObject({ role: 'csk', records: { dnskey: 'omnipresent', ds: 'rumoured' }, goal: 'omnipresent' });
    expect(key?.waits).toEqual([
      `The DS record: waits for somebody to publish it at the parent, and then to confirm by adotd ctl dnssec ds-seen a.test. ${key?.tag} that all servers of the parent have it.`,
    ]);
    await bench.run(30 * DAY);
    expect(bench.keeper.versions).toHaveLength(2);
    await bench.signing.dsSeen(NAME, key!.id, true);
    await bench.run(3);
    expect(bench.status.keys[0]).toMatchObject({ records: { ds: 'omnipresent' } });
    expect(bench.status.keys[0]?.active).toBeGreaterThan(0);
  });

  it('has one key file, which only its user may read, and which is there before the state names it', async () => {
    let seen = -1;
    bench.table.before = () => {
      seen = keyFiles().length;
      bench.table.before = undefined;
    };
    await bench.load();
    expect(seen).toBe(1);
    const [file = ''] = keyFiles();
    expect(file).toBe(`${bench.status.keys[0]?.id}.pem`);
    expect(statSync(join(bench.folder, 'keys', file)).mode & 0o777).toBe(0o600);
    expect(statSync(join(bench.folder, 'keys')).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(bench.folder, 'keys', file), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  it('is stored only when something has changed', async () => {
    await bench.load();
    const { puts } = bench.table;
    for (let i = 0; i < 5; i++) {
      bench.clock.advance(1000);
      await bench.keeper.resign(NAME);
    }
    expect(bench.table.puts).toBe(puts);
  });

  it('says each step of a roll once in the log', async () => {
    await bench.load();
    await bench.run(2);
    const steps = bench.lines.filter((line) => line.startsWith('info'));
    const tag = bench.status.keys[0]?.tag;
    expect(steps).toEqual([
      `info: a.test. CSK ${tag}: the key is new, algorithm 13 (ECDSAP256SHA256), the DNSKEY record is published, the signature over the DNSKEY RRset is published, the signatures over the zone are published`,
      expect.stringContaining('the signatures over the zone are known to all resolvers'),
      expect.stringContaining('the DS record may be published by the parent now'),
    ]);
    await bench.crash();
    await bench.run(1);
    expect(bench.lines.filter((line) => line.startsWith('info'))).toEqual(steps);
  });

  it('costs nothing while nothing is due', async () => {
    await bench.load();
    await bench.run(2);
    bench.keeper.nextDue = bench.now + 5 * DAY * HOUR;
    await bench.keeper.resign(NAME);
    const { resigned } = bench.keeper;
    await bench.run(DAY);
    expect(bench.keeper.resigned - resigned).toBeLessThanOrEqual(1);
    expect(bench.clock.timers).toBe(1);
  });
});

describe('a key of RSA', () => {
  const rsa = (bits?: number) => ({
    ...POLICY,
    rollover: { ...POLICY.rollover, keys: [{ role: 'csk', algorithm: 8, bits, lifetime: undefined } as const] },
  });
  const titles = () => bench.status.keys.map(({ title }) => title.replace(/\d+/, 'TAG'));

  it('is rolled to the size that the policy says, and stays what it is where that says none', async () => {
    bench.policy = rsa(1024);
    await bench.load();
    await bench.run(2);
    await bench.signing.dsSeen(NAME, bench.status.keys[0]!.id, true);
    await bench.run(4);
    expect(titles()).toEqual(['CSK TAG, algorithm 8 (RSASHA256), 1024 bits, to be used']);
    bench.policy = rsa();
    await bench.crash();
    await bench.run(2);
    expect(titles()).toEqual(['CSK TAG, algorithm 8 (RSASHA256), 1024 bits, to be used']);
    bench.policy = rsa(1280);
    await bench.crash();
    await bench.run(2);
    expect(titles()).toEqual([
      'CSK TAG, algorithm 8 (RSASHA256), 1024 bits, to disappear',
      'CSK TAG, algorithm 8 (RSASHA256), 1280 bits, to be used',
    ]);
    expect(bench.lines.filter((line) => line.includes('the key is new'))).toEqual([
      expect.stringContaining('algorithm 8 (RSASHA256), 1024 bits'),
      expect.stringContaining('algorithm 8 (RSASHA256), 1280 bits'),
    ]);
    await bench.signing.dsSeen(NAME, bench.status.keys[1]!.id, true);
    await bench.signing.dsSeen(NAME, bench.status.keys[0]!.id, false);
    await bench.run(8);
    expect(titles()).toEqual(['CSK TAG, algorithm 8 (RSASHA256), 1280 bits, to be used']);
  });

  it('has its size also in a state of a version that did not store it', async () => {
    bench.policy = rsa(1024);
    await bench.load();
    const stored = JSON.parse(Buffer.from(bench.table.values.get(NAME)!).toString());
    delete stored.keys.keys[0].bits;
    bench.table.values.set(NAME, Buffer.from(JSON.stringify(stored)));
    await bench.crash();
    await bench.run(2);
    expect(titles()).toEqual(['CSK TAG, algorithm 8 (RSASHA256), 1024 bits, to be used']);
  });
});

describe('the parent', () => {
  beforeEach(() => {
    bench.policy = ASKED;
  });

  it('has to deny DS records at all servers before there is a first key', async () => {
    bench.parent = [[], undefined];
    await bench.load();
    expect(bench.keeper.versions).toEqual([]);
    expect(keyFiles()).toEqual([]);
    expect(bench.status).toMatchObject({ state: 'waiting', reason: expect.stringContaining('1 of 2 servers') });
    bench.parent = [[], [Buffer.from('00010d0200', 'hex')]];
    await bench.run(2);
    expect(bench.keeper.versions).toEqual([]);
    expect(bench.status.reason).toContain('with DS records of key 1');
    bench.parent = [[], []];
    await bench.run(2);
    expect(bench.status).toMatchObject({ state: 'signed' });
    expect(keyFiles()).toHaveLength(1);
  });

  it('is asked again while it has to do something, and less often while it is silent', async () => {
    await bench.load();
    await bench.run(2);
    const first = bench.asked;
    await bench.run(10);
    const hourly = bench.asked - first;
    expect(hourly).toBeGreaterThanOrEqual(9);
    bench.parent = [undefined];
    await bench.run(10);
    expect(bench.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    bench.parent = [[]];
    bench.obey();
    await bench.run(6);
    expect(bench.lines.filter((line) => line.includes('all servers of its parent say again'))).toHaveLength(1);
    expect(bench.status.keys[0]?.records.ds).toBe('omnipresent');
    const { asked } = bench;
    await bench.run(3 * DAY);
    // Once a day, whether it is as it was.
    expect(bench.asked).toBe(asked + 3);
    await expect(bench.signing.dsSeen(NAME, bench.status.keys[0]!.id, true)).rejects.toMatchObject({
      code: 'ADOTD_DNSSEC_KEY',
    });
  });
});

describe('a zone that was signed before', () => {
  it('gets no new key by itself where nobody asks the parent', async () => {
    await bench.load();
    await bench.run(2);
    await bench.signing.dsSeen(NAME, bench.status.keys[0]!.id, true);
    await bench.run(4);
    bench.policy = undefined;
    await bench.crash();
    expect(bench.status.state).toBe('leaving');
    await bench.run(4);
    await bench.signing.dsSeen(NAME, bench.status.keys[0]!.id, false);
    await bench.run(8);
    expect(bench.status).toMatchObject({ state: 'unsigned', keys: [] });
    bench.policy = POLICY;
    await bench.crash();
    await bench.run(2);
    expect(bench.status).toMatchObject({ state: 'waiting', reason: expect.stringContaining('dnssec start a.test.') });
    await bench.signing.start(NAME);
    expect(bench.status).toMatchObject({ state: 'signed' });
  });
});

describe('what goes wrong', () => {
  it('refuses a state that was copied from another zone, and makes no key', async () => {
    await bench.load();
    const other = 'b.test.';
    bench.table.values.set(other, bench.table.values.get(NAME)!);
    await bench.keeper.load(other).catch(() => undefined);
    await bench.crash();
    expect(bench.signing.known.status(other)).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining(
        'the stored states of the keys of b.test. cannot be read: they are those of a.test.',
      ),
      keys: [],
    });
    expect(keyFiles()).toHaveLength(1);
    expect(bench.status.state).toBe('signed');
  });

  it('makes no key while the state cannot be stored, and one when it can', async () => {
    bench.table.isFull = true;
    await expect(bench.load()).rejects.toMatchObject({ code: 'ADOTD_STATE' });
    bench.signing.begin(bench.keeper);
    await bench.run(5);
    expect(bench.status).toMatchObject({ state: 'failed', reason: 'the disk is full', keys: [] });
    expect(bench.lines.filter((line) => line.startsWith('error'))).toEqual([
      'error: a.test. cannot be signed: the disk is full; what is served stays as it is, and it is tried again',
    ]);
    expect(keyFiles()).toHaveLength(1);
    bench.table.isFull = false;
    await bench.run(2);
    expect(bench.status).toMatchObject({ state: 'signed' });
    expect(keyFiles()).toEqual([`${bench.status.keys[0]?.id}.pem`]);
    expect(bench.lines).toContain('info: a.test. is signed again');
  });

  it.each([
    ['is missing', (path: string) => rmSync(path), 'no such file or directory'],
    ['is damaged', (path: string) => writeFileSync(path, 'x'), 'expected a private key in PEM'],
    ['has another key', (path: string) => writeFileSync(path, OTHER), 'found another private key'],
  ])('says which key %s, keeps the zone, and goes on with the same key when it is back', async (_, damage, reason) => {
    await bench.load();
    const { id } = bench.status.keys[0]!;
    const path = join(bench.folder, 'keys', `${id}.pem`);
    const pem = readFileSync(path);
    const [before] = bench.signing.exportKeys(NAME);
    damage(path);
    await bench.crash();
    await bench.run(3);
    expect(bench.keeper.versions).toHaveLength(1);
    expect(bench.status.state).toBe('failed');
    expect(bench.status.reason).toContain(path);
    expect(bench.status.reason).toContain(reason);
    expect(bench.status.reason).toContain('restore the file from a backup');
    expect(bench.status.keys.map((key) => key.id)).toEqual([id]);
    expect(() => bench.signing.exportKeys(NAME)).toThrow(path);
    if (reason.startsWith('found')) writeFileSync(path, pem);
    else await bench.signing.importKeys(NAME, [{ role: 'csk', key: before!.key }]);
    await bench.run(3);
    expect(bench.status).toMatchObject({ state: 'signed', keys: [{ id }] });
    expect(bench.keeper.versions).toHaveLength(2);
    expect(readFileSync(path)).toEqual(pem);
  });

  it('keeps a zone whose stored states are damaged, and makes no key', async () => {
    await bench.load();
    const whole = bench.table.values.get(NAME)!;
    bench.table.values.set(NAME, whole.subarray(0, whole.length - 5));
    await bench.crash();
    await bench.run(5);
    expect(bench.status).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('cannot be read: they are no JSON'),
    });
    expect(bench.signing.isSigner(NAME)).toBe(true);
    expect(bench.keeper.versions).toHaveLength(1);
    await expect(bench.keeper.resign(NAME)).rejects.toMatchObject({ code: 'ADOTD_STATE' });
    await expect(bench.signing.start(NAME)).rejects.toMatchObject({ code: 'ADOTD_STATE' });
    expect(keyFiles()).toHaveLength(1);
  });

  it('moves nothing while the clock is behind', async () => {
    await bench.load();
    bench.clock.ahead = -10 * HOUR;
    await bench.run(9);
    expect(bench.keeper.versions).toHaveLength(1);
    expect(bench.lines.filter((line) => line.includes('the clock was set back by'))).toHaveLength(1);
    await bench.run(4);
    expect(bench.keeper.versions).toHaveLength(2);
  });

  it.each([
    ['while it runs', false],
    ['and ends', true],
  ])('moves nothing early when the clock is set forward, and the server goes on %s', async (_, isRestarted) => {
    await bench.load();
    await bench.run(0.5);
    bench.clock.ahead = 100 * DAY * HOUR;
    await bench.run(0.6);
    if (isRestarted) await bench.crash();
    expect(bench.lines.filter((line) => line.includes('the clock was set forward by 8640000 s'))).toHaveLength(1);
    expect(bench.status.keys[0]?.records.dnskey).toBe('rumoured');
    await bench.run(0.05);
    expect(bench.status.keys[0]?.records.dnskey).toBe('rumoured');
    expect(bench.keeper.versions).toHaveLength(1);
    await bench.run(1.5);
    expect(bench.keeper.versions).toHaveLength(2);
    expect(bench.signing.known.figures.clockSets).toEqual({ back: 0, forward: isRestarted ? 0 : 1 });
  });

  it('tries again what the keeper could not sign, and says that once', async () => {
    bench.keeper.failure = new Error('a signature does not verify');
    await expect(bench.load()).rejects.toThrow();
    bench.signing.begin(bench.keeper);
    const { resigned } = bench.keeper;
    await bench.run(10);
    expect(bench.keeper.resigned - resigned).toBeGreaterThan(5);
    expect(bench.keeper.resigned - resigned).toBeLessThan(20);
    expect(bench.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
    bench.keeper.failure = undefined;
    await bench.run(2);
    expect(bench.status.state).toBe('signed');
  });
});

const OTHER = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
`;

describe('the figures of a server', () => {
  it('count its zones and keys, what the parent is waited for, and what has failed', async () => {
    await bench.load();
    const figures = () => bench.signing.known.figures;
    const none = { coming: 0, used: 0, going: 0 };
    expect(figures()).toMatchObject({
      zones: { signed: 1, failed: 0, frozen: 0 },
      keys: { csk: { ...none, coming: 1 }, ksk: none, zsk: none },
      parentWaits: 0,
      dsSeen: 0,
      failures: 0,
    });
    await bench.run(2);
    const [key] = bench.status.keys;
    expect(figures()).toMatchObject({ parentWaits: 1 });
    await bench.signing.dsSeen(NAME, key!.id, true);
    await bench.signing.freeze(NAME, true);
    expect(figures()).toMatchObject({ zones: { signed: 1, frozen: 1 }, parentWaits: 0, dsSeen: 1 });
    await bench.signing.freeze(NAME, false);
    await bench.run(3);
    expect(figures()).toMatchObject({ keys: { csk: { ...none, used: 1 } }, parentWaits: 0, dsSeen: 1 });
    expect(bench.signing.known.summary(NAME)).toMatchObject({
      policy: 'default',
      state: 'signed',
      isFrozen: false,
      keys: 1,
    });
    expect(bench.signing.known.problems).toEqual([]);
    bench.keeper.failure = new Error('no room');
    await bench.signing.roll(NAME, {});
    expect(figures()).toMatchObject({ zones: { signed: 0, failed: 1 }, failures: 1 });
    expect(bench.signing.known.problems).toEqual([`${NAME} cannot be signed: no room`]);
  });
});
