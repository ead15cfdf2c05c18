import { describe, expect, it } from 'vitest';
import { ImageView } from '../../../src/image/changes/zone-view.js';
import { imageText } from '../../../src/image/text.js';
import { catalogChanges, producedCatalog, type WantedMember } from '../../../src/transfer/catalog/produced-catalog.js';
import { randomFrom } from '../../zone/random-zone.js';
import { catalogImage, changeLines, soundMembers, VERSION } from './catalog-zones.js';

function changesOf(before: readonly string[], members: readonly WantedMember[]): ReturnType<typeof changeLines> {
  return changeLines(catalogChanges(new ImageView(catalogImage(before)), members));
}

/** The catalog with what `members` change. */
function changed(before: readonly string[], members: readonly WantedMember[]): string[] {
  const { removed, added } = changesOf(before, members);
  const after = new Set(before);
  for (const line of removed) expect(after.delete(line)).toBe(true);
  for (const line of added) {
    expect(after.has(line)).toBe(false);
    after.add(line);
  }
  return [...after];
}

const EMPTY = ['version.catalog.example. TXT "2"'];

describe('a catalog that is produced', () => {
  it('begins without members, and is of the version that consumers expect', () => {
    const image = producedCatalog('catalog.example.', 4_000_000_000);
    expect([...soundMembers(image)]).toEqual([]);
    expect([...imageText(image)].join('')).toMatch(/^catalog\.example\. 0 IN SOA invalid\. invalid\. 4000000000 /);
  });

  it('has a member with its groups and its next owner', () => {
    const members = [{ zone: 'a.example.', groups: ['one', 'a b'], coo: 'other.example.' }];
    const { removed, added } = changesOf([VERSION], members);
    expect(removed).toEqual([]);
    expect(added.map((line) => line.replace(/[0-9a-v]{26}/, 'LABEL'))).toEqual([
      'LABEL.zones.catalog.example. PTR a.example.',
      'coo.LABEL.zones.catalog.example. PTR other.example.',
      'group.LABEL.zones.catalog.example. TXT "a b"',
      'group.LABEL.zones.catalog.example. TXT "one"',
    ]);
  });

  it('keeps labels, whoever made them, and changes only what differs', () => {
    const before = [...EMPTY, 'x.zones.catalog.example. PTR A.example.', 'group.x.zones.catalog.example. TXT "one"'];
    const members = [
      { zone: 'a.example.', groups: ['two'] },
      { zone: 'b.example.', groups: [], label: 'x' },
    ];
    const { removed, added } = changesOf(before, members);
    expect(removed).toEqual(['group.x.zones.catalog.example. TXT "one"']);
    expect(added).toEqual([
      expect.stringMatching(/^[0-9a-v]{26}\.zones\.catalog\.example\. PTR b\.example\.$/),
      'group.x.zones.catalog.example. TXT "two"',
    ]);
  });

  it('takes a label over from another catalog', () => {
    const { added } = changesOf(EMPTY, [{ zone: 'a.example.', groups: [], label: 'x' }]);
    expect(added).toEqual(['x.zones.catalog.example. PTR a.example.']);
  });

  it('gives a zone the same label whenever it comes', () => {
    const member = { zone: 'a.example.', groups: [] };
    const [first] = changesOf(EMPTY, [member]).added;
    expect(changesOf(EMPTY, [{ zone: 'b.example.', groups: [] }, member]).added).toContain(first);
  });

  it('becomes sound again where somebody has put other records into it', () => {
    const before = [
      'version.catalog.example. TXT "3"',
      'a.b.zones.catalog.example. PTR x.',
      'a.catalog.example. A 192.0.2.1',
    ];
    expect(changed(before, [])).toEqual(EMPTY);
  });

  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'has the members wanted after any changes: seed %d',
    (seed) => {
      const random = randomFrom(seed);
      let content = EMPTY;
      const labels = new Map<string, string>();
      for (let round = 0; round < 8; round++) {
        const wanted = Array.from({ length: 12 }, (_, i) => `${i}.example.`)
          .filter(() => random() < 0.6)
          .map((zone) => ({
            zone,
            groups: ['a', 'b'].filter(() => random() < 0.4),
            coo: random() < 0.2 ? 'other.example.' : undefined,
          }));
        content = changed(content, wanted);
        const members = soundMembers(catalogImage(content));
        expect([...members.keys()].sort()).toEqual(wanted.map(({ zone }) => zone).sort());
        for (const { zone, groups, coo } of wanted) {
          const member = members.get(zone);
          expect(member).toMatchObject({ groups, coo });
          expect(member?.label).toBe(labels.get(zone) ?? member?.label);
          labels.set(zone, member?.label ?? '');
        }
        expect(changed(content, wanted)).toEqual(content);
      }
    },
  );
});
