import { describe, expect, it } from 'vitest';
import type { PlaneStatus } from '../../../src/server/plane/data-plane.js';
import { planeProblems } from '../../../src/server/plane/plane-problems.js';

const STATUS: PlaneStatus = { path: 'threads', udpWorkers: 1, streamWorkers: 1, restarts: 0, streams: 'epoll' };
const SOUND = { open: 7, refused: 0, leftovers: 0, callbackMistakes: 0 };

describe('problems of the data plane', () => {
  it('are none without a TLS engine, and with a sound one', () => {
    expect(planeProblems(STATUS)).toEqual([]);
    expect(planeProblems({ ...STATUS, tlsEngine: SOUND })).toEqual([]);
  });

  it.each(['refused', 'leftovers', 'callbackMistakes'] as const)('are faults of the engine: %s', (fault) => {
    const problems = planeProblems({ ...STATUS, tlsEngine: { ...SOUND, [fault]: 3 } });
    expect(problems).toEqual([expect.stringMatching(/^the TLS engine counts [a-z ]+: 3\. .*`streams: node`/)]);
  });
});
