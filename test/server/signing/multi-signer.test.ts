/** A zone that two servers sign, each with keys of its own (RFC 8901): keys of the one come to the other by UPDATE or by its file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/config/schema.js';
import { generateKey } from '../../../src/dnssec/keys/signing-key.js';
import { keyTag } from '../../../src/dnssec/keys.js';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import { ImageView, type ZoneView } from '../../../src/image/changes/zone-view.js';
import { load } from '../../../src/image/load.js';
import { keysOfView } from '../../../src/image/signed/key-records.js';
import { silentLog } from '../../../src/observe/log.js';
import { Type } from '../../../src/protocol/iana.js';
import { nameFromText } from '../../../src/protocol/name.js';
import type { DnssecPolicy } from '../../../src/server/signing/dnssec-policy.js';
import type { ZoneSigners } from '../../../src/server/signing/zone-signers.js';
import { ZoneSigning } from '../../../src/server/signing/zone-signing.js';
import { ZoneStore } from '../../../src/state/zone-store.js';
import { formatDiagnostic } from '../../../src/zone/diagnostics.js';
import { changes, KeeperBench, ZONE } from '../zones/keeper-support.js';
import { NAME, POLICY } from './signing-support.js';

const folders: string[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const MULTI: DnssecPolicy = {
  ...POLICY,
  rollover: {
    ...POLICY.rollover,
    isParentAsked: true,
    hasOtherSigners: true,
    keys: (['ksk', 'zsk'] as const).map((role) => ({ role, algorithm: 13, lifetime: undefined })),
  },
  parent: ['parent'],
  signers: ['other'],
};

interface World {
  now: number;
  ds: readonly Uint8Array[];
}

class Server {
  readonly bench: KeeperBench;
  readonly signing: ZoneSigning;
  readonly folder: string;
  other: Server | undefined;

  private constructor(store: ZoneStore, folder: string, world: World, policy: DnssecPolicy | undefined) {
    const signing = (): ZoneSigning => this.signing;
    const signers: ZoneSigners = {
      isSigner: (zone) => signing().isSigner(zone),
      plan: (zone, content, given) => signing().plan(zone, content, given),
      foreignOf: (zone) => signing().foreignOf(zone),
      published: (zone, plan) => signing().published(zone, plan),
    };
    this.folder = folder;
    this.bench = new KeeperBench(store, signers);
    this.bench.clock.now = world.now;
    this.use(policy);
    this.signing = ZoneSigning.open(defaultConfig(), {
      state: this.bench.state!,
      folder,
      clock: this.bench.clock,
      log: silentLog,
      askParent: async () => [[...world.ds]],
      askSigners: async () => [this.other === undefined ? undefined : { ttl: 3600, ...this.other.shown }],
      wishOf: (zone) => ({ dnssec: this.bench.policies.get(zone)?.dnssec, isOff: true }),
    });
  }

  static async open(
    world: World,
    policy: DnssecPolicy | undefined = MULTI,
    text = ZONE,
    before?: Server,
  ): Promise<Server> {
    const folder = before?.folder ?? mkdtempSync(join(tmpdir(), 'adotd-multi-'));
    if (before === undefined) folders.push(folder);
    const server = new Server(await ZoneStore.open(folder, { report: () => undefined }), folder, world, policy);
    servers.push(server);
    await server.bench.load({ 'a.test': text });
    await server.bench.keeper.settled(NAME);
    server.signing.begin(server.bench.keeper);
    return server;
  }

  use(dnssec: DnssecPolicy | undefined): void {
    this.bench.policies.set(NAME, { serial: 'increment', dnssec });
  }

  /** The keys that are served. */
  get shown() {
    return keysOfView(new ImageView(this.bench.keeper.get(NAME)!.image!));
  }

  get serial(): number {
    return this.bench.keeper.get(NAME)!.serial;
  }

  text(): string {
    return String(this.bench.answered(NAME));
  }

  /** Tags of the DNSKEY records that are served. */
  tags(): number[] {
    return this.shown.dnskey.map(keyTag).sort((a, b) => a - b);
  }

  /** Tags of the keys that CDS records ask for. */
  cds(): number[] {
    return this.shown.cds.map((rdata) => (rdata[0]! << 8) | rdata[1]!).sort((a, b) => a - b);
  }

  own(role: string): number[] {
    return this.signing.known
      .status(NAME)!
      .keys.filter((key) => key.role === role)
      .map(({ tag }) => tag);
  }

  mistakes(): string[] {
    const source = { file: 'z', bytes: Buffer.from(this.text()), origin: nameFromText('a.test') };
    const { diagnostics } = load(source, { now: this.bench.clock.seconds(), dnssecCheck: () => 'strict' });
    return diagnostics.list.filter(({ severity }) => severity === 'error').map(formatDiagnostic);
  }

  async close(): Promise<void> {
    await this.signing.close();
    await this.bench.keeper.close();
  }
}

