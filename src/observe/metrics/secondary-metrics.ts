/** Metrics of secondary zones. They are as old as the last request for metrics: only then the thread that has them is asked. */
import { type Metric, single } from './metric.js';
import type { SecondaryFacts } from './secondary-facts.js';

const STATES = ['current', 'failing', 'expired', 'empty'] as const satisfies readonly (keyof SecondaryFacts['zones'])[];

export const SECONDARY_METRICS: readonly Metric[] = [
  {
    name: 'adotd_secondary_zones',
    type: 'gauge',
    help: 'Secondary zones. `failing`: no primary could be used in the last check, and the version from before is served. `expired` and `empty` (never transferred) are answered with SERVFAIL.',
    labels: { state: STATES.map((state) => `\`${state}\``).join(', ') },
    read: ({ server: { secondaries } }) => STATES.map((state) => [[state], secondaries.zones[state]] as const),
  },
  {
    name: 'adotd_secondary_expiry_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Time until the first secondary zone expires, unless a primary confirms it. Absent without one.',
    read: ({ server: { secondaries } }) => (secondaries.nextExpiry === undefined ? [] : single(secondaries.nextExpiry)),
  },
  {
    name: 'adotd_secondary_checks_total',
    type: 'counter',
    help: 'Questions to primaries for their SOA records.',
    labels: { result: '`answered`, `failed`' },
    read: ({ server: { secondaries } }) => [
      [['answered'], secondaries.checks - secondaries.failedChecks],
      [['failed'], secondaries.failedChecks],
    ],
  },
  {
    name: 'adotd_transfers_in_total',
    type: 'counter',
    help: 'Zone transfers from primaries that have ended. IXFR that has the form of AXFR counts as `axfr`. `failed`: refused, broken, wrong, too large or too slow; the log says which.',
    labels: { result: '`axfr`, `ixfr`, `failed`' },
    read: ({ server: { secondaries } }) => [
      [['axfr'], secondaries.axfr],
      [['ixfr'], secondaries.ixfr],
      [['failed'], secondaries.failedTransfers],
    ],
  },
  {
    name: 'adotd_transfer_in_bytes_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Octets of DNS messages received in zone transfers.',
    read: ({ server }) => single(server.secondaries.octets),
  },
  {
    name: 'adotd_secondary_expirations_total',
    type: 'counter',
    help: 'Versions of secondary zones that have expired.',
    read: ({ server }) => single(server.secondaries.expired),
  },
  {
    name: 'adotd_notify_in_refused_total',
    type: 'counter',
    help: 'NOTIFY messages for secondary zones that came from no primary of theirs.',
    read: ({ server }) => single(server.secondaries.refusedNotifies),
  },
];
