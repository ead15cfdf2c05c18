/**
 * Why sessions end, how they were served, and other events of sessions. All of this is counted. Of several reasons to end, the first
 * counts.
 */
export const SessionEnd = {
  /** The client closed its direction. */
  CLIENT: 0,
  /** Idle for too long. */
  IDLE: 1,
  /** Idle longest when there were too many. */
  EVICTED: 2,
  /** A message took too long. */
  MESSAGE_TIMEOUT: 3,
  HANDSHAKE_TIMEOUT: 4,
  /** The TLS handshake failed, or the connection broke during it. */
  HANDSHAKE_FAILED: 5,
  /** The octets were no query. */
  MALFORMED: 6,
  /** It had as many queries as a session may have. */
  SPENT: 7,
  /** Plaintext came where an upgrade was offered, and `starttls.strict` is set. */
  PLAINTEXT: 8,
  /** The server stops. */
  STOPPED: 9,
  /** The connection was gone without any of these: reset, or an error of the network. */
  BROKEN: 10,
  /** An upgrade was begun: the session goes on, as one of the path STARTTLS. */
  UPGRADED: 11,
  /** The thread that served it died. */
  LOST: 12,
  /** A transfer stood still, or took too long. */
  TRANSFER_TIMEOUT: 13,
} as const;

export type SessionEnd = (typeof SessionEnd)[keyof typeof SessionEnd];

/** The way in which a session was served. */
export const SessionPath = {
  TCP: 0,
  /** TLS on the port of plaintext, whether or not the handshake was completed. */
  STARTTLS: 1,
  TLS: 2,
} as const;

export type SessionPath = (typeof SessionPath)[keyof typeof SessionPath];

/** The family of a client's address. */
export const Family = { IPV4: 0, IPV6: 1 } as const;
export type Family = (typeof Family)[keyof typeof Family];

/** The family of an address of 4 or 16 octets. */
export function familyOf(address: Uint8Array): Family {
  return address.length === 16 ? Family.IPV6 : Family.IPV4;
}

/** How a TLS handshake ended. Every handshake that begins ends in one of these ways. */
export const HandshakeEnd = {
  /** It is complete. */
  FULL: 0,
  /** It is complete, and resumed an earlier session. */
  RESUMED: 1,
  /** The client's octets are no TLS. */
  NOT_TLS: 2,
  /** No version in common. */
  VERSION: 3,
  /** No cipher, group, signature algorithm or protocol in common. */
  NOTHING_SHARED: 4,
  /** The client refused by an alert, most likely our certificate. */
  ALERT: 5,
  /** The client closed without a word: some refuse a certificate like that. */
  CLOSED: 6,
  /** The client closed before it had sent anything: a port scan, or the check of a load balancer. */
  NOTHING_SENT: 7,
  /** The connection broke. */
  CONNECTION: 8,
  TIMEOUT: 9,
  /** The server stopped. */
  STOPPED: 10,
  /** The thread that served it died. */
  LOST: 11,
  /** Anything else. */
  OTHER: 12,
} as const;

export type HandshakeEnd = (typeof HandshakeEnd)[keyof typeof HandshakeEnd];

/** Events of sessions. */
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
  TRANSFER_TIMEOUT: 8,
} as const;

export type SessionEvent = (typeof SessionEvent)[keyof typeof SessionEvent];
