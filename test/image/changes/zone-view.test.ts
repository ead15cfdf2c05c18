import { describe, expect, it } from 'vitest';
import { applyDifference } from '../../../src/image/changes/apply.js';
import { diff } from '../../../src/image/changes/diff.js';
import { ImageRecords } from '../../../src/image/changes/image-records.js';
import { PendingView } from '../../../src/image/changes/pending-view.js';
import { ImageView, type ViewRecord, type ZoneView } from '../../../src/image/changes/zone-view.js';
import { imageText } from '../../../src/image/text.js';
import { Type } from '../../../src/protocol/iana.js';
import { nameFromText, nameKey, nameToText } from '../../../src/protocol/name.js';
import { compareRdata, RunCursor } from '../../../src/zone/changes/record-run.js';
import { canonicalImageOf, imageOf, OPTIONS } from './versions.js';
import { ZoneVersions } from './zone-versions.js';

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);
const NAME = nameFromText;

/** Owners of an image that have a node, with their records by type. */
function ownersOf(image: Uint8Array): Map<string, Map<number, ViewRecord[]>> {
  const owners = new Map<string, Map<number, ViewRecord[]>>();
  const zone = new ImageRecords(image, true);
  while (zone.next()) {
    if (zone.depth < 0) continue;
    const sets = new Map<number, ViewRecord[]>();
    const { records } = zone;
    for (let i = 0; i < records.count; i++) {
      const row = records.order[i]!;
      if (records.type[row] === Type.NSEC3) continue;
      const at = records.at[row]!;
      const rdata = Uint8Array.from(records.rdata(row).subarray(at, at + records.length[row]!));
      const set = sets.get(records.type[row]!) ?? [];
      set.push({ ttl: records.ttl[row]!, rdata });
      sets.set(records.type[row]!, set);
    }
    owners.set(nameToText(zone.owner, zone.ownerAt), sets);
  }
  return owners;
}

function sorted(type: number, records: readonly ViewRecord[]): readonly ViewRecord[] {
  return [...records].sort((a, b) => compareRdata(type, a.rdata, 0, a.rdata.length, b.rdata, 0, b.rdata.length));
}

/** Content by owner and type, in one value: comparing it is quick. */
function textOf(owner: string, exists: boolean, sets: readonly (readonly [number, readonly ViewRecord[]])[]): string {
  const records = sets.flatMap(([type, list]) =>
    sorted(type, list).map(({ ttl, rdata }) => `${type} ${ttl} ${Buffer.from(rdata).toString('hex')}`),
  );
  return `${owner} ${exists} ${records.join(' | ')}`;
}

function expectContent(view: ZoneView, image: Uint8Array): void {
  const owners = ownersOf(image);
  const expected = [...owners].map(([name, sets]) =>
    textOf(
      name,
      true,
      [...sets].sort(([a], [b]) => a - b),
    ),
  );
  const found = [...owners.keys()].map((name) => {
    const owner = NAME(name);
    const sets = view.types(owner).map((type) => [type, view.rrset(owner, type)] as const);
    return textOf(name, view.exists(owner), [...sets, [65_000, view.rrset(owner, 65_000)]]);
  });
  expect(found).toEqual(expected);
  const below = [...view.namesBelow(view.apex)].map(nameKey).sort();
  const names = [...owners.keys()].map((name) => nameKey(NAME(name)));
  expect(below).toEqual(names.filter((name) => name !== nameKey(view.apex)).sort());
}

describe('a view of an image', () => {
  it.each(SEEDS)('has what the zone has: seed %d', (seed) => {
    const versions = new ZoneVersions(seed);
    const image = imageOf(versions.text(versions.first()));
    expectContent(new ImageView(image), image);
  });

  const view = new ImageView(
    imageOf(
      [
        '@ 60 SOA ns h 1 2 3 4 5',
        '@ 60 NS ns',
        'ns 60 A 192.0.2.1',
        'a.Ent 60 MX 10 a.ent',
        '*.w 60 TXT "x"',
        'x.y.w 60 A 192.0.2.1',
        '',
      ].join('\n'),
    ),
  );

  it('finds names in any letter case, and has their letter case', () => {
    expect(nameToText(view.spelling(NAME('A.eNT.EXAMPLE.')) ?? new Uint8Array())).toBe('a.Ent.example.');
  });

  it('has no records at empty non-terminals, and none outside the zone', () => {
    for (const name of ['ent.example.', 'w.example.', 'nothing.example.', 'example.net.', '.', 'ns.'])
      expect([name, view.exists(NAME(name)), view.types(NAME(name)), view.spelling(NAME(name))]).toEqual([
        name,
        false,
        [],
        undefined,
      ]);
  });

  it('takes wildcards literally', () => {
    expect(view.exists(NAME('*.w.example.'))).toBe(true);
    expect(view.exists(NAME('z.w.example.'))).toBe(false);
  });

  it('finds the names below one that has no records', () => {
    expect([...view.namesBelow(NAME('W.example.'))].map((name) => nameToText(name)).sort()).toEqual([
      '*.w.example.',
      'x.y.w.example.',
    ]);
    expect([...view.namesBelow(NAME('ns.example.'))]).toEqual([]);
    expect([...view.namesBelow(NAME('none.example.'))]).toEqual([]);
  });
});

