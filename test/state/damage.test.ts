import { beforeAll, describe, expect, it } from 'vitest';
import { judge, sampleFolder } from './damaged-folders.js';

/** Cases of a test. `node scripts/run-ts.mjs test/state/damage-main.ts --count N` judges more. */
const GROUP = 50;
const GROUPS = 8;

describe('a state folder with a damaged file', () => {
  let samples: Awaited<ReturnType<typeof sampleFolder>>[];
  beforeAll(async () => {
    samples = [await sampleFolder(), await sampleFolder(true)];
  });

  it.each(Array.from({ length: GROUPS }, (_, i) => i * GROUP))(
    'gives the right zones, or refuses them: seeds from %d',
    async (first) => {
      for (let seed = first; seed < first + GROUP; seed++)
        expect(await judge(samples[seed % 2]!, seed)).toBeUndefined();
    },
  );
});
