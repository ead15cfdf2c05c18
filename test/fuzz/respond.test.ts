import { expect, it } from 'vitest';
import { SEED } from '../support/seed.js';
import { fuzz } from './run.js';

const COUNT = 100_000;

it('answers arbitrary octets with a well-formed response or with silence', () => {
  console.log(`seed ${SEED}, ${COUNT} messages`);
  const report = fuzz(COUNT, SEED);
  expect(report.failure).toBeUndefined();
  // Enough of the messages must get past the header to mean anything.
  expect(report.responses).toBeGreaterThan(COUNT / 2);
});
