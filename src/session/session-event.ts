/** What happened to sessions; counted by the server (session-end.ts tells how they ended). */
export const SessionEvent = {
  UPGRADE_OFFERED: 0,
  UPGRADED: 1,
  /** An upgrade was offered, and plaintext followed. */
  UPGRADE_DECLINED: 2,
  EVICTED: 3,
  IDLE_CLOSED: 4,
  MESSAGE_TIMEOUT: 5,
  HANDSHAKE_TIMEOUT: 6,
  DRAIN_TIMEOUT: 7,
} as const;
export type SessionEvent = (typeof SessionEvent)[keyof typeof SessionEvent];
