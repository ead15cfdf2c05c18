import { expect, it } from 'vitest';
import { load } from '../../../src/image/load.js';
import { nameFromText } from '../../../src/protocol/name.js';
import type { KeptZone, ZoneRole } from '../../../src/server/zones/kept-zone.js';
import { zoneCounts } from '../../../src/server/zones/zone-counts.js';
import { UNCHANGED } from './keeper-support.js';

const origin = nameFromText('a.test.');
const bytes = Buffer.from('@ 60 IN SOA ns a 1 2 3 4 5\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\n');
const { image } = load({ file: 'a.test.zone', bytes, origin }, { now: 0 });

function kept(role: ZoneRole, state: KeptZone['state']): KeptZone {
  return {
    zone: 'a.test.',
    apex: origin,
    role,
    state,
    image: state === 'empty' ? undefined : image,
    ...UNCHANGED,
    plan: undefined,
  };
}

it('counts zones of files and of other nameservers, each once', () => {
  const zones = [
    kept('file', 'served'),
    kept('secondary', 'served'),
    kept('catalog-produced', 'served'),
    kept('secondary', 'expired'),
    kept('secondary', 'empty'),
  ];
  const counts = zoneCounts({ served: 2, failed: 1, kept: 1, records: 10 }, { all: () => zones });
  expect(counts).toEqual({ served: 4, failed: 2, kept: 1, waiting: 1, records: 16 });
});
