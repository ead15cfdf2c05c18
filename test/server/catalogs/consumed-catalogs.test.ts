import { describe, expect, it } from 'vitest';
import type { Log } from '../../../src/observe/log.js';
import { ConsumedCatalogs, type MemberTable, type MemberZone } from '../../../src/server/catalogs/consumed-catalogs.js';
import type { OwnedMember } from '../../../src/transfer/catalog/catalog-owners.js';
import { catalogImage, VERSION } from '../../transfer/catalog/catalog-zones.js';

/** A table in memory, which can fail. */
class FakeTable implements MemberTable {
  readonly rows = new Map<string, OwnedMember>();
  fails = false;

  read(): readonly OwnedMember[] {
    return [...this.rows.values()];
  }

  async write(put: readonly OwnedMember[], gone: readonly string[]): Promise<void> {
    if (this.fails) throw new Error('the disk is full');
    for (const zone of gone) this.rows.delete(zone);
    for (const member of put) this.rows.set(member.zone, member);
  }
}

/** What catalogs see of a server. */
class FakeServer {
  readonly catalogs = new Map<string, Uint8Array>();
  readonly table: FakeTable;
  readonly ours = new Set<string>();
  /** Members that are served, and their primaries. */
  readonly served = new Map<string, string>();
  /** Members whose policies are in force, and whether each was served then. */
  followed: ReadonlyMap<string, boolean> = new Map();
  readonly lines: string[] = [];
  readonly consumed: ConsumedCatalogs;
  #serial = 0;

