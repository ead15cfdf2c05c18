/** Metrics of stream sessions: how many, for how long, and why they ended. */
import { SessionEnd, SessionPath } from '../../session/session-end.js';
import type { Counters } from '../counters/counters.js';
import { type Metric, type MetricsInput, single } from './metric.js';

const PATHS = Object.entries(SessionPath).map(([name, path]) => [name.toLowerCase(), path] as const);
const ENDS = Object.entries(SessionEnd).map(([name, end]) => [name.toLowerCase(), end] as const);
const PATH = { path: '`tcp`, `starttls` (an upgrade was begun), `tls`' };

/** A series for each path. */
function byPath<Value>(read: (counters: Counters, path: SessionPath) => Value) {
  return ({ server }: MetricsInput) => PATHS.map(([name, path]) => [[name], read(server.counters, path)] as const);
}

export const SESSION_METRICS: readonly Metric[] = [
  {
    name: 'adotd_sessions_open',
    type: 'gauge',
    help: 'Open connections, including those that are closing.',
    read: ({ server }) => single(server.sessions.open),
  },
  {
    name: 'adotd_sessions_limit',
    type: 'gauge',
    help: 'The most connections that may be open: `sessions.max`, or fewer if the limit on open files is lower.',
    read: ({ server }) => single(server.sessions.limit),
  },
  {
    name: 'adotd_session_idle_timeout_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'The current idle timeout: a session without a complete message for this long is closed. It shrinks as the number of sessions grows.',
    read: ({ server }) => single(server.sessions.idleTime / 1000),
  },
  {
    name: 'adotd_session_keepalive_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'The current value of edns-tcp-keepalive (RFC 7828). 0 asks clients to close.',
    read: ({ server }) => single(server.sessions.keepalive / 1000),
  },
  {
    name: 'adotd_sessions_opened_total',
    type: 'counter',
    help: 'Sessions that have begun: connections accepted (`tcp`, `tls`), and upgrades begun (`starttls`). On every path, opened = closed by reason + open.',
    labels: PATH,
    read: byPath((counters, path) => counters.opened(path)),
  },
  {
    name: 'adotd_sessions_open_by_path',
    type: 'gauge',
    help: 'Sessions opened and not closed yet.',
    labels: PATH,
    read: byPath((counters, path) => counters.open(path)),
  },
  {
    name: 'adotd_sessions_closed_total',
    type: 'counter',
    help: 'Sessions that have ended, by the first reason to end them. `upgraded`: the session goes on on the path `starttls`. `lost`: the thread died.',
    labels: { ...PATH, reason: ENDS.map(([name]) => `\`${name}\``).join(', ') },
    read: ({ server }) =>
      PATHS.flatMap(([path, p]) => ENDS.map(([end, e]) => [[path, end], server.counters.ends(p, e)] as const)),
  },
  {
    name: 'adotd_session_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'How long sessions were open, counted when they end, on the path that they end on.',
    labels: PATH,
    read: byPath((counters, path) => counters.sessionTimes(path)),
  },
  {
    name: 'adotd_session_queries',
    type: 'histogram',
    help: 'How many messages sessions had, counted when they end, on the path that they end on. After STARTTLS, the first one was in cleartext.',
    labels: PATH,
    read: byPath((counters, path) => counters.sessionQueries(path)),
  },
  {
    name: 'adotd_session_pause_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time between two queries of a session, or two runs of queries that came together: how long idle times have to be to be of use.',
    labels: PATH,
    read: byPath((counters, path) => counters.pauses(path)),
  },
  {
    name: 'adotd_session_round_trip_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Round trips of TCP as the kernel has measured them, of 1 session in 7 that had an answer, when it ends. Empty with `streams: node`.',
    labels: PATH,
    read: byPath((counters, path) => counters.roundTrips(path)),
  },
  {
    name: 'adotd_session_work_seconds_total',
    type: 'counter',
    unit: 'seconds',
    help: 'Time that turns of sessions took, from reading to sending, without handshakes. 1 turn in 61 is timed: only the shares of the paths tell something. 0 with `streams: node`.',
    labels: PATH,
    read: byPath((counters, path) => counters.work(path).seconds),
  },
  {
    name: 'adotd_session_bytes_total',
    type: 'counter',
    unit: 'bytes',
    help: 'Octets of connections, without network headers: on `starttls` and `tls` those of TLS, handshakes included. Counted when a session ends or is upgraded.',
    labels: { ...PATH, direction: '`in`, `out`' },
    read: ({ server }) =>
      PATHS.flatMap(([name, path]) => [
        [[name, 'in'], server.counters.received(path)] as const,
        [[name, 'out'], server.counters.sent(path)] as const,
      ]),
  },
];
