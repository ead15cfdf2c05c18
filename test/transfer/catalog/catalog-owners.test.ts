import { describe, expect, it } from 'vitest';
import type { CatalogMember } from '../../../src/transfer/catalog/catalog-members.js';
import { type CatalogVersion, type OwnedMember, settleOwners } from '../../../src/transfer/catalog/catalog-owners.js';
import { randomFrom } from '../../zone/random-zone.js';
import { membersFrom, membersOf } from './catalog-zones.js';

type Owners = ReadonlyMap<string, OwnedMember>;

const NONE: Owners = new Map();

const version = (
  catalog: string,
  members: ReadonlyMap<string, CatalogMember> | undefined,
  isAccepted = false,
): CatalogVersion => ({ catalog, members, isAccepted });

function settle(owners: Owners, catalogs: readonly CatalogVersion[], ours: readonly string[] = [], refused = '') {
  return settleOwners({
    owners,
    catalogs,
    isOurs: (zone) => ours.includes(zone),
    refusal: (zone) => (zone === refused ? 'so' : undefined),
  });
}

/** What is in force after one catalog `c.` with these members. */
const inForce = (...lines: string[]): Owners => settle(NONE, [version('c.', membersOf(...lines))]).owners;
const many = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `m${i + from}.example. l${i + from}`);
const names = (members: readonly OwnedMember[]): string[] => members.map(({ zone, catalog }) => `${zone} ${catalog}`);

describe('members of a catalog', () => {
  it('come, go, change their groups, and are reset when their labels change', () => {
    const before = inForce('a. 1', 'b. 2', 'c.d. 3 group:x', 'e. 4');
    const changes = settle(before, [version('c.', membersOf('a. 1', 'b. 22', 'c.d. 3 group:y', 'f. 5'))]);
    expect(names(changes.added)).toEqual(['f. c.']);
    expect(names(changes.removed)).toEqual(['e. c.']);
    expect(names(changes.reset)).toEqual(['b. c.']);
    expect(changes.changed).toEqual([{ zone: 'c.d.', label: '3', groups: ['y'], catalog: 'c.', coo: undefined }]);
    expect([...changes.owners.keys()].sort()).toEqual(['a.', 'b.', 'c.d.', 'f.']);
    expect(changes.held.size).toBe(0);
  });

  it('stay while their catalog is broken, expired or not there yet', () => {
    const before = inForce('a. 1', 'b. 2');
    const { owners, added, removed, reset, changed } = settle(before, [version('c.', undefined)]);
    expect(owners).toEqual(before);
    expect([added, removed, reset, changed]).toEqual([[], [], [], []]);
  });

  it('go with a catalog that is not consumed any more', () => {
    expect(names(settle(inForce('a. 1'), []).removed)).toEqual(['a. c.']);
  });

  it('are not taken from zones that are configured here', () => {
    const changes = settle(NONE, [version('c.', membersOf('a. 1', 'b. 2'))], ['a.']);
    expect(names(changes.added)).toEqual(['b. c.']);
    expect(changes.clashes).toEqual(new Map([['c.', { count: 1, lines: ['a. is configured here: that zone stays'] }]]));
  });

  it('give way to zones that are configured here later', () => {
    const changes = settle(inForce('a. 1', 'b. 2'), [version('c.', membersOf('a. 1', 'b. 2'))], ['a.']);
    expect(names(changes.removed)).toEqual(['a. c.']);
    expect([...changes.owners.keys()]).toEqual(['b.']);
  });

  it('are refused for other reasons only when they are new', () => {
    const { clashes } = settle(NONE, [version('c.', membersOf('a. 1'))], [], 'a.');
    expect(clashes.get('c.')?.lines).toEqual(['a. is not served: so']);
    expect([...settle(inForce('a. 1'), [version('c.', membersOf('a. 1'))], [], 'a.').owners.keys()]).toEqual(['a.']);
  });
});

