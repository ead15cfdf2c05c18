import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ZoneStore } from '../../../src/state/zone-store.js';
import { Random } from '../../differential/random.js';
import { seedOr } from '../../support/seed.js';
import { contentLines, type FakeKeys, FakeSigners, newKeys } from './fake-signers.js';
import { changes, checkHistory, imageOf, KeeperBench, textOf, withSerial } from './keeper-support.js';

const START = 1_780_000_000;
const DAY = 86_400;
const STEPS = 30;
/** Runs; ADOTD_RUNS asks for another number. */
const RUNS = Number(process.env.ADOTD_RUNS ?? 10);
const FIRST = seedOr(1);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Delegations with and without DS, names below them, wildcards, empty non-terminals. Without a mistake in any combination. */
const RECORDS = [
  'n1 60 TXT v1',
  'n1 60 TXT v2',
  'n1 60 A 192.0.2.1',
  'n2 60 TXT v1',
  '*.w 60 TXT v1',
  'a.b.c 60 TXT v1',
  'b.c 60 A 192.0.2.2',
  'd 60 NS ns.elsewhere.',
  'x.d 60 A 192.0.2.3',
  'y.x.d 60 TXT v1',
  'e 60 NS ns.elsewhere.',
  'n3 300 MX 1 mail.elsewhere.',
];

/** The keys of all runs: making them takes longer than signing. */
const KEYS: readonly FakeKeys[] = [newKeys(), newKeys(false), newKeys()];

/** The slow and obvious zone: sets of records. */
class SignedModel {
  file = new Set<string>(RECORDS.slice(0, 4));
  zone = new Set<string>(this.file);
  fileSerial = 1;

  edit(edited: ReadonlySet<string>, serial: number): void {
    for (const record of RECORDS) {
      if (edited.has(record) === this.file.has(record)) continue;
      if (edited.has(record)) this.zone.add(record);
      else this.zone.delete(record);
    }
    this.file = new Set(edited);
    this.fileSerial = serial;
  }
}

/** Filled in by whoever signs. */
const DIGEST = `@ 60 ZONEMD 1 1 1 ${'00'.repeat(48)}\n`;
const fileText = (serial: number, records: Iterable<string>, digest: string): string =>
  withSerial(serial, [...records].map((record) => `${record}\n`).join('') + digest);

class SignedRun {
  readonly random: Random;
  readonly signers = new FakeSigners();
  readonly model = new SignedModel();
  /** Texts by serial: none stands for two. */
  readonly images = new Map<number, Uint8Array>();
  readonly #folder = mkdtempSync(join(tmpdir(), 'adotd-signing-'));
  readonly #digest: string;
  #now = START;
  bench!: KeeperBench;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.signers.keys = this.random.pick(KEYS);
    this.#digest = this.random.pick(['', DIGEST]);
    folders.push(this.#folder);
  }

