import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/schema.js';
import { configSchema } from '../../../src/config/schema.js';
import { isLaterSerial } from '../../../src/protocol/serial.js';
import { MemberPolicies } from '../../../src/server/catalogs/member-policies.js';
import { Catalogs } from '../../../src/server/catalogs/open-catalogs.js';
import { soundMembers, VERSION } from '../../transfer/catalog/catalog-zones.js';
import { imageOf, KeeperBench, withSerial } from '../zones/keeper-support.js';

const REMOTES = [{ name: 'first', addresses: ['192.0.2.1'] }];

function configOf(zones: object): Config {
  return configSchema.parse({ state: { folder: 'state' }, remotes: REMOTES, zones });
}

/** Catalogs beside a keeper of zones; secondaries are declared to it, and get their content by hand. */
class Bench extends KeeperBench {
  readonly lines: string[] = [];
  readonly catalogs9432: Catalogs;
  readonly memberPolicies: MemberPolicies;

  constructor(config: Config) {
    super();
    this.memberPolicies = new MemberPolicies(config, []);
    const note = (_: object, message: string): void => void this.lines.push(message);
    const { keeper, clock } = this;
    this.catalogs9432 = new Catalogs(config, {
      keeper,
      clock,
      secondaries: {
        remove: async (zones) => void (await Promise.all(zones.map((zone) => keeper.withdraw(zone)))),
        put: (members) => {
          for (const { zone } of members) keeper.declare(zone, 'secondary');
        },
      },
      table: { read: () => [], write: async () => undefined },
      follow: async (members) => (this.memberPolicies.follow(members) ? this.memberPolicies.config : undefined),
      log: { debug: note, info: note, warn: note, error: note },
    });
  }

  /** A version of a consumed catalog comes. */
  async transfer(zone: string, serial: number, ...lines: string[]): Promise<void> {
    this.keeper.declare(zone, 'catalog-consumed');
    const image = imageOf(zone.slice(0, -1), withSerial(serial, [VERSION, ...lines, ''].join('\n')));
    await this.keeper.adopt(zone, { image, differences: undefined, sourceSerial: serial });
    await this.settled();
  }

