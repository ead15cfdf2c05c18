import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/config/schema.js';
import { load } from '../../../src/image/load.js';
import { type Log, silentLog } from '../../../src/observe/log.js';
import { Type } from '../../../src/protocol/iana.js';
import { nameFromText } from '../../../src/protocol/name.js';
import { rdataToText } from '../../../src/protocol/rdata/print.js';
import type { DnssecPolicy } from '../../../src/server/signing/dnssec-policy.js';
import type { ZoneSigners } from '../../../src/server/signing/zone-signers.js';
import { ZoneSigning } from '../../../src/server/signing/zone-signing.js';
import { ZoneStore } from '../../../src/state/zone-store.js';
import { formatDiagnostic } from '../../../src/zone/diagnostics.js';
import { changes, KeeperBench, ZONE } from '../zones/keeper-support.js';
import { ASKED, NAME } from './signing-support.js';

const folder = mkdtempSync(join(tmpdir(), 'adotd-life-'));
let running: Running | undefined;
beforeEach(() => {
  mkdirSync(folder, { recursive: true });
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  rmSync(folder, { recursive: true, force: true });
});

type Published = { readonly serial: number; readonly keys: number; readonly algorithms: string; readonly cds: number };

/** A keeper and what signs, on a state folder, below a parent that does what CDS asks for. */
class Running {
  readonly bench: KeeperBench;
  readonly signing: ZoneSigning;

  private constructor(
    store: ZoneStore,
    now: number,
    policy: DnssecPolicy | undefined,
    parent: () => Uint8Array[],
    log: Log,
  ) {
    const signing = (): ZoneSigning => this.signing;
    const signers: ZoneSigners = {
      isSigner: (zone) => signing().isSigner(zone),
      plan: (zone, content, given) => signing().plan(zone, content, given),
      foreignOf: (zone) => signing().foreignOf(zone),
      signed: (work) => signing().signed(work),
      published: (zone, plan) => signing().published(zone, plan),
    };
    this.bench = new KeeperBench(store, signers);
    this.bench.clock.now = now;
    this.use(policy);
    this.signing = ZoneSigning.open(defaultConfig(), {
      state: this.bench.state!,
      folder: join(folder, 'state'),
      clock: this.bench.clock,
      log,
      askParent: async () => [parent(), parent()],
      wishOf: (zone) => ({ dnssec: this.bench.policies.get(zone)?.dnssec, isOff: true }),
    });
  }

  static async open(
    now: number,
    policy: DnssecPolicy | undefined,
    parent: () => Uint8Array[],
    log: Log = silentLog,
  ): Promise<Running> {
    const store = await ZoneStore.open(join(folder, 'state'), { report: () => undefined });
    const running = new Running(store, now, policy, parent, log);
    await running.bench.load({ 'a.test': ZONE });
    await running.bench.keeper.settled(NAME);
    running.signing.begin(running.bench.keeper);
    return running;
  }

  use(dnssec: DnssecPolicy | undefined): void {
    this.bench.policies.set(NAME, { serial: 'increment', dnssec });
  }

  text(): string {
    return String(this.bench.answered(NAME));
  }

  async close(): Promise<void> {
    await this.signing.close();
    await this.bench.keeper.close();
  }
}

/** RDATA of all signatures of the zone. */
const signaturesOf = (one: Running): string[] =>
  [...one.text().matchAll(/ IN RRSIG (.*)$/gm)].map(([, rdata = '']) => rdata);

/** RDATA of the records of a type at the apex. */
const linesOf = (text: string, type: string): string[] =>
  [...text.matchAll(new RegExp(`^a\\.test\\. \\d+ IN ${type} (.*)$`, 'gm'))].map(([, rdata = '']) => rdata);

