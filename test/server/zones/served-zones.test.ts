import { describe, expect, it } from 'vitest';
import { findZone, NOT_SERVED, ZONE_FAILED, ZONE_SEGMENT, ZONE_WORDS } from '../../../src/image/catalog.js';
import { labelOffsets, nameFromText } from '../../../src/protocol/name.js';
import { loadZone, type ZoneResult } from '../../../src/server/zones/load-zone.js';
import { ServedZones, type ZonesReport } from '../../../src/server/zones/served-zones.js';

const GOOD = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
const result = (file: string, text = GOOD, name?: string): ZoneResult => loadZone({ file, text, name }, { now: 0 });

/** 'served', 'failed' (answered with SERVFAIL) or 'unknown'. */
function stateOf(report: ZonesReport, name: string): string {
  const wire = nameFromText(name);
  const labels = Uint16Array.from(labelOffsets(wire));
  const zone = findZone(report.catalog, wire, 0, labels, labels.length, 0);
  if (zone === NOT_SERVED) return 'unknown';
  return report.catalog.zones[zone * ZONE_WORDS + ZONE_SEGMENT] === ZONE_FAILED ? 'failed' : 'served';
}

/** What the outcomes say, zone by zone. */
const told = (report: ZonesReport): string[] => report.outcomes.map(({ name, result: kind }) => `${name} ${kind}`);
const withSerial = (serial: number): string => GOOD.replace('h 1 2', `h ${serial} 2`);

describe('the zones that are served', () => {
  it('are those whose files have no errors; the others fail alone', () => {
    const report = new ServedZones().apply([result('a.test.zone'), result('b.test.zone', 'broken'), result('@.zone')]);
    expect(report).toMatchObject({ served: 2, failed: 1, records: 6, sound: false, names: ['a.test.', '.'] });
    expect([stateOf(report, 'a.test.'), stateOf(report, 'b.test.'), stateOf(report, 'c.')]).toEqual([
      'served',
      'failed',
      'served',
    ]);
  });

  it('are neither of two files with one zone', () => {
    const report = new ServedZones().apply([result('one.zone', GOOD, 'A.test'), result('two.zone', GOOD, 'a.TEST')]);
    expect(report).toMatchObject({ served: 0, failed: 1, sound: false });
    expect(stateOf(report, 'a.test.')).toBe('failed');
    expect(report.diagnostics.filter((d) => d.severity === 'error').map((d) => [d.file, d.message])).toEqual([
      ['one.zone', expect.stringMatching(/zone A\.test\. is in two\.zone too/)],
      ['two.zone', expect.stringMatching(/zone a\.TEST\. is in one\.zone too/)],
    ]);
  });

  it('stay as they were when a reload finds two files with one zone, or errors', () => {
    const zones = new ServedZones();
    zones.apply([result('a.test.zone'), result('b.test.zone')]);
    const report = zones.apply([result('a.test.zone'), result('x', GOOD, 'a.test'), result('b.test.zone', 'broken')]);
    expect([stateOf(report, 'a.test.'), stateOf(report, 'b.test.')]).toEqual(['served', 'served']);
    expect(report).toMatchObject({ served: 2, failed: 0, kept: 2, sound: false });
  });

  it('come and go with their files', () => {
    const zones = new ServedZones();
    zones.apply([result('a.test.zone'), result('b.test.zone', 'broken')]);
    const report = zones.apply([result('b.test.zone'), result('c.test.zone')]);
    expect(['a.test.', 'b.test.', 'c.test.'].map((name) => stateOf(report, name))).toEqual([
      'unknown',
      'served',
      'served',
    ]);
  });

  it('are unknown when neither the file nor its name says which', () => {
    const report = new ServedZones().apply([result('a..b.zone', 'broken')]);
    expect(report).toMatchObject({ served: 0, failed: 0, sound: false });
  });
});