describe('a version of a catalog without most of its members', () => {
  it.each([
    [21, 10],
    [22, 11],
    [11, 0],
    [10, 0],
  ])('is in force at once, if no more than half or no more than ten go: %d members, %d stay', (count, stay) => {
    const changes = settle(inForce(...many(count)), [version('c.', membersOf(...many(stay)))]);
    const waits = count - stay > 10 && (count - stay) * 2 > count;
    expect(changes.held.get('c.')).toEqual(waits ? { going: count - stay, owned: count } : undefined);
    expect(changes.owners.size).toBe(waits ? count : stay);
  });

  it('changes nothing until it is accepted: nothing new comes either', () => {
    const before = inForce(...many(12));
    const newer = membersOf('new. 1', 'm0.example. l0 group:x');
    const held = settle(before, [version('c.', newer)]);
    expect(held.owners).toEqual(before);
    expect([held.added, held.changed, held.removed]).toEqual([[], [], []]);
    const accepted = settle(before, [version('c.', newer, true)]);
    expect([...accepted.owners.keys()].sort()).toEqual(['m0.example.', 'new.']);
    expect(accepted.removed).toHaveLength(11);
  });

  it('is one whose labels have all changed, too', () => {
    const changes = settle(inForce(...many(12)), [version('c.', membersOf(...many(12).map((line) => `${line}x`)))]);
    expect(changes.held.get('c.')).toEqual({ going: 12, owned: 12 });
    expect(changes.reset).toEqual([]);
  });

  it('is one that names next owners which do not have the members', () => {
    const before = inForce(...many(12).map((line) => `${line} coo:d.`));
    const changes = settle(before, [version('c.', membersOf()), version('d.', membersOf('m0.example. l0'))]);
    expect(changes.held.get('c.')).toEqual({ going: 11, owned: 12 });
  });

  it('does not hold up the others', () => {
    const before = inForce(...many(12));
    const changes = settle(before, [version('c.', membersOf()), version('d.', membersOf('new. 1'))]);
    expect(names(changes.added)).toEqual(['new. d.']);
    expect(changes.owners.size).toBe(13);
  });

  it('may be an ordinary one when all have gone to their next owner', () => {
    const before = inForce(...many(12).map((line) => `${line} coo:d.`));
    const changes = settle(before, [version('c.', membersOf()), version('d.', membersOf(...many(12)))]);
    expect(changes.held.size).toBe(0);
    expect(changes.changed).toHaveLength(12);
    expect(changes.removed).toEqual([]);
  });
});

describe('a zone that is a member of two catalogs', () => {
  const both = (c: string, d: string): CatalogVersion[] => [version('c.', membersOf(c)), version('d.', membersOf(d))];

  it('is of the first one that had it', () => {
    const before = settle(NONE, [version('d.', membersOf('a. 1'))]).owners;
    const changes = settle(before, both('a. 2', 'a. 1'));
    expect(changes.owners.get('a.')).toMatchObject({ catalog: 'd.', label: '1' });
    expect(changes.clashes.get('c.')?.lines).toEqual(['a. is a member of d., which keeps it']);
  });

  it('is of the first one in the configuration when both bring it at once', () => {
    expect(settle(NONE, both('a. 1', 'a. 2')).owners.get('a.')?.catalog).toBe('c.');
  });

  it('changes its owner when the owner says so, and keeps its content with its label', () => {
    const changes = settle(inForce('a. 1'), both('a. 1 coo:d.', 'a. 1 group:x'));
    expect(changes.changed).toEqual([{ zone: 'a.', label: '1', groups: ['x'], catalog: 'd.', coo: undefined }]);
    expect(changes.clashes.size).toBe(0);
  });

  it('is reset when the next owner has it with another label', () => {
    expect(names(settle(inForce('a. 1'), both('a. 1 coo:d.', 'a. 2')).reset)).toEqual(['a. d.']);
  });

  it('changes its owner when the owner has dropped it after it said so', () => {
    const before = inForce('a. 1 coo:d.');
    const changes = settle(before, [version('c.', membersOf()), version('d.', membersOf('a. 1'))]);
    expect(names(changes.changed)).toEqual(['a. d.']);
  });

  it('stays when the next owner named does not have it yet, or is not consumed', () => {
    const catalogs = [version('c.', membersOf('a. 1 coo:d.')), version('d.', membersOf())];
    expect(settle(inForce('a. 1'), catalogs).owners.get('a.')?.catalog).toBe('c.');
    expect(settle(inForce('a. 1'), catalogs.slice(0, 1)).owners.get('a.')?.catalog).toBe('c.');
  });

  it('stays when somebody else claims to be the next owner', () => {
    expect(settle(inForce('a. 1'), both('a. 1', 'a. 1 coo:d.')).owners.get('a.')?.catalog).toBe('c.');
  });

  it('comes anew from the other one when its owner drops it', () => {
    const changes = settle(inForce('a. 1'), [version('c.', membersOf()), version('d.', membersOf('a. 1'))]);
    expect(names(changes.reset)).toEqual(['a. d.']);
  });

  it('goes along a chain of next owners, but not in a circle', () => {
    const chain = [
      version('c.', membersOf('a. 1 coo:d.')),
      version('d.', membersOf('a. 1 coo:e.')),
      version('e.', membersOf('a. 1')),
    ];
    expect(settle(inForce('a. 1'), chain).owners.get('a.')?.catalog).toBe('e.');
    const circle = [...chain.slice(0, 2), version('e.', membersOf('a. 1 coo:c.'))];
    const { owners } = settle(inForce('a. 1'), circle);
    expect(owners.get('a.')?.catalog).toBe('c.');
    expect(settle(owners, circle).owners).toEqual(owners);
    const itself = [version('c.', membersOf('a. 1 coo:c.'))];
    expect(settle(inForce('a. 1'), itself).owners.get('a.')?.catalog).toBe('c.');
  });
});

