import { describe, expect, it } from 'vitest';
import { findZone, NOT_SERVED, ZONE_FAILED, ZONE_SEGMENT, ZONE_WORDS } from '../../src/image/catalog.js';
import { labelOffsets, nameFromText } from '../../src/protocol/name.js';
import { loadZone, type ZoneResult } from '../../src/server/load-zone.js';
import { Zones, type ZonesReport } from '../../src/server/zones.js';

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

describe('the zones that are served', () => {
  it('are those whose files have no errors; the others fail alone', () => {
    const report = new Zones().apply([result('a.test.zone'), result('b.test.zone', 'broken'), result('@.zone')]);
    expect(report).toMatchObject({ served: 2, failed: 1, records: 6, sound: false, names: ['a.test.', '.'] });
    expect([stateOf(report, 'a.test.'), stateOf(report, 'b.test.'), stateOf(report, 'c.')]).toEqual([
      'served',
      'failed',
      'served',
    ]);
  });

  it('are neither of two files with one zone', () => {
    const report = new Zones().apply([result('one.zone', GOOD, 'A.test'), result('two.zone', GOOD, 'a.TEST')]);
    expect(report).toMatchObject({ served: 0, failed: 1, sound: false });
    expect(stateOf(report, 'a.test.')).toBe('failed');
    expect(report.diagnostics.filter((d) => d.severity === 'error').map((d) => [d.file, d.message])).toEqual([
      ['one.zone', expect.stringMatching(/zone A\.test\. is in two\.zone too/)],
      ['two.zone', expect.stringMatching(/zone a\.TEST\. is in one\.zone too/)],
    ]);
  });

  it('stay as they were when a reload finds two files with one zone, or errors', () => {
    const zones = new Zones();
    zones.apply([result('a.test.zone'), result('b.test.zone')]);
    const report = zones.apply([result('a.test.zone'), result('x', GOOD, 'a.test'), result('b.test.zone', 'broken')]);
    expect([stateOf(report, 'a.test.'), stateOf(report, 'b.test.')]).toEqual(['served', 'served']);
    expect(report).toMatchObject({ served: 2, failed: 0, kept: 2, sound: false });
  });

  it('come and go with their files', () => {
    const zones = new Zones();
    zones.apply([result('a.test.zone'), result('b.test.zone', 'broken')]);
    const report = zones.apply([result('b.test.zone'), result('c.test.zone')]);
    expect(['a.test.', 'b.test.', 'c.test.'].map((name) => stateOf(report, name))).toEqual([
      'unknown',
      'served',
      'served',
    ]);
  });

  it('are unknown when neither the file nor its name says which', () => {
    const report = new Zones().apply([result('a..b.zone', 'broken')]);
    expect(report).toMatchObject({ served: 0, failed: 0, sound: false });
  });
});
