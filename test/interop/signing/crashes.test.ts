/** A server that signs zones is killed again and again (crash-signer.ts). ADOTD_KILLS asks for so many kills, ADOTD_SEED for other moments. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SEED } from '../../support/seed.js';
import { missingPrograms } from '../support.js';
import { killSigner } from './crash-signer.js';

const missing = missingPrograms({ dig: 'bind9-dnsutils' });
const KILLS = Number(process.env.ADOTD_KILLS ?? 6);

const folder = mkdtempSync(join(tmpdir(), 'adotd-crashes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(missing)(`a server that signs, killed again and again (seed ${SEED})${missing}`, () => {
  it(
    'has what it acknowledged, zones that verify below their DS records, later serials, and each key once',
    async () => {
      const { wrong, tally } = await killSigner(folder, { count: KILLS, seed: SEED });
      expect(wrong).toEqual([]);
      expect(tally.acknowledged).toBeGreaterThan(0);
      console.log(JSON.stringify(tally));
    },
    240_000 + KILLS * 10_000,
  );
});
