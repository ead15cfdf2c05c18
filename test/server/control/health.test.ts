import { describe, expect, it } from 'vitest';
import type { ServerStatus } from '../../../src/server/control/control-target.js';
import { healthOf } from '../../../src/server/control/health.js';
import { STATUS } from './control-support.js';

const NOW = 1_800_000_000;
const zones = { served: 2, failed: 0, kept: 0, waiting: 0, records: 9 };
const certificate = { file: 'a.pem', subject: 'CN=a', names: ['a'], begins: NOW - 1, expires: NOW + 1, pin: 'x' };

describe('the health of a server', () => {
  it.each<[expected: string, why: string, change: Partial<ServerStatus>]>([
    ['ok', 'all is served', { certificates: [certificate] }],
    ['warning', 'a zone is kept as it was', { zones: { ...zones, kept: 1 } }],
    ['warning', 'a file has an error', { problems: ['adotd.yaml:1:1: port: found x'] }],
    ['warning', 'a change waits for a restart', { restart: ['port'] }],
    ['warning', 'no zone has been transferred yet', { zones: { ...zones, served: 0, waiting: 1 } }],
    ['warning', 'it drains', { state: 'draining' }],
    ['critical', 'a zone failed', { zones: { ...zones, failed: 1 }, restart: ['port'] }],
    ['critical', 'there are no zones', { zones: { ...zones, served: 0 } }],
    [
      'critical',
      'a certificate is not valid yet',
      { certificates: [certificate, { ...certificate, begins: NOW + 1 }] },
    ],
    ['critical', 'a certificate has expired', { certificates: [certificate, { ...certificate, expires: NOW }] }],
  ])('is %s when %s', (expected, _, change) => {
    expect(healthOf({ ...STATUS, zones, ...change }, NOW)).toBe(expected);
  });
});
