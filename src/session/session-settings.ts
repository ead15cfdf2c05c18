/** The parts that the sessions of a thread get from their transport and server. */
import type { Facts, Outcome, UpgradeBit } from '../answer/facts.js';
import type { HandOff } from '../answer/hand-off/hand-off.js';
import type { Responder } from '../answer/respond.js';
import type { Clock } from './clock.js';
import type { ConnectionLimits } from './limits.js';
import type { HandshakeEnd, SessionEnd, SessionEvent, SessionPath } from './session-end.js';

/** Limits and times of stream sessions; the configuration (config/schema.ts) says where the defaults come from. */
export interface SessionSettings {
  /** Milliseconds without a whole message after which a session is closed, while there are few sessions. */
  readonly idleTime: number;
  /** The shortest idle time, while nearly as many sessions are open as are allowed. */
  readonly idleTimeMin: number;
  /** Milliseconds a message may take from its first octet to its last. */
  readonly messageTime: number;
  /** Milliseconds a TLS handshake may take. */
  readonly handshakeTime: number;
  /** Milliseconds for which a transfer may stand still, and milliseconds that it may take. */
  readonly transferIdleTime: number;
  readonly transferTime: number;
  /** Milliseconds that a closing session gives its peer to read the last answers and to close. */
  readonly drainTime: number;
  /** Octets of answers that may wait for a peer that does not read; nothing is read from it while there are more. */
  readonly writeBuffer: number;
  /** Octets of answers that may wait in all sessions together: each session has an equal share. */
  readonly writeBufferTotal: number;
  /** A session is closed after this many messages. */
  readonly maxQueries: number;
  /** Which first messages on port 53 may start an upgrade. NEVER where TLS is not served. */
  readonly upgradeBit: UpgradeBit;
  /** Close instead of going on in plaintext where an upgrade was offered. */
  readonly strict: boolean;
}

/** The parts that the sessions of a thread are made with. */
export interface SessionContext {
  readonly clock: Clock;
  readonly settings: SessionSettings;
  readonly limits: ConnectionLimits;
  readonly respond: Responder['respond'];
  /** The outcome of the last message, by `respond`. */
  readonly outcome: Outcome;
  /** Filled in before every run of messages. */
  readonly facts: Facts;
  /** Called after every message, with its octets and those of its response, length fields apart. 0: there is no response. */
  count(facts: Facts, outcome: Outcome, asked: number, answered: number): void;
  event(event: SessionEvent): void;
  /** Where requests go that `respond` hands off. */
  readonly handOff: HandOff;
  /** Called with an error that has kept an answer from being made; its session is closed. */
  mistake(error: unknown): void;
  /**
   * A session has begun, or goes on as an upgraded one. On the paths STARTTLS and TLS a handshake has begun. `client` here and below: its
   * address, 4 or 16 octets.
   */
  opened(path: SessionPath, client: Uint8Array): void;
  /** Called once for each handshake, with the milliseconds that it took. */
  handshakeEnded(path: SessionPath, end: HandshakeEnd, milliseconds: number, client: Uint8Array): void;
  /** Messages have been answered, this many milliseconds after those before them in the same session. */
  paused(path: SessionPath, milliseconds: number, client: Uint8Array): void;
  /**
   * Called when a connection is gone, with the milliseconds that its session was open, and the messages that it answered; with
   * SessionEnd.UPGRADED when the session goes on on another path.
   */
  closed(path: SessionPath, end: SessionEnd, milliseconds: number, messages: number, client: Uint8Array): void;
}
