import { describe, expect, it } from 'vitest';
import { readCatalogMembers } from '../../../src/transfer/catalog/catalog-members.js';
import { catalogImage, membersOf, VERSION } from './catalog-zones.js';

const read = (...lines: string[]) => readCatalogMembers(catalogImage([VERSION, ...lines]));

describe('a catalog zone', () => {
  it('has members with their labels, groups and the catalogs that may take them over', () => {
    const { members, fault, notes } = read(
      'One.zones PTR A.Example.',
      'two.zones PTR b.example.',
      'group.two.zones TXT "nodnssec"',
      'group.two.zones TXT "large " "and old"',
      'coo.two.zones PTR Other.Example.',
      'three.zones PTR .',
    );
    expect(fault).toBeUndefined();
    expect(notes).toEqual([]);
    expect(members).toEqual(
      new Map([
        ...membersOf('a.example. one', 'b.example. two coo:other.example.', '. three'),
        [
          'b.example.',
          { zone: 'b.example.', label: 'two', groups: ['large and old', 'nodnssec'], coo: 'other.example.' },
        ],
      ]),
    );
  });

  it('may have no members', () => {
    expect(read()).toEqual({ members: new Map(), notes: [] });
  });

  it('may be signed', () => {
    const { members } = read('one.zones PTR a.example.', 'one.zones NSEC version.catalog.example. PTR NSEC');
    expect([...(members?.keys() ?? [])]).toEqual(['a.example.']);
  });

  it('may have custom properties and records that no clause names', () => {
    const { members, notes } = read(
      'one.zones PTR a.example.',
      'info.ext.one.zones PTR b.example.',
      'ext.one.zones PTR b.example.',
      'x.y.ext TXT "2"',
      'one.zones A 192.0.2.1',
      'primaries.one.zones AAAA 2001:db8::1',
      'version A 192.0.2.1',
      'a.version TXT "3"',
      'PTR PTR c.example.',
    );
    expect([...(members?.keys() ?? [])]).toEqual(['a.example.']);
    expect(notes).toEqual([]);
  });

  it('has labels with any octets', () => {
    const { members } = read(
      'a\\.b.zones PTR a.example.',
      'a.b.zones PTR b.example.',
      '\\000\\255.zones PTR c.example.',
    );
    expect([...(members?.values() ?? [])].map(({ zone, label }) => [zone, label])).toEqual([
      ['a.example.', 'a\\.b'],
      ['c.example.', '\\000\\255'],
    ]);
  });

  it.each([
    ['zones PTR a.example.', 'zones.catalog.example. PTR is passed over: expected members at one label below zones'],
    [
      'a.b.zones PTR a.example.',
      'a.b.zones.catalog.example. PTR is passed over: expected members at one label below zones',
    ],
    ['group.b.zones TXT x', 'b.zones.catalog.example. has properties and no PTR record: it is passed over'],
    ['coo.b.zones PTR x.', 'b.zones.catalog.example. has properties and no PTR record: it is passed over'],
    [
      'group.one.zones TXT ""',
      'group.one.zones.catalog.example. TXT has 0 octets and is passed over: expected 1 to 255',
    ],
  ])('says where a record has no meaning: %s', (line, note) => {
    const { members, notes } = read('one.zones PTR one.example.', line);
    expect(members).toEqual(membersOf('one.example. one'));
    expect(notes).toEqual([note]);
  });

  it('gives a member 16 groups at most', () => {
    const lines = Array.from({ length: 40 }, (_, i) => `group.one.zones TXT g${i}`);
    const { members, notes } = read('one.zones PTR one.example.', ...lines);
    expect(members?.get('one.example.')?.groups).toHaveLength(16);
    expect(notes).toHaveLength(20);
  });
});

describe('a catalog zone is broken', () => {
  it.each([
    [
      ['one.zones PTR a.example.'],
      'found no version.catalog.example. TXT: expected one record, with the text "2" (RFC 9432 §4.2.1)',
    ],
    [
      ['version TXT 1'],
      'found version.catalog.example. TXT with the text "1": expected one record, with the text "2" (RFC 9432 §4.2.1)',
    ],
    [
      ['version TXT 1', 'version TXT 2'],
      'found 2 records version.catalog.example. TXT: expected one record, with the text "2" (RFC 9432 §4.2.1)',
    ],
    [
      [VERSION, 'one.zones PTR a.example.', 'one.zones PTR b.example.'],
      'found 2 records one.zones.catalog.example. PTR: expected one (RFC 9432 §4.1)',
    ],
    [
      [VERSION, 'one.zones PTR a.example.', 'coo.one.zones PTR b.', 'coo.one.zones PTR c.'],
      'found 2 records coo.one.zones.catalog.example. PTR: expected one (RFC 9432 §4.3.1)',
    ],
    [
      [VERSION, 'one.zones PTR a.example.', 'two.zones PTR A.example.'],
      'found the member a.example. at one.zones.catalog.example. PTR and two.zones.catalog.example. PTR: expected each zone once (RFC 9432 §4.1)',
    ],
  ])('%j', (lines, fault) => {
    expect(readCatalogMembers(catalogImage(lines))).toEqual({ members: undefined, fault, notes: [] });
  });

  it('with more members than may be, properties without members among them', () => {
    const lines = [VERSION, 'a.zones PTR a.example.', 'group.b.zones TXT x', 'c.zones PTR c.example.'];
    const { members, fault } = readCatalogMembers(catalogImage(lines), 2);
    expect(members).toBeUndefined();
    expect(fault).toMatch(/zones\.catalog\.example\. is one member too many: expected at most 2/);
  });

  it('and repeats no more than the beginning of a text', () => {
    const { fault } = readCatalogMembers(catalogImage([`version TXT ${'x'.repeat(250)} ${'y'.repeat(250)}`]));
    expect(fault?.length).toBeLessThan(200);
  });
});
