/** The states of a session. */
export const SessionState = {
  /** Queries are read and answered in the clear. */
  PLAINTEXT: 0,
  /** A TLS handshake is under way, or about to begin. */
  UPGRADING: 1,
  /** Queries are read and answered inside TLS. */
  SECURE: 2,
  /** No more messages are answered; the last answers are being written, then the peer closes. */
  DRAINING: 3,
  CLOSED: 4,
} as const;

export type SessionState = (typeof SessionState)[keyof typeof SessionState];