  async start(): Promise<void> {
    const store = await ZoneStore.open(join(this.#folder, 'state'), { report: () => undefined });
    this.bench = new KeeperBench(store, this.signers);
    this.bench.clock.now = this.#now * 1000;
    this.bench.policies.set('a.test.', { serial: 'increment' });
    await this.bench.load({ 'a.test': fileText(this.model.fileSerial, this.model.file, this.#digest) });
  }

  /** Has the next version fail, or not. */
  break(): boolean {
    const isBroken = this.random.chance(0.2);
    const how = this.random.pick(['disk', 'plan', 'key', 'none made'] as const);
    this.bench.state!.isFull = isBroken && how === 'disk';
    this.signers.failure = isBroken && how !== 'disk' ? how : undefined;
    return isBroken;
  }

  repair(): void {
    this.bench.state!.isFull = false;
    this.signers.failure = undefined;
  }

  async change(): Promise<void> {
    const record = this.random.pick(RECORDS);
    const isThere = this.model.zone.has(record);
    const [owner, , ...rest] = record.split(' ');
    const isBroken = this.break();
    const line = isThere ? `-${owner} ${rest.join(' ')}` : `+${record}`;
    const done = await this.bench.keeper.change('a.test.', changes(line)).then(
      () => true,
      () => false,
    );
    if (!isBroken) expect(done).toBe(true);
    if (!done) return;
    if (isThere) this.model.zone.delete(record);
    else this.model.zone.add(record);
  }

  async edit(): Promise<void> {
    const edited = new Set(this.model.file);
    for (let i = this.random.below(3); i >= 0; i--) {
      const record = this.random.pick(RECORDS);
      if (!edited.delete(record)) edited.add(record);
    }
    const { fileSerial } = this.model;
    const serial = this.random.pick([fileSerial, fileSerial + 1, this.serial + this.random.between(1, 9)]);
    const isBroken = this.break();
    const report = await this.bench.load({ 'a.test': fileText(serial, edited, this.#digest) });
    if (!isBroken) expect(report.diagnostics).toEqual([]);
    if (report.sound) this.model.edit(edited, serial);
  }

  /** Time passes, keys and policy change; those who have the keys ask for what follows. */
  async resign(): Promise<void> {
    const { random, signers } = this;
    if (random.chance(0.5)) this.#now += random.below(3 * DAY);
    this.bench.clock.now = this.#now * 1000;
    if (random.chance(0.3)) signers.keys = random.chance(0.15) ? 'gone' : random.pick(KEYS);
    if (random.chance(0.2)) {
      const chain = random.pick([{ nsec3: undefined }, { nsec3: { optOut: false } }, { nsec3: { optOut: true } }]);
      signers.policy = { ...signers.policy, ...chain };
    }
    if (this.break()) await this.bench.keeper.resign('a.test.').catch(() => undefined);
    this.repair();
    const { nextDue, serial } = await this.bench.keeper.resign('a.test.');
    if (signers.keys === 'gone') expect(nextDue).toBeUndefined();
    else expect(nextDue).toBeGreaterThan(this.#now);
    expect(await this.bench.keeper.resign('a.test.')).toEqual({ serial, made: 0, early: 0, nextDue });
  }

  async restart(): Promise<void> {
    this.repair();
    const before = this.bench.answered('a.test.');
    const { plan } = this.bench.keeper.get('a.test.')!;
    await this.bench.keeper.close();
    await this.start();
    expect(this.bench.answered('a.test.')).toBe(before);
    if (plan === this.signers.id)
      expect(await this.bench.keeper.resign('a.test.')).toMatchObject({ serial: this.serial, made: 0 });
  }

  get serial(): number {
    return this.bench.keeper.get('a.test.')!.serial;
  }

  check(where: string): void {
    const { signers, bench, model } = this;
    const { plan, image, serial, history } = bench.keeper.get('a.test.')!;
    const text = String(bench.answered('a.test.'));
    expect(text, where).toBe(textOf(image!));
    const isByKeys = plan === signers.id;
    const mistakes = signers.mistakes('a.test', text, this.#now, isByKeys ? signers.keys : 'none');
    expect(mistakes, where).toEqual([]);
    const content = imageOf('a.test', fileText(serial, model.zone, this.#digest));
    const lines = (zone: string): string[] => contentLines(zone).map((line) => line.replace(/ ZONEMD .*/, ' ZONEMD'));
    expect(lines(text), where).toEqual(lines(textOf(content)));
    if (isByKeys) expect(/ IN (RRSIG|DNSKEY|NSEC3?) /.test(text), where).toBe(signers.keys !== 'gone');
    const known = this.images.get(serial);
    if (known) expect(textOf(known), where).toBe(text);
    this.images.set(serial, Uint8Array.from(image!));
    checkHistory(history, this.images, image!, where);
  }
}

describe('edited files, changes, other keys, renewals, failures and restarts in any order', () => {
  it.each(Array.from({ length: RUNS }, (_, i) => FIRST + i))('leave a zone that verifies: seed %d', async (seed) => {
    const run = new SignedRun(seed);
    await run.start();
    for (let step = 0; step < STEPS; step++) {
      const deed = run.random.weighted([
        [4, 'change'],
        [3, 'edit'],
        [3, 'resign'],
        [2, 'restart'],
      ] as const);
      await run[deed]();
      run.check(`seed ${seed}, step ${step}, ${deed}`);
    }
    await run.bench.keeper.close();
  });
});
