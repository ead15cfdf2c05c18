/**
 * Metrics of events: transports and sessions report each by a number. An event that no row names is a series of
 * `adotd_events_total`, so that a new one is seen without a change here.
 */
import { SessionEvent } from '../../session/session-end.js';
import { TransportEvent } from '../../transport/transport.js';
import type { Counters } from '../counters/counters.js';
import { type Metric, single } from './metric.js';

type EventName = keyof typeof TransportEvent | keyof typeof SessionEvent;

/** Told by `adotd_sessions_closed_total` and `adotd_tls_engine_faults_total`. */
const TOLD_ELSEWHERE: readonly EventName[] = [
  'EVICTED',
  'IDLE_CLOSED',
  'MESSAGE_TIMEOUT',
  'HANDSHAKE_TIMEOUT',
  'TRANSFER_TIMEOUT',
  'TLS_CALL_REFUSED',
  'TLS_OCTETS_LEFT',
  'TLS_CALLBACK_FAILED',
];

interface EventRow {
  readonly name: string;
  readonly help: string;
  readonly event: EventName;
}

const ROWS: readonly EventRow[] = [
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

const named = new Set<string>([...TOLD_ELSEWHERE, ...ROWS.map(({ event }) => event)]);
const unnamed = [...EVENTS.keys()].filter((name) => !named.has(name));

export const EVENT_METRICS: readonly Metric[] = [
  ...ROWS.map(({ name, help, event }): Metric => {
    return { name, help, type: 'counter', read: ({ server }) => single(occurrences(server.counters, event)) };
  }),
  {
    name: 'adotd_events_total',
    type: 'counter',
    help: 'All other events of sockets and sessions.',
    labels: { event: unnamed.map((name) => `\`${name.toLowerCase()}\``).join(', ') },
    read: ({ server }) => unnamed.map((name) => [[name.toLowerCase()], occurrences(server.counters, name)] as const),
  },
];
