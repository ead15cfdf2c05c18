/**
 * All sessions of a thread: how many there may be, and which one has to go when there are too many. deadlines.ts has their times,
 * answering.ts the means to answer.
 *
 * RFC 7766 §6.2.2, §6.2.3; RFC 9539 §3.4: when resources are short the session that has been idle longest goes first, and
 * cleanly; handshakes under way are left alone; new ones are refused last.
 */
import type { Facts } from '../answer/facts.js';
import { Answering } from './answering.js';
import type { Connection } from './connection.js';
import { Deadlines } from './deadlines.js';
import { Admission, type ConnectionLimitSettings } from './limits.js';
import { Session } from './session.js';
import { SessionEnd, SessionEvent } from './session-end.js';
import type { SessionContext, SessionSettings } from './session-settings.js';

/** How far sessions that close may exceed the limit, as a part of it, until their peers have closed too. */
const OVERLAP = 0.1;
/** The most that they may exceed it: half of the descriptors that connectionLimits() keeps free. */
const MAX_OVERLAP = 32;
/** How many sessions are examined, the longest idle first, to find one that loses nothing when it is closed. A guess. */
const EVICTION_DEPTH = 64;

export class SessionManager {
  /** Milliseconds that sessions have to finish when the server stops; may be set until it does. */
  drainTime: number;

  readonly #context: SessionContext;
  readonly #answering: Answering;
  readonly #deadlines: Deadlines<Session>;
  readonly #sessions = new Set<Session>();

  constructor(context: SessionContext) {
    this.#context = context;
    this.drainTime = context.settings.drainTime;
    this.#deadlines = new Deadlines<Session>(context, {
      lastCall: () => {
        for (const session of [...this.#sessions]) session.stop();
      },
      timeUp: () => {
        for (const session of [...this.#sessions]) session.cutOff(SessionEnd.STOPPED);
      },
    });
    this.#answering = new Answering(context, this.#deadlines);
  }

  /** The facts that the next messages are answered with. */
  get facts(): Facts {
    return this.#answering.facts;
  }

  get settings(): SessionSettings {
    return this.#answering.settings;
  }

  /** Where answers are composed. */
  get scratch(): Uint8Array {
    return this.#answering.scratch;
  }

  /** Sessions that are open, draining ones included. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Sessions whose TLS handshake is under way. */
  get handshaking(): number {
    return this.#deadlines.handshakes.size;
  }

  /** Applies these settings and limits to all sessions from now on; deadlines that run are kept. */
  configure(settings: SessionSettings, limits: ConnectionLimitSettings): void {
    this.drainTime = settings.drainTime;
    this.#context.limits.configure(limits);
    this.#answering.configure(settings);
    this.#deadlines.configure(settings);
  }

  /** All sessions, in any order, and the present time to compute their age, in milliseconds of the clock. */
  get all(): { readonly sessions: Iterable<Session>; readonly now: number } {
    return { sessions: this.#sessions, now: this.#deadlines.now };
  }

  /** Milliseconds a session may be idle now. */
  get idleTime(): number {
    return this.#deadlines.idleTime;
  }

  /** Octets of answers that may wait in one session now. */
  get writeBuffer(): number {
    return this.#answering.writeBuffer;
  }

  /** Whether clients are asked to close. */
  get shedding(): boolean {
    return this.#deadlines.shedding;
  }

  /**
   * Lets a connection of `client` (4 or 16 octets) in, or not. When there are too many, the
   * session that has been idle longest is closed for it. A few of the sessions closed in this way may linger until their peers have closed
   * too; if there are more, the one that has lingered longest is cut off.
   */
  admit(client: Uint8Array): boolean {
    if (this.#deadlines.lastCalled) return false;
    const { limits } = this.#context;
    const admission = limits.admit(client, client.length, 0);
    if (admission !== Admission.FULL) return admission === Admission.ADMITTED;
    const overlap = Math.min(MAX_OVERLAP, Math.ceil(limits.capacity * OVERLAP) + 1);
    if (limits.open >= limits.capacity + overlap && !this.#cutLingering()) return false;
    if (!this.#evict()) return false;
    return limits.admit(client, client.length, overlap) === Admission.ADMITTED;
  }

  /** Opens a session for an admitted connection; `secure`: TLS from the first octet on. */
  open(connection: Connection, client: Uint8Array, secure: boolean): Session {
    const session = new Session(this.#answering, this.#deadlines, connection, client, secure);
    session.count.begin(this.#deadlines.now);
    this.#sessions.add(session);
    this.#deadlines.opened();
    if (secure) this.#deadlines.handshakeBegan(session);
    else this.#deadlines.settled(session);
    return session;
  }

  /** The connection of a session is gone. `silent`: the client has never sent anything. */
  closed(session: Session, silent = false): void {
    session.closed(silent);
    this.#deadlines.left(session);
    if (!this.#sessions.delete(session)) return;
    session.count.close(session.end, this.#deadlines.now, session.messages);
    this.#context.limits.release(session.client, session.client.length);
    if (this.#sessions.size === 0) this.#deadlines.rest();
  }

  /**
   * Frees descriptors when none is left. Up to a tenth of the sessions, those that are closing already, are cut off. Up to as many
   * idle ones are closed. For some time, clients are asked to close.
   */
  shed(): void {
    this.#deadlines.shed();
    const some = Math.ceil(this.#sessions.size * OVERLAP);
    for (let gone = 0; gone < some && this.#cutLingering(); gone++);
    for (let gone = 0; gone < some && this.#evict(); gone++);
  }

  /**
   * The server stops. Each session goes on until it is quiet, its client closes as it is asked to, or the drain time is nearly
   * up (times.ts); from then on no session is let in any more, and those that are still there when it is up are cut off.
   */
  stop(): void {
    this.#deadlines.stop(this.drainTime);
  }

  /**
   * Of the sessions that have been idle longest, closes the first that has nothing under way; if there is none, the one that has been
   * idle longest of all. Returns whether there was one.
   */
  #evict(): boolean {
    let fallback: Session | undefined;
    let looked = 0;
    for (let place = this.#deadlines.idle.first; place && looked < EVICTION_DEPTH; place = place.after, looked++) {
      if (place.owner.evictable) {
        this.#context.event(SessionEvent.EVICTED);
        place.owner.drain(SessionEnd.EVICTED);
        return true;
      }
      fallback ??= place.owner;
    }
    if (fallback === undefined) return false;
    this.#context.event(SessionEvent.EVICTED);
    fallback.timeUp(SessionEnd.EVICTED);
    return true;
  }

  /**
   * Of the sessions that have sent everything, ends the one that has been closing longest; returns whether there was one. Its peer
   * gets close_notify and FIN all the same, but no more time to send its own.
   */
  #cutLingering(): boolean {
    let looked = 0;
    for (let place = this.#deadlines.draining.first; place && looked < EVICTION_DEPTH; place = place.after, looked++) {
      const session = place.owner;
      if (!session.lingers) continue;
      session.cutOff(SessionEnd.EVICTED);
      this.closed(session);
      return true;
    }
    return false;
  }
}
