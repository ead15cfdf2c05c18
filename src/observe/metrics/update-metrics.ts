/** Metrics of UPDATE. */
import { Rcode } from '../../protocol/iana.js';
import { rcodeName } from '../counters/summary.js';
import type { Metric } from './metric.js';

/** The answers that an UPDATE can have (RFC 2136 §2.2); TSIG errors are NOTAUTH, and counted before. */
const RCODES: readonly number[] = [
  Rcode.NOERROR,
  Rcode.FORMERR,
  Rcode.SERVFAIL,
  Rcode.NXDOMAIN,
  Rcode.REFUSED,
  Rcode.YXDOMAIN,
  Rcode.YXRRSET,
  Rcode.NXRRSET,
  Rcode.NOTAUTH,
  Rcode.NOTZONE,
];

export const UPDATE_METRICS: readonly Metric[] = [
  {
    name: 'adotd_updates_total',
    type: 'counter',
    help: 'UPDATE messages, by the answer. NOERROR: the change is stored and served. Those whose signature is wrong are not counted.',
    labels: { rcode: RCODES.map((rcode) => `\`${rcodeName(rcode)}\``).join(', ') },
    read: ({ server: { updates } }) => RCODES.map((rcode) => [[rcodeName(rcode)], updates.get(rcode) ?? 0] as const),
  },
];