  /** What follows from a change has been done. */
  async settled(): Promise<void> {
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  zones(): Record<string, string> {
    return Object.fromEntries([...this.keeper.all()].map(({ zone, role }) => [zone, role]));
  }

  members(catalog: string): string[] {
    return [...soundMembers(this.keeper.get(catalog)?.image ?? new Uint8Array())].map(
      ([zone, { groups, coo }]) => `${zone}${groups.map((group) => ` ${group}`).join('')}${coo ? ` to ${coo}` : ''}`,
    );
  }
}

const ZONE = withSerial(1);
const CONSUMED = { catalogs: [{ zone: 'catalog.test', from: ['first'] }] };

describe('the catalogs that a server consumes', () => {
  async function consuming(files: Record<string, string> = {}): Promise<Bench> {
    const config = configOf(CONSUMED);
    const bench = new Bench(config);
    await bench.load(files);
    await bench.catalogs9432.configure(config);
    return bench;
  }

  it('make their members secondaries when they are published, and let them go', async () => {
    const bench = await consuming();
    await bench.transfer('catalog.test.', 1, 'x.zones PTR a.test.', 'y.zones PTR b.test.');
    expect(bench.zones()).toMatchObject({ 'a.test.': 'secondary', 'b.test.': 'secondary' });
    await bench.transfer('catalog.test.', 2, 'y.zones PTR b.test.');
    expect(Object.keys(bench.zones()).sort()).toEqual(['b.test.', 'catalog.test.']);
  });

  it('replace no zone of ours, no catalog, and add none in our zones', async () => {
    const bench = await consuming({ 'own.test': `${ZONE}cut 60 NS ns.elsewhere.test.\n` });
    const names = ['own.test.', 'catalog.test.', 'www.own.test.', 'ns.own.test.', 'a.ns.own.test.', 'x.catalog.test.'];
    const allowed = ['cut.own.test.', 'below.cut.own.test.', 'test.', '.', 'other.test.', 'below.other.test.'];
    const all = [...names, ...allowed];
    await bench.transfer('catalog.test.', 1, ...all.map((zone, i) => `m${i}.zones PTR ${zone}`));
    expect(Object.keys(bench.zones()).sort()).toEqual([...allowed, 'catalog.test.', 'own.test.'].sort());
    expect(bench.zones()['own.test.']).toBe('file');
    expect(bench.catalogs9432.followed()[0]).toMatchObject({ clashes: 6, members: 6 });
    expect(bench.catalogs9432.followed()[0]?.lines).toContain(
      'www.own.test. is not served: it lies in own.test., which does not delegate it',
    );
  });

  it('change nothing when they expire', async () => {
    const bench = await consuming();
    await bench.transfer('catalog.test.', 1, 'x.zones PTR a.test.');
    await bench.keeper.expire('catalog.test.');
    bench.catalogs9432.zonesChanged();
    await bench.settled();
    expect(bench.zones()).toHaveProperty(['a.test.']);
    expect(bench.catalogs9432.followed()[0]?.state).toBe('absent');
  });

  it('take hostile content without harm: 100,000 members that are ours, of others, or in our zones', async () => {
    const bench = await consuming({ 'own.test': ZONE, 'a.test': ZONE });
    const zone = (i: number): string => ['own.test.', 'a.test.'][i] ?? `m${i}.${i % 2 ? 'own.test.' : 'a.test.'}`;
    const lines = Array.from(
      { length: 100_000 },
      (_, i) => `\\${String(i % 256).padStart(3, '0')}l${i}.zones PTR ${zone(i)}`,
    );
    await bench.transfer('catalog.test.', 1, ...lines);
    expect(bench.zones()).toEqual({ 'own.test.': 'file', 'a.test.': 'file', 'catalog.test.': 'catalog-consumed' });
    const [status] = bench.catalogs9432.followed();
    expect([status?.clashes, status?.lines.length]).toEqual([100_000, 20]);
  });
});

describe('the catalogs that a server produces', () => {
  const PRODUCED = {
    policies: [
      { zones: ['a.test', 'b.test'], catalog: 'out.test', catalog_group: 'signed' },
      { zones: ['*.c.test'], catalog: 'out.test', catalog_owner: 'next.test' },
    ],
  };

  async function producing(files: readonly string[], zones: object = PRODUCED): Promise<Bench> {
    const config = configOf(zones);
    const bench = new Bench(config);
    await bench.load(Object.fromEntries(files.map((name) => [name, ZONE])));
    await bench.catalogs9432.configure(config);
    return bench;
  }

  it('have the zones whose policies say so, and others as they come', async () => {
    const bench = await producing(['a.test', 'x.c.test', 'd.test']);
    expect(bench.members('out.test.')).toEqual(['a.test. signed', 'x.c.test. to next.test.']);
    const before = bench.keeper.get('out.test.')?.serial ?? 0;
    await bench.load({ 'a.test': ZONE, 'x.c.test': ZONE, 'b.test': ZONE });
    await bench.settled();
    expect(bench.members('out.test.').sort()).toEqual(['a.test. signed', 'b.test. signed', 'x.c.test. to next.test.']);
    expect(isLaterSerial(before, bench.keeper.get('out.test.')?.serial ?? 0)).toBe(true);
  });

  it('follow the policies, and go with them', async () => {
    const bench = await producing(['a.test', 'b.test']);
    await bench.catalogs9432.configure(configOf({ policies: [{ zones: ['b.test'], catalog: 'out.test' }] }));
    expect(bench.members('out.test.')).toEqual(['b.test.']);
    await bench.catalogs9432.configure(configOf({}));
    expect(bench.zones()).toEqual({ 'a.test.': 'file', 'b.test.': 'file' });
  });

  it('have members of consumed catalogs by their groups', async () => {
    const policies = [{ groups: ['large'], catalog: 'out.test' }];
    const bench = await producing([], { ...CONSUMED, policies });
    await bench.transfer('catalog.test.', 1, 'x.zones PTR a.test.', 'group.x.zones TXT large', 'y.zones PTR b.test.');
    bench.catalogs9432.zonesChanged();
    await bench.settled();
    expect(bench.members('out.test.')).toEqual(['a.test.']);
  });
});
