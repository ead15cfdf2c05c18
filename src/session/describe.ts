/** Makes the report of a thread's sessions. */
import { SocketAddress } from 'node:net';
import type { SessionManager } from './manager.js';
import type { Session } from './session.js';
import { SessionPath } from './session-end.js';
import type { SessionReport, SessionsReport } from './session-report.js';
import { SessionState } from './session-state.js';

const PATHS = Object.entries(SessionPath).map(([name, value]) => [value, name.toLowerCase()] as const);
const STATES = Object.entries(SessionState).map(([name, value]) => [value, name.toLowerCase()] as const);
const IPV4_LENGTH = 4;

/** The sessions of `manager`, and the `count` that have been idle longest. */
export function describeSessions(manager: Pick<SessionManager, 'all'>, count: number): SessionsReport {
  const { sessions, now } = manager.all;
  const all = [...sessions];
  const ofPath = (path: SessionPath): number => all.filter((session) => session.count.path === path).length;
  const idlest = count === 0 ? [] : all.sort((a, b) => idleSince(a) - idleSince(b)).slice(0, count);
  return {
    open: all.length,
    byPath: { tcp: ofPath(SessionPath.TCP), starttls: ofPath(SessionPath.STARTTLS), tls: ofPath(SessionPath.TLS) },
    draining: all.filter((session) => session.isDraining).length,
    longest: idlest.map((session) => describe(session, now)),
  };
}

/** The moment when its last whole message or its handshake ended; before the first of these, the moment when it was opened. */
function idleSince(session: Session): number {
  return Math.max(session.count.opened, session.idle.since);
}

function describe(session: Session, now: number): SessionReport {
  return {
    client: addressText(session.client),
    port: session.clientPort,
    path: nameOf(PATHS, session.count.path) as SessionReport['path'],
    state: nameOf(STATES, session.state) as SessionReport['state'],
    age: Math.round(now - session.count.opened),
    idle: Math.round(now - idleSince(session)),
    queries: session.messages,
  };
}

function nameOf(names: readonly (readonly [number, string])[], value: number): string {
  return names.find(([one]) => one === value)?.[1] ?? '';
}

/** An address of 4 or 16 octets in its shortest form. */
export function addressText(octets: Uint8Array): string {
  if (octets.length === IPV4_LENGTH) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((octets[2 * i]! << 8) | octets[2 * i + 1]!).toString(16));
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}