describe('a view with pending changes', () => {
  it.each(SEEDS)('has the newer version, and leads to it: seed %d', (seed) => {
    const versions = new ZoneVersions(seed);
    const first = versions.first();
    first.signing = 'unsigned';
    const second = versions.next(first);
    second.signing = 'unsigned';
    const [older, newer] = [canonicalImageOf(versions.text(first)), canonicalImageOf(versions.text(second))];
    const wanted = diff(older, newer);
    const view = new PendingView(new ImageView(older));
    for (const run = new RunCursor(wanted.removed); !run.isAtEnd; run.next())
      view.remove(run.octets.subarray(run.at), run.type, rdataOf(run));
    for (const run = new RunCursor(wanted.added); !run.isAtEnd; run.next())
      view.add(run.octets.subarray(run.at), run.type, { ttl: run.ttl, rdata: rdataOf(run) });
    expectContent(view, newer);

    // What is handed over as changes makes the same, above another view too.
    const changes = view.changes();
    const upper = new PendingView(new PendingView(new ImageView(older)));
    if (changes !== undefined) upper.apply(changes);
    expectContent(upper, newer);
    const difference = upper.difference(wanted.to);
    const { image, diagnostics } = applyDifference(older, difference, OPTIONS);
    expect(diagnostics.errors).toBe(0);
    const linesOf = (octets: Uint8Array): string => [...imageText(octets)].join('').toLowerCase();
    expect(linesOf(image ?? new Uint8Array())).toBe(linesOf(newer));
  });

  const base = new ImageView(
    imageOf(
      [
        '@ 60 SOA ns h 1 2 3 4 5',
        '@ 60 NS ns',
        'ns 60 A 192.0.2.1',
        'www 60 A 192.0.2.1',
        'www 60 A 192.0.2.2',
        'm 60 MX 1 Www',
        '',
      ].join('\n'),
    ),
  );
  const www = NAME('WWW.example.');
  const address = (last: number): Uint8Array => Uint8Array.of(192, 0, 2, last);

  it('says that nothing is changed when everything is as it was', () => {
    const view = new PendingView(base);
    view.remove(www, Type.A, address(1));
    view.removeRrset(NAME('new.example.'), Type.A);
    view.add(www, Type.A, { ttl: 60, rdata: address(1) });
    expect(view.changes()).toBeUndefined();
  });

  it('gives the TTL of a new record to its whole RRset', () => {
    const view = new PendingView(base);
    view.add(www, Type.A, { ttl: 5, rdata: address(3) });
    expect(view.rrset(www, Type.A).map(({ ttl }) => ttl)).toEqual([5, 5, 5]);
    const { removed = new Uint8Array(), added = new Uint8Array() } = view.changes() ?? {};
    expect([countOf(removed), countOf(added)]).toEqual([2, 3]);
  });

  it('counts a record in another letter case as the same, and keeps the newer spelling', () => {
    const view = new PendingView(base);
    const rdata = Uint8Array.from([0, 1, ...NAME('WWW.example.')]);
    view.add(NAME('m.example.'), Type.MX, { ttl: 60, rdata });
    expect(view.rrset(NAME('m.example.'), Type.MX)).toEqual([{ ttl: 60, rdata }]);
    expect([countOf(view.changes()!.removed), countOf(view.changes()!.added)]).toEqual([1, 1]);
  });

  it('hands a new SOA record over apart from the runs', () => {
    const view = new PendingView(base);
    const [soa] = base.rrset(base.apex, Type.SOA);
    const rdata = Uint8Array.from(soa!.rdata);
    rdata[rdata.length - 17] = 9;
    view.removeRrset(base.apex, Type.SOA);
    view.add(base.apex, Type.SOA, { ttl: 61, rdata });
    expect(view.changes()).toEqual({ removed: new Uint8Array(), added: new Uint8Array(), soa: { ttl: 61, rdata } });
    expect(view.difference(12)).toMatchObject({ from: 1, to: 12 });
  });

  it('knows the names below that come and go', () => {
    const view = new PendingView(base);
    view.add(NAME('x.y.example.'), Type.A, { ttl: 60, rdata: address(1) });
    view.removeRrset(www, Type.A);
    expect([...view.namesBelow(base.apex)].map(nameKey).sort()).toEqual(['m.example.', 'ns.example.', 'x.y.example.']);
    expect([...view.namesBelow(NAME('y.example.'))].map(nameKey)).toEqual(['x.y.example.']);
    expect([view.exists(NAME('y.example.')), view.exists(www), view.types(www)]).toEqual([false, false, []]);
  });
});

function rdataOf(run: RunCursor): Uint8Array {
  return run.octets.subarray(run.rdataAt, run.rdataAt + run.rdataLength);
}

function countOf(run: Uint8Array): number {
  let count = 0;
  for (const cursor = new RunCursor(run); !cursor.isAtEnd; cursor.next()) count++;
  return count;
}
