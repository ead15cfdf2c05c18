import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameToText } from '../../../src/protocol/name.js';
import type { UnchangedZone, ZoneResult } from '../../../src/server/zones/load-zone.js';
import { loadZones } from '../../../src/server/zones/load-zones.js';
import { type ZoneFile, zoneFilesOf, zonesOfConfig } from '../../../src/server/zones/zone-files.js';

const GOOD = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
const load = async (zones: readonly ZoneFile[]): Promise<ZoneResult[]> => {
  const tasks = zones.map((zone) => ({ zone }));
  return results(await loadZones(tasks, { now: 0 }, { thread: false }, false));
};
const results = (all: readonly (ZoneResult | UnchangedZone)[]): ZoneResult[] =>
  all.filter((one): one is ZoneResult => !('unchanged' in one));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'adotd-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('the loader', () => {
  it('finds the *.zone files of a folder and names them by their files', async () => {
    for (const name of ['b.test.zone', 'a.test.zone', '0%2F25.2.0.192.in-addr.arpa.zone', '@.zone']) put(name, GOOD);
    for (const name of ['a.test.zone.bak', '.zone', 'readme', '.#a.test.zone', '._b.test.zone']) put(name, 'nothing');
    const results = await load(zoneFilesOf(folder));
    expect(results.map(({ apex }) => apex && nameToText(apex))).toEqual([
      '0/25.2.0.192.in-addr.arpa.',
      '.',
      'a.test.',
      'b.test.',
    ]);
    expect(results.every(({ image, errors }) => image !== undefined && errors === 0)).toBe(true);
  });

  it('takes files and their names from the configuration, too', async () => {
    put('a.test.zone', GOOD);
    const other = put('other', GOOD);
    const zones = { folder, files: [{ file: other, name: 'other.test' }] };
    const results = await load(zonesOfConfig({ zones }));
    expect(results.map(({ apex }) => apex && nameToText(apex))).toEqual(['a.test.', 'other.test.']);
  });

  it('includes files of the folder only, links followed', async () => {
    mkdirSync(join(folder, 'zones'));
    mkdirSync(join(folder, 'zones', 'parts'));
    put('zones/parts/hosts', 'www 60 A 192.0.2.2\n');
    put('outside', 'evil 60 A 192.0.2.66\n');
    symlinkSync(join(folder, 'outside'), join(folder, 'zones', 'link'));
    const good = put('zones/good.test.zone', `${GOOD}$INCLUDE parts/hosts\n`);
    expect((await load([{ file: good }]))[0]).toMatchObject({ errors: 0, records: 4 });
    for (const path of ['../outside', 'link', '/etc/hostname', 'parts', 'missing']) {
      const bad = put('zones/bad.test.zone', `${GOOD}$INCLUDE ${path}\n`);
      const [result] = await load([{ file: bad }]);
      expect(result?.image, path).toBeUndefined();
      expect(result?.diagnostics[0], path).toMatchObject({ severity: 'error', file: bad, line: 4 });
    }
  });

  it('includes nothing into a zone given as text', async () => {
    const [result] = await load([{ file: 'a.test', name: 'a.test', text: `${GOOD}$INCLUDE /etc/hostname\n` }]);
    expect(result).toMatchObject({ errors: 1, image: undefined });
  });

  it('reports a file that cannot be read as a mistake of that zone', async () => {
    const [gone, device] = await load([
      { file: join(folder, 'gone.test.zone') },
      { file: '/dev/zero', name: 'z.test' },
    ]);
    expect(gone?.apex && nameToText(gone.apex)).toBe('gone.test.');
    expect(gone?.diagnostics[0]?.message).toMatch(/cannot read .*no such file or directory/);
    expect(device?.diagnostics[0]?.message).toMatch(/no regular file/);
  });

  it.each([
    ['a link that leads to itself', 'loop.zone', /too many symbolic links/],
    ['a path below a regular file', 'a.test.zone/b.zone', /not a directory/],
    ['a name too long', `${'n'.repeat(300)}.zone`, /name too long/],
    ['a name that no file can have', 'a\0b.zone', /null bytes/],
  ])('fails only the zone of %s', async (_, name, reason) => {
    const good = put('a.test.zone', GOOD);
    symlinkSync('loop.zone', join(folder, 'loop.zone'));
    const file = join(folder, name);
    const [sound, failed] = await load([{ file: good }, { file, name: 'b.test' }]);
    expect(sound?.image).toBeDefined();
    expect(failed).toMatchObject({ name: 'b.test.', image: undefined, errors: 1 });
    expect(failed?.diagnostics).toMatchObject([{ severity: 'error', file, message: expect.stringMatching(reason) }]);
  });
});
