/**
 * Metrics of events: what transports and sessions report by a number. An event that no row names is a series of
 * `adotd_events_total`, so that a new one is seen without a change here.
 */
import { SessionEvent } from '../../session/session-end.js';
import { TransportEvent } from '../../transport/transport.js';
import type { Counters } from '../counters/counters.js';
import { type Metric, single } from './metric.js';

type EventName = keyof typeof TransportEvent | keyof typeof SessionEvent;

/** Told by `adotd_sessions_closed_total`, or by the sum of a metric's series. */
const TOLD_ELSEWHERE: readonly EventName[] = [
  'TCP_CLOSED',
  'TLS_HANDSHAKE_FAILED',
  'EVICTED',
  'IDLE_CLOSED',
  'MESSAGE_TIMEOUT',
];

interface EventRow {
  readonly name: string;
  readonly help: string;
  readonly event: EventName;
}

interface LabelledRow {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  /** By value of the label. */
  readonly events: Readonly<Record<string, EventName>>;
}

const ROWS: readonly (EventRow | LabelledRow)[] = [
  {
    name: 'adotd_udp_errors_total',
    help: 'Datagrams that could not be sent or received, and errors that the network reported for earlier ones.',
    event: 'UDP_ERROR',
  },
  {
    name: 'adotd_udp_batches_total',
    help: 'Receive calls that brought datagrams; under load one call brings several. 0 when everything runs embedded.',
    event: 'UDP_BATCH',
  },
  {
    name: 'adotd_sessions_opened_total',
    help: 'TCP connections accepted, including those for TLS.',
    event: 'TCP_ACCEPTED',
  },
  {
    name: 'adotd_connections_refused_total',
    help: 'TCP connections closed at once, because there were too many in all or too many from their client.',
    event: 'TCP_REFUSED',
  },
  {
    name: 'adotd_connection_errors_total',
    help: 'Connections that broke, and failures to accept one. Failed handshakes are not counted here.',
    event: 'TCP_ERROR',
  },
  {
    name: 'adotd_tls_handshakes_total',
    help: 'TLS handshakes completed.',
    label: 'kind',
    events: { full: 'TLS_HANDSHAKE', resumed: 'TLS_RESUMED' },
  },
  {
    name: 'adotd_tls_handshake_failures_total',
    help: 'TLS handshakes that failed. `alert`: the client refused, most likely because of the certificate.',
    label: 'reason',
    events: {
      not_tls: 'TLS_FAILED_NOT_TLS',
      version: 'TLS_FAILED_VERSION',
      nothing_shared: 'TLS_FAILED_NOTHING_SHARED',
      alert: 'TLS_FAILED_ALERT',
      connection: 'TLS_FAILED_CONNECTION',
      timeout: 'HANDSHAKE_TIMEOUT',
      other: 'TLS_FAILED_OTHER',
    },
  },
  {
    name: 'adotd_starttls_offered_total',
    help: 'Sessions whose first answer offered STARTTLS.',
    event: 'UPGRADE_OFFERED',
  },
  {
    name: 'adotd_starttls_upgraded_total',
    help: 'Sessions that STARTTLS upgraded to TLS, with a complete handshake.',
    event: 'UPGRADED',
  },
  {
    name: 'adotd_starttls_declined_total',
    help: 'Sessions that continued in plaintext after an offer of STARTTLS.',
    event: 'UPGRADE_DECLINED',
  },
];

const EVENTS = new Map<string, (counters: Counters) => number>([
  ...Object.entries(TransportEvent).map(
    ([name, event]) => [name, (counters: Counters) => counters.events(event)] as const,
  ),
  ...Object.entries(SessionEvent).map(
    ([name, event]) => [name, (counters: Counters) => counters.sessionEvents(event)] as const,
  ),
]);

function occurrences(counters: Counters, name: string): number {
  return EVENTS.get(name)?.(counters) ?? 0;
}

const named = new Set<string>([
  ...TOLD_ELSEWHERE,
  ...ROWS.flatMap((row) => ('event' in row ? [row.event] : Object.values(row.events))),
]);
const unnamed = [...EVENTS.keys()].filter((name) => !named.has(name));

export const EVENT_METRICS: readonly Metric[] = [
  ...ROWS.map((row): Metric => {
    const { name, help } = row;
    if ('event' in row) {
      return { name, help, type: 'counter', read: ({ server }) => single(occurrences(server.counters, row.event)) };
    }
    const values = Object.entries(row.events);
    return {
      name,
      help,
      type: 'counter',
      labels: { [row.label]: values.map(([value]) => `\`${value}\``).join(', ') },
      read: ({ server }) => values.map(([value, event]) => [[value], occurrences(server.counters, event)] as const),
    };
  }),
  {
    name: 'adotd_events_total',
    type: 'counter',
    help: 'All other events of sockets and sessions.',
    labels: { event: unnamed.map((name) => `\`${name.toLowerCase()}\``).join(', ') },
    read: ({ server }) => unnamed.map((name) => [[name.toLowerCase()], occurrences(server.counters, name)] as const),
  },
];
