import { expect, it } from 'vitest';
import { SEED } from '../support/seed.js';
import { killAgainAndAgain } from './killed-stores.js';
import { newFolder } from './open-store.js';

/** `node scripts/run-ts.mjs test/state/crash.ts 1000` does more. */
const RUNS = 25;
/** Milliseconds for all of them on the busiest machine. */
const PATIENCE = 1_200_000;

it(
  'loses nothing that was acknowledged, and starts each time, when it is killed again and again',
  async () => {
    const { wrong, tally } = await killAgainAndAgain(newFolder(), RUNS, SEED);
    expect(wrong, `seed ${SEED}`).toEqual([]);
    expect(tally.acknowledged).toBeGreaterThan(RUNS);
  },
  PATIENCE,
);