/** Brings the keys that a server has of its own to another, as UPDATE does: with those of the other, which it has as well. */
async function bring(from: Server, to: Server): Promise<void> {
  const keys = from.signing.known.status(NAME)!.keys;
  const own = new Set(keys.map(({ tag }) => tag));
  const gone = [...to.shown.dnskey].filter(
    (rdata) => !from.shown.dnskey.some((one) => Buffer.compare(one, rdata) === 0),
  );
  const others = new Set(to.signing.known.status(NAME)!.keys.map(({ tag }) => tag));
  await to.bench.keeper.change(NAME, (view: ZoneView) => {
    const pending = new PendingView(view);
    for (const rdata of gone) if (!others.has(keyTag(rdata))) pending.remove(view.apex, Type.DNSKEY, rdata);
    for (const rdata of from.shown.dnskey) pending.add(view.apex, Type.DNSKEY, { ttl: 60, rdata });
    for (const [type, list] of [
      [Type.CDS, 'cds'],
      [Type.CDNSKEY, 'cdnskey'],
    ] as const) {
      const tagOf = (rdata: Uint8Array): number => (type === Type.CDS ? (rdata[0]! << 8) | rdata[1]! : keyTag(rdata));
      for (const { rdata } of view.rrset(view.apex, type))
        if (!others.has(tagOf(rdata))) pending.remove(view.apex, type, rdata);
      for (const rdata of from.shown[list]) if (own.has(tagOf(rdata))) pending.add(view.apex, type, { ttl: 60, rdata });
    }
    return pending.changes();
  });
}

/** Goes on for so many hours; the parent follows the CDS records that both show. */
async function hours(world: World, count: number, ...all: readonly Server[]): Promise<void> {
  for (let i = 0; i < count * 6; i++) {
    world.now += 600_000;
    for (const one of all) {
      one.bench.clock.advance(600_000);
      await one.signing.settled();
    }
    const [{ cds = [] } = {}] = all.map(({ shown }) => shown).filter((shown) => shown.cds.length > 0);
    if (cds.length > 0 && all.every(({ shown }) => shown.cds.length === 0 || shown.cds.length === cds.length))
      world.ds = cds;
  }
}

const tagsOf = (...lists: readonly (readonly number[])[]): number[] => lists.flat().sort((a, b) => a - b);

