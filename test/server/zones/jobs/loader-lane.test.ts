import { afterAll, describe, expect, it } from 'vitest';
import { LoaderLane } from '../../../../src/server/zones/jobs/loader-lane.js';
import { systemClock } from '../../../../src/session/clock.js';
import { imageOf, runOf } from '../../../state/stored.js';

const lane = new LoaderLane(systemClock, true);
afterAll(() => lane.close());

describe('the run of an image', () => {
  it.each([
    ['a small one, in place', 5],
    ['a large one, in a thread', 20_000],
  ])('has the records in canonical order, in shared memory: of %s', async (_, records) => {
    const image = imageOf('example.test.', 1, records);
    const run = await lane.run({ kind: 'run', image });
    expect(run.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(Buffer.compare(run, runOf(image))).toBe(0);
  });
});
