/** All metrics there are, in the order in which they are shown. */
import type { Metric } from './metric.js';
import { EVENT_METRICS } from './metrics/events.js';
import { PROCESS_METRICS } from './metrics/process.js';
import { QUERY_METRICS } from './metrics/queries.js';
import { SERVER_METRICS } from './metrics/server.js';
import { SESSION_METRICS } from './metrics/sessions.js';

/** Rows by what they are of. */
export const METRIC_GROUPS: readonly (readonly [title: string, metrics: readonly Metric[]])[] = [
  ['Queries and responses', QUERY_METRICS],
  ['Sessions', SESSION_METRICS],
  ['Connections, TLS and STARTTLS', EVENT_METRICS],
  ['Server, zones and certificates', SERVER_METRICS],
  ['Process', PROCESS_METRICS],
];

export const METRICS: readonly Metric[] = METRIC_GROUPS.flatMap(([, metrics]) => metrics);