describe('a zone with two signers', () => {
  it('has the keys of both at both, rolls only when the other one has the key, and is sound', async () => {
    const world: World = { now: 1_780_000_000_000, ds: [] };
    const first = await Server.open(world, {
      ...MULTI,
      signers: [],
      rollover: { ...MULTI.rollover, hasOtherSigners: false },
    });
    await hours(world, 20, first);
    expect(world.ds).toHaveLength(1);
    // The second one joins: the DS record of the first one is no reason to wait.
    first.use(MULTI);
    first.signing.configure(defaultConfig());
    const second = await Server.open(world);
    [first.other, second.other] = [second, first];
    await bring(first, second);
    await hours(world, 1, first, second);
    expect(second.own('zsk')).toHaveLength(1);
    await bring(second, first);
    await hours(world, 12, first, second);
    await bring(second, first);
    await bring(first, second);
    await hours(world, 12, first, second);
    const all = tagsOf(first.own('ksk'), first.own('zsk'), second.own('ksk'), second.own('zsk'));
    expect([first.tags(), second.tags()]).toEqual([all, all]);
    expect([first.cds(), second.cds()]).toEqual([tagsOf(first.own('ksk'), second.own('ksk')), first.cds()]);
    expect(world.ds).toHaveLength(2);

    // A ZSK waits for the other signer.
    const [old = 0] = first.own('zsk');
    await first.signing.roll(NAME, { role: 'zsk' });
    await hours(world, 24, first, second);
    const next = first.own('zsk').find((tag) => tag !== old)!;
    expect(first.text()).not.toMatch(new RegExp(`RRSIG SOA .* ${next} a.test.`));
    expect(
      first.signing.known
        .status(NAME)!
        .keys.flatMap(({ waits }) => waits)
        .join(),
    ).toContain('the other signers');
    await bring(first, second);
    await hours(world, 6, first, second);
    expect(first.text()).toMatch(new RegExp(`RRSIG SOA .* ${next} a.test.`));
    await bring(first, second);
    await hours(world, 12, first, second);
    expect(first.own('zsk')).toEqual([next]);
    expect([...first.mistakes(), ...second.mistakes()]).toEqual([]);

    // A KSK waits until the other signer asks the parent for it.
    const [oldKsk = 0] = second.own('ksk');
    await second.signing.roll(NAME, { role: 'ksk' });
    await hours(world, 24, first, second);
    expect(second.own('ksk')).toHaveLength(2);
    await bring(second, first);
    // The parent followed the new CDS records after a day: it may still follow those that the first signer had until now, as late.
    await hours(world, 12, first, second);
    expect(second.own('ksk')).toHaveLength(2);
    await hours(world, 36, first, second);
    await bring(second, first);
    await hours(world, 4, first, second);
    expect(second.own('ksk')).toHaveLength(1);
    expect(second.own('ksk')).not.toContain(oldKsk);
    expect(first.cds()).toEqual(second.cds());

    // The second one leaves: its keys are taken out of the content.
    const foreign = second.signing.known.status(NAME)!.keys.map(({ tag }) => tag);
    first.use({ ...MULTI, signers: [], rollover: { ...MULTI.rollover, hasOtherSigners: false } });
    first.signing.configure(defaultConfig());
    await first.bench.keeper.change(NAME, (view) => {
      const pending = new PendingView(view);
      for (const { rdata } of view.rrset(view.apex, Type.DNSKEY))
        if (foreign.includes(keyTag(rdata))) pending.remove(view.apex, Type.DNSKEY, rdata);
      for (const type of [Type.CDS, Type.CDNSKEY]) pending.removeRrset(view.apex, type);
      return pending.changes();
    });
    await hours(world, 1, first);
    expect(first.tags()).toEqual(tagsOf(first.own('ksk'), first.own('zsk')));
    expect(first.cds()).toEqual(first.own('ksk'));
    expect(first.signing.known.status(NAME)!.foreignKeys).toBeUndefined();
  });

  it('refuses keys of others without multi_signer, and those of another algorithm', async () => {
    const world: World = { now: 1_780_000_000_000, ds: [] };
    const key = generateKey(15, false);
    const add = (view: ZoneView) => {
      const pending = new PendingView(view);
      pending.add(view.apex, Type.DNSKEY, { ttl: 60, rdata: key.dnskey });
      return pending.changes();
    };
    const alone = await Server.open(world, {
      ...MULTI,
      signers: [],
      rollover: { ...MULTI.rollover, hasOtherSigners: false },
    });
    await expect(alone.bench.keeper.change(NAME, add)).rejects.toThrow(/expected no record that signing makes/);
    const shared = await Server.open(world);
    await hours(world, 1, shared);
    await expect(shared.bench.keeper.change(NAME, add)).rejects.toThrow(
      /all signers of a zone use one algorithm \(RFC 8901/,
    );
    const removal = changes('+@ 60 CDS 0 0 0 00');
    await expect(shared.bench.keeper.change(NAME, removal)).rejects.toThrow(/asks the parent to remove all DS records/);
    expect(shared.signing.known.status(NAME)).toMatchObject({ state: 'signed' });
  });

  it('takes keys from its file, gives those up that the file has no more, keeps them over a restart, and stays signed with them', async () => {
    const world: World = { now: 1_780_000_000_000, ds: [] };
    const [mine, theirs] = [generateKey(13, false), generateKey(13, false)];
    const line = (rdata: Uint8Array): string =>
      `@ 300 DNSKEY ${(rdata[0]! << 8) | rdata[1]!} ${rdata[2]} ${rdata[3]} ${Buffer.from(rdata.subarray(4)).toString('base64')}\n`;
    const withKeys = (serial: number, ...keys: readonly Uint8Array[]): string =>
      ZONE.replace('h 1 2', `h ${serial} 2`) + keys.map(line).join('');
    let server = await Server.open(world, MULTI, withKeys(1, mine.dnskey));
    await hours(world, 1, server);
    expect(server.tags()).toContain(mine.tag);
    expect(server.mistakes()).toEqual([]);
    await server.bench.load({ 'a.test': withKeys(2, mine.dnskey, theirs.dnskey) });
    await hours(world, 1, server);
    expect(server.tags()).toEqual(expect.arrayContaining([mine.tag, theirs.tag]));
    // What UPDATE has taken away does not come back with the file, as long as that is the same there.
    await server.bench.keeper.change(NAME, (view) => {
      const pending = new PendingView(view);
      pending.remove(view.apex, Type.DNSKEY, mine.dnskey);
      return pending.changes();
    });
    const { serial } = server;
    await server.close();
    servers.splice(0);
    server = await Server.open(world, MULTI, withKeys(2, mine.dnskey, theirs.dnskey), server);
    await hours(world, 1, server);
    expect(server.tags()).toContain(theirs.tag);
    expect(server.tags()).not.toContain(mine.tag);
    expect(server.serial).toBe(serial);
    // Another serial brings nothing back either; the same content is not signed again.
    await server.bench.load({ 'a.test': withKeys(2, mine.dnskey, theirs.dnskey) });
    await hours(world, 1, server);
    expect([server.serial, server.tags().includes(mine.tag)]).toEqual([serial, false]);
    // Without a policy, it stays signed while there are keys of others.
    server.use(undefined);
    server.signing.configure(defaultConfig());
    await hours(world, 12, server);
    expect(server.signing.known.status(NAME)).toMatchObject({
      state: 'leaving',
      reason: expect.stringContaining('other signers'),
    });
    expect(server.text()).toContain('RRSIG');
    await server.bench.load({ 'a.test': withKeys(3) });
    await hours(world, 1, server);
    expect(server.tags()).not.toContain(theirs.tag);
    expect(server.signing.known.status(NAME)!.keys.every(({ goal }) => goal === 'hidden')).toBe(true);
  });
});
