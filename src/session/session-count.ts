/**
 * Counts one session: its beginning and its end, and those of its TLS handshake. Only the session knows both moments, so
 * that no handshake is counted at one of them alone.
 */

import { HandshakeEnd, SessionEnd, SessionPath } from './session-end.js';
import type { SessionContext } from './session-settings.js';

/** Where sessions are counted. */
export type SessionCounts = Pick<SessionContext, 'opened' | 'closed' | 'handshakeEnded' | 'paused'>;

export class SessionCount {
  path: SessionPath;
  /** Milliseconds of the manager's clock. */
  opened = 0;
  /** Milliseconds from the beginning of the session, or of its upgrade, until messages were answered for the first time; -1: none were. */
  firstAnswer = -1;

  readonly #counts: SessionCounts;
  readonly #client: Uint8Array;
  #handshakeAt = 0;
  /** When messages were answered last; -1: none were. */
  #answeredAt = -1;
  #begunAt = 0;
  /** Why the handshake failed, as far as the transport knows. */
  #failure: HandshakeEnd | undefined;

  constructor(counts: SessionCounts, path: SessionPath, client: Uint8Array) {
    this.#counts = counts;
    this.#client = client;
    this.path = path;
  }

  /** The session begins; on the path TLS, its handshake too. */
  begin(now: number): void {
    this.opened = now;
    this.#begunAt = now;
    this.#handshakeAt = now;
    this.#counts.opened(this.path, this.#client);
  }

  /** An upgrade begins: the session is over on its path, and goes on as one of the path STARTTLS. */
  upgrade(now: number, messages: number): void {
    this.#handshakeAt = now;
    this.#begunAt = now;
    this.firstAnswer = -1;
    this.#counts.closed(this.path, SessionEnd.UPGRADED, now - this.opened, messages, this.#client);
    this.path = SessionPath.STARTTLS;
    this.#counts.opened(this.path, this.#client);
  }

  /** Messages have been answered. */
  answered(now: number): void {
    if (this.#answeredAt >= 0) this.#counts.paused(this.path, now - this.#answeredAt, this.#client);
    this.#answeredAt = now;
    if (this.firstAnswer < 0) this.firstAnswer = now - this.#begunAt;
  }

  /** The handshake is complete. */
  secured(resumed: boolean, now: number): void {
    this.#handshakeEnded(resumed ? HandshakeEnd.RESUMED : HandshakeEnd.FULL, now);
  }

  /** The handshake has failed; the connection is closed next. The first reason counts. */
  failed(why: HandshakeEnd): void {
    this.#failure ??= why;
  }

  /** The connection is gone, and the handshake is not complete. `end`: why we closed it; `silent`: nothing has ever come. */
  gaveUp(end: SessionEnd | undefined, silent: boolean, now: number): void {
    const timeout = end === SessionEnd.HANDSHAKE_TIMEOUT ? HandshakeEnd.TIMEOUT : undefined;
    const stopped = end === SessionEnd.STOPPED ? HandshakeEnd.STOPPED : undefined;
    const byClient = silent ? HandshakeEnd.NOTHING_SENT : HandshakeEnd.CLOSED;
    this.#handshakeEnded(this.#failure ?? timeout ?? stopped ?? byClient, now);
  }

  /** The connection is gone. */
  close(end: SessionEnd, now: number, messages: number): void {
    this.#counts.closed(this.path, end, now - this.opened, messages, this.#client);
  }

  #handshakeEnded(end: HandshakeEnd, now: number): void {
    this.#counts.handshakeEnded(this.path, end, now - this.#handshakeAt, this.#client);
  }
}
