/** Limits and times of stream sessions; the configuration (config/schema.ts) says where the defaults come from. */
import type { UpgradeBit } from '../answer/facts.js';

export interface SessionSettings {
  /** Milliseconds without a whole message after which a session is closed, while there are few sessions. */
  readonly idleTime: number;
  /** What that shrinks to when there are as many as are allowed. */
  readonly idleTimeMin: number;
  /** Milliseconds a message may take from its first octet to its last. */
  readonly messageTime: number;
  /** Milliseconds a TLS handshake may take. */
  readonly handshakeTime: number;
  /** Milliseconds that a closing session gives its peer to read the last answers and to close. */
  readonly drainTime: number;
  /** Octets of answers that may wait for a peer that does not read; beyond, nothing is read from it. */
  readonly writeBuffer: number;
  /** Octets of answers that may wait in all sessions together; each then has a share of it. */
  readonly writeBufferTotal: number;
  /** Messages of one session; then it is closed. */
  readonly maxQueries: number;
  /** Sessions of one listener. */
  readonly maxPerListener: number;
  /** Which first messages on port 53 may start an upgrade. NEVER where TLS is not served. */
  readonly upgradeBit: UpgradeBit;
  /** Close instead of going on in plaintext where an upgrade was offered. */
  readonly strict: boolean;
  /** One TLS record per answer on upgraded sessions. */
  readonly recordPerMessage: boolean;
}
