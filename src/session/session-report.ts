/** A report of open sessions for operators. Plain data: it comes from the threads. */

/** One session. */
export interface SessionReport {
  /** The client's address and port. */
  readonly client: string;
  readonly port: number;
  readonly path: 'tcp' | 'starttls' | 'tls';
  readonly state: 'plaintext' | 'upgrading' | 'secure' | 'draining' | 'closed';
  /** Milliseconds since it was opened, and since its last whole message or handshake. */
  readonly age: number;
  readonly idle: number;
  /** Messages answered. */
  readonly queries: number;
}

export interface SessionsReport {
  /** Open now, draining ones included. */
  readonly open: number;
  readonly byPath: Readonly<Record<SessionReport['path'], number>>;
  readonly draining: number;
  /** The sessions that have been idle longest, longest first. */
  readonly longest: readonly SessionReport[];
}

export const NO_SESSIONS: SessionsReport = {
  open: 0,
  byPath: { tcp: 0, starttls: 0, tls: 0 },
  draining: 0,
  longest: [],
};

/** The sessions of several threads as one report of the `count` that are idle longest. */
export function mergeReports(reports: readonly SessionsReport[], count: number): SessionsReport {
  return reports.reduce(
    (sum, one) => ({
      open: sum.open + one.open,
      byPath: {
        tcp: sum.byPath.tcp + one.byPath.tcp,
        starttls: sum.byPath.starttls + one.byPath.starttls,
        tls: sum.byPath.tls + one.byPath.tls,
      },
      draining: sum.draining + one.draining,
      longest: [...sum.longest, ...one.longest].sort((a, b) => b.idle - a.idle).slice(0, count),
    }),
    NO_SESSIONS,
  );
}
