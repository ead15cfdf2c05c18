import { describe, expect, it } from 'vitest';
import { seedOr } from '../../support/seed.js';
import { SignedVersions } from './signed-versions.js';

/** Zones, and changes of each; ADOTD_CHANGES asks for so many in all. */
const CHANGES = 10;
const SEEDS = Math.ceil(Number(process.env.ADOTD_CHANGES ?? 2000) / CHANGES);
const FIRST = seedOr(0);
const GROUP = 10;

describe('signing a change', () => {
  it.each(Array.from({ length: Math.ceil(SEEDS / GROUP) }, (_, i) => FIRST + i * GROUP))(
    'makes the zone that signing it whole makes, and no signature too many: seeds from %d',
    { timeout: 120_000 },
    (first) => {
      for (let seed = first; seed < Math.min(first + GROUP, FIRST + SEEDS); seed++) {
        const versions = new SignedVersions(seed);
        for (let i = 0; i < CHANGES; i++) {
          const { what, made, least, most, errors, found, expected } = versions.next();
          const place = `seed ${seed}, change ${i} (${what})`;
          expect(errors, place).toEqual([]);
          expect(found, place).toBe(expected);
          expect(made, place).toBeGreaterThanOrEqual(least);
          expect(made, place).toBeLessThanOrEqual(most);
        }
      }
    },
  );
});
