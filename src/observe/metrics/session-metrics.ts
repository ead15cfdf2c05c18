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
    name: 'adotd_sessions_closed_total',
    type: 'counter',
    help: 'Sessions that have ended, by the first reason to end them.',
    labels: { ...PATH, reason: ENDS.map(([name]) => `\`${name}\``).join(', ') },
    read: ({ server }) =>
      PATHS.flatMap(([path, p]) => ENDS.map(([end, e]) => [[path, end], server.counters.ends(p, e)] as const)),
  },
  {
    name: 'adotd_session_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'How long sessions were open, counted when they end.',
    labels: PATH,
    read: ({ server }) => PATHS.map(([path, p]) => [[path], server.counters.sessionTimes(p)] as const),
  },
];
