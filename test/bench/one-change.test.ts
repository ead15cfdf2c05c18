import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { diff } from '../../src/image/changes/diff.js';
import { loadText } from '../answer/support.js';
import { withOneChange } from './one-change.js';
import { ZONE } from './workload.js';
import { SIZES, workload } from './worlds.js';

it('a change of the zone that is signed leads to the next version of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  try {
    const { zonesFolder } = workload(folder, { ...SIZES, names: 5, delegations: 5 });
    const text = readFileSync(join(zonesFolder, `${ZONE}.zone`), 'latin1');
    const difference = diff(loadText(ZONE, text).image, loadText(ZONE, withOneChange(text)).image);
    expect((difference.to - difference.from) | 0).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('is refused for a zone without SOA record', () => {
  expect(() => withOneChange('a A 192.0.2.1')).toThrow('found no SOA record in one line');
});
