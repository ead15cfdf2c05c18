import { expect, it } from 'vitest';
import { fuzz } from './run.js';

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const COUNT = 200_000;

it('answers arbitrary octets with a well-formed response or with silence', () => {
  console.log(`seed ${SEED}, ${COUNT} messages`);
  const report = fuzz(COUNT, SEED);
  expect(report.failure).toBeUndefined();
  // Enough of the messages must get past the header to mean anything.
  expect(report.responses).toBeGreaterThan(COUNT / 2);
});