describe('a change of some zones', () => {
  const three = (): ServedZones => {
    const zones = new ServedZones();
    zones.apply(['a.test.zone', 'b.test.zone', 'c.test.zone'].map((file) => result(file)));
    return zones;
  };

  it('touches these only', () => {
    const zones = three();
    const image = zones.imageOf('a.test');
    const report = zones.change([result('b.test.zone', withSerial(2))], [{ file: 'c.test.zone' }]);
    expect(told(report)).toEqual(['c.test. removed', 'b.test. loaded']);
    expect(report).toMatchObject({ served: 2, failed: 0, names: ['a.test.', 'b.test.'], sound: true });
    expect(['a.test', 'b.test', 'c.test'].map((name) => stateOf(report, name))).toEqual([
      'served',
      'served',
      'unknown',
    ]);
    expect(zones.imageOf('A.TEST')).toEqual(image);
  });

  it('that has errors leaves the zone as it was, and says so until it is mended', () => {
    const zones = three();
    const report = zones.change([result('b.test.zone', 'broken')], []);
    expect(told(report)).toEqual(['b.test. kept']);
    expect(report.outcomes[0]).toMatchObject({ before: 1, after: 1, errors: 1 });
    expect(zones.status('b.test')).toMatchObject([{ state: 'kept', serial: 1, diagnostics: [{ severity: 'error' }] }]);
    expect(told(zones.change([result('b.test.zone', withSerial(2))], []))).toEqual(['b.test. loaded']);
    expect(zones.status('b.test')).toMatchObject([{ state: 'served', serial: 2, diagnostics: [] }]);
  });

  it.each([
    [5, 5, /is still 5/],
    [5, 4, /went from 5 back to 4/],
    [1, 0x80000002, /went from 1 back to 2147483650/],
  ])('warns when the serial goes from %d to %d', (before, after, message) => {
    const zones = new ServedZones();
    zones.apply([result('a.test.zone', withSerial(before))]);
    const report = zones.change([result('a.test.zone', `${withSerial(after)}new 60 A 192.0.2.9\n`)], []);
    expect(report.outcomes[0]).toMatchObject({ result: 'loaded', before, after, warnings: 1 });
    expect(report.outcomes[0]?.diagnostics).toMatchObject([
      { severity: 'warning', message: expect.stringMatching(message) },
    ]);
    expect(report.diagnostics).toHaveLength(1);
  });

  it.each([
    [5, 6],
    [0xffffffff, 3],
  ])('does not warn when it goes from %d to %d', (before, after) => {
    const zones = new ServedZones();
    zones.apply([result('a.test.zone', withSerial(before))]);
    expect(zones.change([result('a.test.zone', withSerial(after))], []).outcomes[0]).toMatchObject({ warnings: 0 });
  });

  it('of comments only, or back to what is served, is none', () => {
    const zones = three();
    expect(told(zones.change([result('b.test.zone', `; a comment\n${GOOD}`)], []))).toEqual(['b.test. unchanged']);
    zones.change([result('b.test.zone', 'broken')], []);
    const report = zones.change([result('b.test.zone')], []);
    expect(told(report)).toEqual(['b.test. unchanged']);
    expect(report).toMatchObject({ served: 3, kept: 0, sound: true, diagnostics: [] });
  });

  it('that adds a second file of a zone keeps what is served, and again serves the file that remains', () => {
    const zones = three();
    const added = zones.change([result('x', withSerial(9), 'a.test')], []);
    expect(told(added)).toEqual(['a.test. kept']);
    expect(added.diagnostics.map(({ file }) => file)).toEqual(['a.test.zone', 'x']);
    const removed = zones.change([], [{ file: 'x', name: 'a.test' }]);
    expect(told(removed)).toEqual(['a.test. unchanged']);
    expect(removed.sound && removed.diagnostics.length === 0).toBe(true);
    expect(zones.status('a.test')).toMatchObject([{ state: 'served', serial: 1, file: 'a.test.zone' }]);
    zones.change([result('x', withSerial(9), 'a.test')], []);
    zones.change([], [{ file: 'a.test.zone' }]);
    expect(zones.status('a.test')).toMatchObject([{ state: 'served', serial: 9, file: 'x' }]);
  });

  it('that breaks a file keeps it the zone that it was, whatever its name says', () => {
    const zones = new ServedZones();
    zones.apply([result('some.zone', `$ORIGIN a.test.\n${GOOD}`)]);
    const report = zones.change([result('some.zone', 'broken')], []);
    expect(told(report)).toEqual(['a.test. kept']);
    expect(stateOf(report, 'some')).toBe('unknown');
  });

  it('that makes a file another zone takes the old one away', () => {
    const zones = new ServedZones();
    zones.apply([result('some.zone', `$ORIGIN a.test.\n${GOOD}`)]);
    const report = zones.change([result('some.zone', `$ORIGIN b.test.\n${GOOD}`)], []);
    expect(told(report)).toEqual(['a.test. removed', 'b.test. added']);
    expect([stateOf(report, 'a.test'), stateOf(report, 'b.test')]).toEqual(['unknown', 'served']);
  });

  it('serves one file as several zones', () => {
    const zones = new ServedZones();
    const names = ['a.test', 'b.test', 'c.test'];
    expect(zones.apply(names.map((name) => result('parked', GOOD, name)))).toMatchObject({ served: 3, sound: true });
    expect(told(zones.change([], [{ file: 'parked', name: 'b.test' }]))).toEqual(['b.test. removed']);
    expect(zones.status().map(({ name }) => name)).toEqual(['a.test.', 'c.test.']);
  });
});
