import { expect, it } from 'vitest';
import { SEED } from '../support/seed.js';
import { fuzzUpdates } from './updates.js';

const COUNT = Number(process.env.COUNT ?? 2500);

it('takes arbitrary UPDATE messages apart without a crash, and makes only zones that can be served', () => {
  console.log(`seed ${SEED}, ${COUNT} messages`);
  const report = fuzzUpdates(COUNT, SEED);
  expect(report.failure).toBeUndefined();
  // Enough of the messages must get that far to mean anything.
  expect(report.read).toBeGreaterThan(COUNT / 4);
  expect(report.changed).toBeGreaterThan(COUNT / 20);
}, 600_000);
