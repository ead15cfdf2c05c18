/** Metrics of stream sessions: how many, for how long, and why they ended. */
import { SessionEnd, SessionPath } from '../../session/session-end.js';
import { type Metric, single } from './metric.js';

const PATHS = Object.entries(SessionPath).map(([name, path]) => [name.toLowerCase(), path] as const);
const ENDS = Object.entries(SessionEnd).map(([name, end]) => [name.toLowerCase(), end] as const);
const PATH = { path: '`tcp`, `starttls` (an upgrade was begun), `tls`' };

export const SESSION_METRICS: readonly Metric[] = [
  {
    name: 'adotd_sessions_open',
    type: 'gauge',
    help: 'Connections that are open, those that are being closed included.',
    read: ({ server }) => single(server.sessions.open),
  },
  {
    name: 'adotd_sessions_limit',
    type: 'gauge',
    help: 'Connections that may be open: `sessions.max`, or what the limit on open files leaves.',
    read: ({ server }) => single(server.sessions.limit),
  },
  {
    name: 'adotd_session_idle_timeout_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Time without a whole message after which a session is closed now; it shrinks as sessions get many.',
    read: ({ server }) => single(server.sessions.idleTime / 1000),
  },
  {
    name: 'adotd_session_keepalive_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'What edns-tcp-keepalive (RFC 7828) says now; 0: clients are asked to close.',
    read: ({ server }) => single(server.sessions.keepalive / 1000),
  },
  {
    name: 'adotd_sessions_closed_total',
    type: 'counter',
    help: 'Sessions that are over, by the first reason there was to end them.',
    labels: { ...PATH, reason: ENDS.map(([name]) => `\`${name}\``).join(', ') },
    read: ({ server }) =>
      PATHS.flatMap(([path, p]) => ENDS.map(([end, e]) => [[path, end], server.counters.ends(p, e)] as const)),
  },
  {
    name: 'adotd_session_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time that sessions were open, counted when they are over.',
    labels: PATH,
    read: ({ server }) => PATHS.map(([path, p]) => [[path], server.counters.sessionTimes(p)] as const),
  },
];
