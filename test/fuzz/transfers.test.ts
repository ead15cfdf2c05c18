import { expect, it } from 'vitest';
import { SEED } from '../support/seed.js';
import { fuzzTransfers } from './transfers.js';

const COUNT = Number(process.env.COUNT ?? 1500);

it('takes arbitrary transfers apart without a crash, and serves what it accepts', () => {
  console.log(`seed ${SEED}, ${COUNT} streams`);
  const report = fuzzTransfers(COUNT, SEED);
  expect(report.failure).toBeUndefined();
  // Enough of the streams must get that far to mean anything.
  expect(report.accepted).toBeGreaterThan(COUNT / 8);
  expect(report.odd).toBeGreaterThan(COUNT / 20);
}, 1_800_000);