describe('catalogs of any content', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))(
    'settle in one step, and lose no member of another: seed %d',
    (seed) => {
      const random = randomFrom(seed);
      const zones = Array.from({ length: 30 }, (_, i) => `z${i}.`);
      const line = (zone: string): string => {
        const coo = random() < 0.3 ? ` coo:${'cdef'[Math.floor(random() * 4)]}.` : '';
        return `${zone} l${Math.floor(random() * 3)}${random() < 0.3 ? ' group:g' : ''}${coo}`;
      };
      const ours = zones.slice(0, 3);
      let owners: Owners = NONE;
      for (let round = 0; round < 6; round++) {
        const share = random();
        const catalogs = ['c.', 'd.', 'e.'].map((catalog) =>
          version(
            catalog,
            random() < 0.15 ? undefined : membersOf(...zones.filter(() => random() < share).map(line)),
            random() < 0.1,
          ),
        );
        const changes = settle(owners, catalogs, ours);
        expect(ours.filter((zone) => changes.owners.has(zone))).toEqual([]);
        expectConsistent(owners, changes, catalogs);
        // The same catalogs again change nothing.
        const again = settle(changes.owners, catalogs, ours);
        expect([again.added, again.removed, again.reset, again.changed]).toEqual([[], [], [], []]);
        expect([...again.owners.values()]).toEqual([...changes.owners.values()]);
        owners = changes.owners;
      }
    },
  );

  it('take time that grows with their size only: 100,000 members that change hands and labels', () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `m${i}.example. l${i} coo:d.`);
    const honest = membersFrom(lines);
    const before = settle(NONE, [version('c.', honest)]).owners;
    const hostile = membersFrom(lines.map((line, i) => line.replace(/ l\d+ coo:d\./, ` x${i} coo:c.`)));
    const { added, removed, reset, changed, owners } = settle(before, [version('c.', honest), version('d.', hostile)]);
    expect([added, removed, reset, changed, owners.size]).toEqual([[], [], [], [], 100_000]);
    const alone = membersFrom(lines.map((line) => line.replace(' coo:d.', '')));
    const clashes = settle(before, [version('c.', alone), version('d.', alone)]).clashes.get('d.');
    expect([clashes?.count, clashes?.lines.length]).toEqual([100_000, 20]);
  });
});

/** The lists say how the tables differ, each zone at most once; a catalog that waits or is broken keeps what it had. */
function expectConsistent(
  before: Owners,
  changes: ReturnType<typeof settle>,
  catalogs: readonly CatalogVersion[],
): void {
  const { owners, added, removed, reset, changed, held } = changes;
  const listed = [added, removed, reset, changed].flat().map(({ zone }) => zone);
  expect(new Set(listed).size).toBe(listed.length);
  for (const { zone } of added) expect(before.has(zone)).toBe(false);
  for (const { zone } of removed) expect([before.has(zone), owners.has(zone)]).toEqual([true, false]);
  for (const [zone, member] of owners) {
    const old = before.get(zone);
    if (listed.includes(zone)) continue;
    expect(old).toMatchObject({ catalog: member.catalog, label: member.label, groups: member.groups });
  }
  for (const { catalog, members } of catalogs) {
    if (members !== undefined && !held.has(catalog)) continue;
    for (const [zone, member] of before)
      if (member.catalog === catalog && member.coo === undefined) expect(owners.get(zone)).toEqual(member);
  }
}