it('a zone lives from its first key to unsigned, sound at each version, across restarts, while it is changed', async () => {
  let ds: Uint8Array[] = [];
  let now = 1_780_000_000_000;
  let policy: DnssecPolicy | undefined;
  const versions: Published[] = [];
  const rollover = (algorithm: number): DnssecPolicy => ({
    ...ASKED,
    rollover: {
      ...ASKED.rollover,
      keys: (['ksk', 'zsk'] as const).map((role) => ({ role, algorithm, lifetime: undefined })),
    },
  });
  const open = async (): Promise<Running> => (running = await Running.open(now, policy, () => ds));

  /** Judges what is served now, and lets the parent follow it. */
  const judge = (one: Running): void => {
    const text = one.text();
    const source = { file: 'z', bytes: Buffer.from(text), origin: nameFromText('a.test') };
    const { diagnostics } = load(source, { now: one.bench.clock.seconds(), dnssecCheck: () => 'strict' });
    expect(diagnostics.list.filter(({ severity }) => severity === 'error').map(formatDiagnostic)).toEqual([]);
    const keys = linesOf(text, 'DNSKEY');
    const algorithms = new Set(linesOf(text, 'RRSIG').map((rdata) => rdata.split(' ')[1]));
    const cds = linesOf(text, 'CDS');
    const signers = linesOf(text, 'RRSIG').flatMap((rdata) => (rdata.startsWith('DNSKEY ') ? rdata.split(' ')[6] : []));
    for (const rdata of ds) expect(signers).toContain(rdataToText(Type.DS, rdata).split(' ')[0]);
    const { serial } = one.bench.keeper.get(NAME)!;
    const version = { serial, keys: keys.length, algorithms: [...algorithms].sort().join(), cds: cds.length };
    if (versions.at(-1)?.serial !== serial) versions.push(version);
    if (cds.length === 0) return;
    ds = cds[0] === '0 0 0 00' ? [] : cds.map((rdata) => dsOf(rdata));
  };
  const hours = async (one: Running, count: number): Promise<void> => {
    let judged: number | undefined;
    for (let i = 0; i < count * 6; i++) {
      one.bench.clock.advance(600_000);
      await one.signing.settled();
      const { serial } = one.bench.keeper.get(NAME)!;
      if (serial !== judged) judge(one);
      judged = serial;
    }
    now = one.bench.clock.now;
  };

  policy = rollover(13);
  let one = await open();
  await hours(one, 20);
  expect(versions.at(-1)).toMatchObject({ keys: 2, algorithms: '13', cds: 1 });
  await one.signing.roll(NAME, { role: 'zsk' });
  await hours(one, 1);
  expect(versions.at(-1)).toMatchObject({ keys: 3 });
  const { made } = one.signing.known.figures;
  // The zone as a whole, and for the second ZSK the DNSKEY RRset.
  expect(made).toEqual({ change: 0, renewal: expect.any(Number), whole: expect.any(Number) });
  expect([made.whole, made.renewal].every((count) => count > 0)).toBe(true);
  await one.close();
  one = await open();
  await one.bench.keeper.change(NAME, changes('+x 60 A 192.0.2.2'));
  const { times, made: later } = one.signing.known.figures;
  expect(later).toMatchObject({ whole: 0 });
  expect(later.change).toBeGreaterThan(1);
  expect(times.change.counts.reduce((sum, count) => sum + count)).toBe(1);
  expect(times.change.sum).toBeGreaterThan(0);
  await hours(one, 20);
  expect(versions.at(-1)).toMatchObject({ keys: 2 });
  await one.signing.roll(NAME, { role: 'ksk' });
  await hours(one, 20);
  policy = rollover(15);
  one.use(policy);
  one.signing.configure(defaultConfig());
  await hours(one, 3);
  await one.close();
  one = await open();
  await hours(one, 30);
  expect(versions.at(-1)).toMatchObject({ keys: 2, algorithms: '15', cds: 1 });
  await hours(one, 24 * 15);
  expect(linesOf(one.text(), 'RRSIG').length).toBeGreaterThan(0);
  policy = undefined;
  one.use(policy);
  one.signing.configure(defaultConfig());
  await hours(one, 30);
  expect(versions.at(-1)).toMatchObject({ keys: 0, algorithms: '', cds: 0 });
  expect(one.signing.known.status(NAME)).toMatchObject({ state: 'unsigned', keys: [] });
  expect(one.text()).toContain('x.a.test. 60 IN A 192.0.2.2');
  expect(ds).toEqual([]);
  const serials = versions.map(({ serial }) => serial);
  expect(serials).toEqual([...serials].sort((a, b) => a - b));
});

/** RDATA of a DS record in presentation format. */
function dsOf(text: string): Uint8Array {
  const [tag = '', algorithm = '', digest = '', ...hex] = text.split(' ');
  return Buffer.concat([
    Buffer.from([Number(tag) >> 8, Number(tag) & 255, Number(algorithm), Number(digest)]),
    Buffer.from(hex.join(''), 'hex'),
  ]);
}

it('a clock that was ahead, and is right again, leaves no signature that is not valid yet, and somebody says that it is right', async () => {
  const real = 1_780_000_000_000;
  const ahead = real + 365 * 86_400_000;
  const policy = { ...ASKED, rollover: { ...ASKED.rollover, isParentAsked: false }, parent: [] };
  const first = await Running.open(ahead, policy, () => []);
  first.bench.clock.advance(1000);
  await first.signing.settled();
  expect(signaturesOf(first)).toHaveLength(6);
  await first.close();
  const lines: string[] = [];
  const second = await Running.open(real, policy, () => [], { ...silentLog, warn: (_, text) => void lines.push(text) });
  second.bench.clock.advance(1000);
  await second.signing.settled();
  const now = real / 1000;
  const times = () =>
    signaturesOf(second).map((rdata) => {
      const [, , , , end = '', begin = ''] = rdata.split(' ');
      return [secondsOf(begin), secondsOf(end)] as const;
    });
  for (const [begin, end] of times()) {
    expect(begin).toBeLessThanOrEqual(now);
    expect(end).toBeGreaterThan(ahead / 1000);
  }
  expect(lines).toEqual([
    expect.stringMatching(/^a\.test\.: found \d+ RRsets with signatures that begin in the future/),
  ]);
  await expect(second.signing.sign(NAME, false)).rejects.toThrow('add --clock-is-right');
  expect(await second.signing.sign(NAME, true)).toBe(times().length);
  for (const [, end] of times()) expect(end).toBeLessThanOrEqual(now + 14 * 86_400 + 60);
  expect(await second.signing.sign(NAME, false)).toBe(times().length);
  // The key's times have been set back too: it becomes known to all resolvers.
  second.bench.clock.advance(86_400_000);
  await second.signing.settled();
  expect(second.signing.known.status(NAME)?.keys[0]?.records.dnskey).toBe('omnipresent');
  await second.close();
});

/** From YYYYMMDDHHmmSS (RFC 4034 §3.2) to seconds since 1970. */
function secondsOf(text: string): number {
  return Date.parse(text.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z')) / 1000;
}