  constructor(table = new FakeTable()) {
    this.table = table;
    const note = (_: object, message: string): void => void this.lines.push(message);
    const log: Log = { debug: note, info: note, warn: note, error: note };
    this.consumed = new ConsumedCatalogs({
      servedCatalog: (zone) => {
        const image = this.catalogs.get(zone);
        return image && { image, serial: this.#serial };
      },
      isOurs: (zone) => this.ours.has(zone),
      refusal: () => undefined,
      zones: {
        remove: async (zones) => {
          for (const zone of zones) this.served.delete(zone);
        },
        put: (members: readonly MemberZone[]) => {
          for (const { zone, from } of members) this.served.set(zone, from.join());
        },
      },
      table,
      follow: async (members) => {
        this.followed = new Map(members.map(({ zone }) => [zone, this.served.has(zone)]));
      },
      log,
    });
  }

  /** The catalog gets a version with these lines. */
  async version(zone: string, lines: readonly string[] | undefined): Promise<void> {
    this.#serial++;
    if (lines === undefined) this.catalogs.delete(zone);
    else this.catalogs.set(zone, catalogImage(lines, zone));
    await this.consumed.settle();
  }

  state(zone: string): string | undefined {
    return this.consumed.status().find((status) => status.zone === zone)?.state;
  }
}

const CATALOG = 'catalog.example.';
const FOLLOWED = [{ zone: CATALOG, from: ['first'] }];
const member = (label: number | string, zone = `m${label}.example.`): string => `${label}.zones PTR ${zone}`;
const many = (count: number): string[] => [VERSION, ...Array.from({ length: count }, (_, i) => member(i))];

async function following(lines: readonly string[], table?: FakeTable): Promise<FakeServer> {
  const server = new FakeServer(table);
  await server.consumed.configure(FOLLOWED);
  await server.version(CATALOG, lines);
  return server;
}

describe('a consumed catalog', () => {
  it('makes its members secondaries with its primaries', async () => {
    const server = await following(many(2));
    expect([...server.served]).toEqual([
      ['m0.example.', 'first'],
      ['m1.example.', 'first'],
    ]);
    // Their policies are in force before they are served.
    expect([...server.followed]).toEqual([
      ['m0.example.', false],
      ['m1.example.', false],
    ]);
    expect([...server.table.rows.keys()]).toEqual(['m0.example.', 'm1.example.']);
    expect(server.consumed.status()).toEqual([
      { zone: CATALOG, state: 'followed', serial: 1, members: 2, going: 0, clashes: 0, lines: [] },
    ]);
    expect(server.lines).toEqual(['catalogs: 2 members added: m0.example., m1.example.']);
  });

  it('lets members go, and forgets those whose labels changed before they come anew', async () => {
    const server = await following(many(3));
    const order: string[] = [];
    server.served.delete = (zone) => order.push(`gone ${zone}`) > 0;
    server.served.set = (zone) => {
      order.push(`put ${zone}`);
      return server.served;
    };
    await server.version(CATALOG, [VERSION, member(0), member('x', 'm1.example.')]);
    expect(order).toEqual(['gone m2.example.', 'gone m1.example.', 'put m1.example.']);
    expect([...server.table.rows.keys()]).toEqual(['m0.example.', 'm1.example.']);
  });

  it.each([
    ['broken', [member(0)]],
    ['absent', undefined],
  ])('changes nothing while it is %s', async (state, lines) => {
    const server = await following(many(3));
    await server.version(CATALOG, lines);
    expect(server.state(CATALOG)).toBe(state);
    expect(server.served.size).toBe(3);
    await server.version(CATALOG, many(4));
    expect(server.state(CATALOG)).toBe('followed');
    expect(server.served.size).toBe(4);
  });

  it('says once why it is broken', async () => {
    const server = await following([member(0)]);
    await server.consumed.settle();
    expect(server.lines).toEqual([
      'the catalog catalog.example. is broken, and nothing changes: found no version.catalog.example. TXT: expected one record, with the text "2" (RFC 9432 §4.2.1)',
    ]);
  });

  it('changes nothing when it empties itself, until that version is accepted', async () => {
    const server = await following(many(20));
    await server.version(CATALOG, [VERSION]);
    expect(server.served.size).toBe(20);
    expect(server.consumed.status()).toEqual([
      { zone: CATALOG, state: 'waiting', serial: 2, members: 20, going: 20, clashes: 0, lines: [] },
    ]);
    expect(server.lines.at(-1)).toMatch(/has lost 20 of its 20 members.*adotd ctl catalog accept catalog\.example\./);
    expect(await server.consumed.accept(CATALOG)).toBe(true);
    expect(server.served.size).toBe(0);
    expect(server.state(CATALOG)).toBe('followed');
  });

  it('waits again when another version follows the one that was accepted', async () => {
    const server = await following(many(40));
    await server.version(CATALOG, many(15));
    expect(await server.consumed.accept(CATALOG)).toBe(true);
    await server.version(CATALOG, [VERSION]);
    expect(server.served.size).toBe(15);
    expect(server.state(CATALOG)).toBe('waiting');
  });

  it('has nothing to accept unless it waits', async () => {
    const server = await following(many(20));
    expect(await server.consumed.accept(CATALOG)).toBe(false);
    expect(await server.consumed.accept('other.example.')).toBe(false);
  });

  it('never replaces a zone that is configured here', async () => {
    const server = new FakeServer();
    server.ours.add('m0.example.');
    await server.consumed.configure(FOLLOWED);
    await server.version(CATALOG, many(2));
    expect([...server.served.keys()]).toEqual(['m1.example.']);
    expect(server.consumed.status()[0]).toMatchObject({
      clashes: 1,
      lines: ['m0.example. is configured here: that zone stays'],
    });
  });

  it('gives its members new primaries when it gets some', async () => {
    const server = await following(many(1));
    await server.consumed.configure([{ zone: CATALOG, from: ['second', 'first'] }]);
    expect([...server.served.values()]).toEqual(['second,first']);
  });

  it('takes its members along when it is not configured any more', async () => {
    const server = await following(many(20));
    await server.consumed.configure([]);
    expect(server.served.size).toBe(0);
    expect(server.table.rows.size).toBe(0);
  });
});

describe('members of catalogs', () => {
  it('are served after a restart before their catalog is there', async () => {
    const { table } = await following(many(3));
    const again = new FakeServer(table);
    await again.consumed.configure(FOLLOWED);
    expect([...again.served.keys()].sort()).toEqual(['m0.example.', 'm1.example.', 'm2.example.']);
    expect(again.state(CATALOG)).toBe('absent');
  });

  it('wait after a restart too when the catalog has emptied itself', async () => {
    const { table } = await following(many(20));
    const again = await following([VERSION], table);
    expect(again.served.size).toBe(20);
    expect(again.state(CATALOG)).toBe('waiting');
  });

  it('change nothing that could not be stored, and are stored at the next occasion', async () => {
    const server = await following(many(1));
    server.table.fails = true;
    await server.version(CATALOG, many(3));
    expect(server.served.size).toBe(1);
    expect(server.lines.at(-1)).toBe('catalogs: nothing changes: the disk is full');
    server.table.fails = false;
    await server.consumed.settle();
    expect(server.served.size).toBe(3);
  });

  it('settle once for all that happens at the same time', async () => {
    const server = await following(many(1));
    server.catalogs.set(CATALOG, catalogImage(many(2)));
    const first = server.consumed.settle();
    server.catalogs.set(CATALOG, catalogImage(many(3)));
    await Promise.all([first, server.consumed.settle()]);
    expect(server.lines.slice(1)).toEqual(['catalogs: 2 members added: m1.example., m2.example.']);
  });

  it('move to the catalog that their own names, and get its primaries', async () => {
    const server = await following([VERSION, member(0)]);
    await server.consumed.configure([...FOLLOWED, { zone: 'other.example.', from: ['third'] }]);
    await server.version('other.example.', [VERSION, member(0)]);
    expect(server.served.get('m0.example.')).toBe('first');
    await server.version(CATALOG, [VERSION, member(0), 'coo.0.zones PTR other.example.']);
    expect(server.served.get('m0.example.')).toBe('third');
    await server.version(CATALOG, [VERSION]);
    expect(server.served.get('m0.example.')).toBe('third');
  });
});
