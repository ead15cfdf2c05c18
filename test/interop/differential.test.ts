import { describe, expect, test } from 'vitest';
import { failures, showDifferences, summary } from '../differential/report.js';
import { runDifferential } from '../differential/run.js';
import { missingTools } from '../support/peers/tools.js';

const missing = missingTools(['nsd', 'knotd', 'named', 'dnssec-signzone']);
/** Fixed, so that a failure here is one of this change; long runs try others. */
const SEED = 20_261_121;

describe.skipIf(missing)(`random zones and questions${missing ? ` (skipped: ${missing})` : ''}`, () => {
  test.each(['embedded', 'threads'] as const)(
    'no answer of ours has NSD, Knot and BIND against it: %s',
    async (path) => {
      const result = await runDifferential({ seed: SEED, count: 6000, path });
      console.log(summary(result));
      expect(result.path).toContain(path);
      expect(failures(result), showDifferences(result, true, 1)).toEqual([]);
    },
  );
});
