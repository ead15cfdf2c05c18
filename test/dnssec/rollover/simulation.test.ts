import { describe, expect, it } from 'vitest';
import { RULES } from '../../../src/dnssec/rollover/rules.js';
import type { Wait } from '../../../src/dnssec/rollover/waits.js';
import { seedOr } from '../../support/seed.js';
import { type Lacking, simulate } from './simulation.js';
import { simulateTwoSigners } from './two-signers.js';

/** ADOTD_RUNS asks for so many runs, ADOTD_SEED for others. */
const RUNS = Number(process.env.ADOTD_RUNS ?? 200);
const FIRST = seedOr(0);
const GROUP = 10;
/** Runs in which a fault of the rules has to show. */
const TRIES = 100;

const WAITS: readonly Wait[] = ['dnskey', 'zone', 'ds', 'propagation', 'parentPropagation', 'parent', 'publication'];
const NONE: ReadonlySet<Wait> = new Set();

describe('ten years of rolls', () => {
  it.each(Array.from({ length: Math.ceil(RUNS / GROUP) }, (_, i) => FIRST + i * GROUP))(
    'leave the zone valid for every resolver: seeds from %d',
    { timeout: 120_000 },
    (first) => {
      let secure = 0;
      for (let seed = first; seed < Math.min(first + GROUP, FIRST + RUNS); seed++) {
        const outcome = simulate(seed);
        expect([outcome.bogus, outcome.insecure], `seed ${seed}`).toEqual([undefined, undefined]);
        if (outcome.wasSecure && outcome.keys > 1 && outcome.dsChanges > 1) secure++;
      }
      // Most runs roll keys of a zone that has a DS record.
      expect(secure).toBeGreaterThan(Math.min(GROUP, RUNS) / 3);
    },
  );
});

/** Runs with two signers, which take longer. */
const SHARED_RUNS = Math.ceil(RUNS / 5);

describe('six years with two signers', () => {
  it.each(Array.from({ length: Math.ceil(SHARED_RUNS / GROUP) }, (_, i) => FIRST + i * GROUP))(
    'leave the zone valid for resolvers that take answers of both: seeds from %d',
    { timeout: 120_000 },
    (first) => {
      let shared = 0;
      for (let seed = first; seed < Math.min(first + GROUP, FIRST + SHARED_RUNS); seed++) {
        const { bogus, hasJoined, rolled } = simulateTwoSigners(seed);
        expect(bogus, `seed ${seed}`).toBeUndefined();
        if (hasJoined && rolled > 5) shared++;
      }
      expect(shared).toBeGreaterThan(Math.min(GROUP, SHARED_RUNS) / 2);
    },
  );

  it.each(['signersKey', 'signersCds', 'signersLag'] as const)(
    'are bogus when a wait is missing: %s',
    { timeout: 120_000 },
    (wait) => {
      const barriers = { rules: RULES, without: new Set([wait]) };
      const isFound = Array.from({ length: TRIES }, (_, seed) => seed).some(
        (seed) => simulateTwoSigners(seed, barriers).bogus !== undefined,
      );
      expect(isFound).toBe(true);
    },
  );
});

describe('the simulation finds out', () => {
  const isFound = (lacking: Lacking): boolean => {
    for (let seed = 0; seed < TRIES; seed++) {
      const { bogus, insecure } = simulate(seed, lacking);
      if (bogus !== undefined || insecure !== undefined) return true;
    }
    return false;
  };

  it.each(RULES.map(({ name }) => name))('when a rule is missing: %s', { timeout: 120_000 }, (name) => {
    expect(isFound({ rules: RULES.filter((rule) => rule.name !== name), without: NONE })).toBe(true);
  });

  it.each(WAITS)('when a wait is missing: %s', { timeout: 120_000 }, (wait) => {
    expect(isFound({ rules: RULES, without: new Set([wait]) })).toBe(true);
  });

  it('when nobody notices that a clock was set forward', { timeout: 120_000 }, () => {
    expect(isFound({ isClockUnwatched: true })).toBe(true);
  });
});
