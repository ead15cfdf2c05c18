import { describe, expect, it } from 'vitest';
import { ImageView } from '../../../src/image/changes/zone-view.js';
import type { Log } from '../../../src/observe/log.js';
import { type Membership, ProducedCatalogs } from '../../../src/server/catalogs/produced-catalogs.js';
import { catalogImage, changeLines, soundMembers, VERSION } from '../../transfer/catalog/catalog-zones.js';

/** What produced catalogs see of a server: zones with their memberships, and catalog zones that change. */
class FakeServer {
  readonly zones = new Map<string, Membership | undefined>();
  readonly catalogs = new Map<string, readonly string[]>();
  readonly lines: string[] = [];
  /** Changes that were made, and that had something to change. */
  changes = 0;
  fails = false;
  readonly produced: ProducedCatalogs;

  constructor() {
    const note = (_: object, message: string): void => void this.lines.push(message);
    const log: Log = { debug: note, info: note, warn: note, error: note };
    this.produced = new ProducedCatalogs({
      zones: () => this.zones.keys(),
      membershipOf: (zone) => this.zones.get(zone),
      open: async (catalog) => {
        if (!this.catalogs.has(catalog)) this.catalogs.set(catalog, [VERSION]);
      },
      close: async (catalog) => void this.catalogs.delete(catalog),
      change: async (catalog, make) => {
        if (this.fails) throw new Error('the disk is full');
        const before = this.catalogs.get(catalog) ?? [];
        const changes = make(new ImageView(catalogImage(before, catalog)));
        if (changes === undefined) return;
        this.changes++;
        const { removed, added } = changeLines(changes);
        this.catalogs.set(catalog, [...before.filter((line) => !removed.includes(line)), ...added]);
      },
      log,
    });
  }

  membersOf(catalog: string): Record<string, unknown> {
    const members = soundMembers(catalogImage(this.catalogs.get(catalog) ?? [], catalog));
    return Object.fromEntries([...members].map(([zone, { groups, coo }]) => [zone, coo === undefined ? groups : coo]));
  }
}

const A = 'a.example.';
const B = 'b.example.';
const of = (zone: string, group?: string, owner?: string): Membership => ({ zone, group, owner });

describe('a produced catalog', () => {
  it('has the zones whose policies name it, with their groups and next owners', async () => {
    const server = new FakeServer();
    server.zones.set('one.example.', of(A, 'signed'));
    server.zones.set('two.example.', of(B));
    server.zones.set('three.example.', of(A, undefined, 'other.example.'));
    server.zones.set('four.example.', undefined);
    await server.produced.configure([A, B]);
    expect(server.membersOf(A)).toEqual({ 'one.example.': ['signed'], 'three.example.': 'other.example.' });
    expect(server.membersOf(B)).toEqual({ 'two.example.': [] });
  });

  it('is there without members, and is no member of itself', async () => {
    const server = new FakeServer();
    server.zones.set(A, of(A));
    await server.produced.configure([A]);
    expect(server.membersOf(A)).toEqual({});
  });

  it('changes when zones come, go and change, and only then', async () => {
    const server = new FakeServer();
    await server.produced.configure([A]);
    server.zones.set('one.example.', of(A));
    server.zones.set('two.example.', of(A));
    await Promise.all([server.produced.update(), server.produced.update()]);
    expect([server.changes, server.membersOf(A)]).toEqual([1, { 'one.example.': [], 'two.example.': [] }]);
    await server.produced.update();
    expect(server.changes).toBe(1);
    server.zones.delete('one.example.');
    server.zones.set('two.example.', of(A, 'x'));
    await server.produced.update();
    expect([server.changes, server.membersOf(A)]).toEqual([2, { 'two.example.': ['x'] }]);
  });

  it('goes when it is not produced any more', async () => {
    const server = new FakeServer();
    await server.produced.configure([A, B]);
    await server.produced.configure([B]);
    expect([...server.catalogs.keys()]).toEqual([B]);
  });

  it('stays as it was when it cannot be changed, and the others do not', async () => {
    const server = new FakeServer();
    server.zones.set('one.example.', of(A));
    server.fails = true;
    await server.produced.configure([A, B]);
    expect(server.lines).toEqual([
      'the catalog a.example. stays as it was: the disk is full',
      'the catalog b.example. stays as it was: the disk is full',
    ]);
    server.fails = false;
    await server.produced.update();
    expect(server.membersOf(A)).toEqual({ 'one.example.': [] });
  });
});
