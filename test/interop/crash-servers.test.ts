/** Servers that are killed, whole, under load. `node scripts/run-ts.mjs test/interop/crash-main.ts 1000` kills more. */
import { expect, it } from 'vitest';
import { SEED } from '../support/seed.js';
import { killServers } from './crash-rounds.js';
import { startWorld } from './crash-world.js';
import { FOLDER, missingPrograms } from './support.js';

const missing = missingPrograms({ named: 'bind9' });
const KILLS = 16;

it.skipIf(missing)(
  `lose nothing that they acknowledged, start each time, and agree (seed ${SEED})${missing ? ` (skipped: ${missing})` : ''}`,
  async () => {
    await using world = await startWorld({ folder: FOLDER, peer: 'BIND' });
    const { wrong, tally } = await killServers(world, { count: KILLS, seed: SEED });
    expect(wrong).toEqual([]);
    expect(tally.acknowledged).toBeGreaterThan(KILLS);
    expect(tally.transfers).toBeGreaterThan(0);
  },
);
