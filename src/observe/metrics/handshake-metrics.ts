/** Metrics of TLS handshakes: how many, how they ended, how long they took, and the parameters that they agreed on. */
import { HandshakeEnd, SessionPath } from '../../session/session-end.js';
import { TransportEvent } from '../../transport/transport.js';
import type { Counters } from '../counters/counters.js';
import { GROUPS, SUITES } from '../counters/tls-suites.js';
import { type Metric, type MetricsInput, single } from './metric.js';

const PATHS = [
  ['starttls', SessionPath.STARTTLS],
  ['tls', SessionPath.TLS],
] as const;
const FAULTS = {
  call_refused: TransportEvent.TLS_CALL_REFUSED,
  octets_left: TransportEvent.TLS_OCTETS_LEFT,
  callback_failed: TransportEvent.TLS_CALLBACK_FAILED,
};
const PATH = { path: '`starttls`, `tls`' };
const COMPLETE: Readonly<Record<string, HandshakeEnd>> = { full: HandshakeEnd.FULL, resumed: HandshakeEnd.RESUMED };
const FAILURES = Object.fromEntries(
  Object.entries(HandshakeEnd)
    .map(([name, end]) => [name.toLowerCase(), end] as const)
    .filter(([name]) => !(name in COMPLETE)),
);

/** A series for each path. */
function byPath<Value>(read: (counters: Counters, path: SessionPath) => Value) {
  return ({ server }: MetricsInput) => PATHS.map(([name, path]) => [[name], read(server.counters, path)] as const);
}

/** A series for each path and each of `ends`. */
function byEnd(ends: Readonly<Record<string, HandshakeEnd>>) {
  return ({ server }: MetricsInput) =>
    PATHS.flatMap(([name, path]) =>
      Object.entries(ends).map(([label, end]) => [[name, label], server.counters.handshakes(path, end)] as const),
    );
}

const labelled = (ends: object): string =>
  Object.keys(ends)
    .map((name) => `\`${name}\``)
    .join(', ');

export const HANDSHAKE_METRICS: readonly Metric[] = [
  {
    name: 'adotd_tls_handshakes_begun_total',
    type: 'counter',
    help: 'TLS handshakes begun: by a connection to the port for TLS, or by a ClientHello after STARTTLS. On every path, begun = completed + failed by reason + under way.',
    labels: PATH,
    read: byPath((counters, path) => counters.opened(path)),
  },
  {
    name: 'adotd_tls_handshakes_under_way',
    type: 'gauge',
    help: 'TLS handshakes begun that have not ended.',
    labels: PATH,
    read: byPath((counters, path) => counters.handshaking(path)),
  },
  {
    name: 'adotd_tls_handshakes_total',
    type: 'counter',
    help: 'TLS handshakes completed: full ones, and those that resumed an earlier session.',
    labels: { ...PATH, kind: labelled(COMPLETE) },
    read: byEnd(COMPLETE),
  },
  {
    name: 'adotd_tls_handshake_failures_total',
    type: 'counter',
    help: 'TLS handshakes that failed. `alert`: the client refused, most likely because of the certificate. `closed`: the client closed without a word, perhaps for the same reason. `nothing_sent`: it closed before its first octet, as port scans and health checks do. `lost`: the thread died.',
    labels: { ...PATH, reason: labelled(FAILURES) },
    read: byEnd(FAILURES),
  },
  {
    name: 'adotd_tls_handshake_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'How long completed handshakes took: from the connection (`tls`) or the ClientHello (`starttls`) on.',
    labels: PATH,
    read: byPath((counters, path) => counters.handshakeTimes(path)),
  },
  {
    name: 'adotd_tls_suites_total',
    type: 'counter',
    help: 'TLS handshakes completed, by the protocol version and the cipher that were agreed on.',
    labels: { ...PATH, version: '`TLSv1.2`, `TLSv1.3`, `other`', cipher: 'as OpenSSL calls it, or `other`' },
    read: ({ server }) =>
      PATHS.flatMap(([name, path]) =>
        SUITES.map(
          ([version, cipher], index) => [[name, version, cipher], server.counters.suites(path, index)] as const,
        ),
      ),
  },
  {
    name: 'adotd_tls_groups_total',
    type: 'counter',
    help: 'TLS handshakes completed, by the group of the key exchange. `unknown`: there was none, or node:tls does not tell it.',
    labels: { ...PATH, group: GROUPS.map((group) => `\`${group}\``).join(', ') },
    read: ({ server }) =>
      PATHS.flatMap(([name, path]) =>
        GROUPS.map((group, index) => [[name, group], server.counters.groups(path, index)] as const),
      ),
  },
  {
    name: 'adotd_tls_alpn_dot_total',
    type: 'counter',
    help: 'TLS handshakes completed in which the client offered the protocol `dot` by ALPN. The others used no ALPN.',
    labels: PATH,
    read: byPath((counters, path) => counters.dot(path)),
  },
  {
    name: 'adotd_tls_server_name_total',
    type: 'counter',
    help: 'TLS handshakes completed in which the client told a name for the server (SNI).',
    labels: PATH,
    read: byPath((counters, path) => counters.named(path)),
  },
  {
    name: 'adotd_tls_handshake_work_seconds_total',
    type: 'counter',
    unit: 'seconds',
    help: 'Time in which OpenSSL computed handshakes, failed ones too. 0 with `streams: node`.',
    read: ({ server }) => single(server.counters.handshakeWork),
  },
  {
    name: 'adotd_tls_engine_connections',
    type: 'gauge',
    help: 'Connections that OpenSSL has memory for, in the threads that call it themselves. As many as there are open sessions inside TLS, and handshakes under way.',
    read: ({ server: { plane } }) => (plane.tlsEngine === undefined ? [] : single(plane.tlsEngine.open)),
  },
  {
    name: 'adotd_tls_engine_faults_total',
    type: 'counter',
    help: 'Faults in the use of OpenSSL: calls for a connection that is gone, octets that were left behind, callbacks that failed. Each ended one connection. Should be 0: please report it otherwise.',
    labels: { fault: labelled(FAULTS) },
    read: ({ server }) =>
      Object.entries(FAULTS).map(([fault, event]) => [[fault], server.counters.events(event)] as const),
  },
];
