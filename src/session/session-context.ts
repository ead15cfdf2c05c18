/** What the sessions of a thread are given by their transport and server. */
import type { Facts, Outcome } from '../answer/facts.js';
import type { Responder } from '../answer/respond.js';
import type { Clock } from './clock.js';
import type { ConnectionLimits } from './limits.js';
import type { SessionEnd, SessionPath } from './session-end.js';
import type { SessionEvent } from './session-event.js';
import type { SessionSettings } from './session-settings.js';

/** What the sessions of a thread answer with. */
export interface SessionContext {
  readonly clock: Clock;
  readonly settings: SessionSettings;
  readonly limits: ConnectionLimits;
  readonly respond: Responder['respond'];
  /** What respond said about the last message. */
  readonly outcome: Outcome;
  /** Filled in before every run of messages. */
  readonly facts: Facts;
  /** Called after every message with the octets of it and of its response, without length fields; 0: there is none. */
  count(facts: Facts, outcome: Outcome, asked: number, answered: number): void;
  event(event: SessionEvent): void;
  /** Called when a connection is gone, with the milliseconds that its session was open. */
  closed(path: SessionPath, end: SessionEnd, milliseconds: number): void;
}
