/** All metrics, in the order in which they are shown. */

import { CLIENT_METRICS } from './client-metrics.js';
import { EVENT_METRICS } from './event-metrics.js';
import { HANDSHAKE_METRICS } from './handshake-metrics.js';
import type { Metric } from './metric.js';
import { PROCESS_METRICS } from './process-metrics.js';
import { QUERY_METRICS } from './query-metrics.js';
import { SECONDARY_METRICS } from './secondary-metrics.js';
import { SERVER_METRICS } from './server-metrics.js';
import { SESSION_METRICS } from './session-metrics.js';
import { SIGNING_METRICS } from './signing-metrics.js';
import { TRANSFER_METRICS } from './transfer-metrics.js';
import { UPDATE_METRICS } from './update-metrics.js';

/** Rows by topic. */
export const METRIC_GROUPS: readonly (readonly [title: string, metrics: readonly Metric[]])[] = [
  ['Queries and responses', QUERY_METRICS],
  ['Sessions', SESSION_METRICS],
  ['TLS handshakes', HANDSHAKE_METRICS],
  ['Connections and STARTTLS', EVENT_METRICS],
  ['Clients that are followed', CLIENT_METRICS],
  ['Zone transfers', TRANSFER_METRICS],
  ['Secondary zones', SECONDARY_METRICS],
  ['Updates', UPDATE_METRICS],
  ['Signing', SIGNING_METRICS],
  ['Server, zones and certificates', SERVER_METRICS],
  ['Process', PROCESS_METRICS],
];

export const METRICS: readonly Metric[] = METRIC_GROUPS.flatMap(([, metrics]) => metrics);
