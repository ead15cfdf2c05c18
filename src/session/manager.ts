/**
 * All sessions of a thread: their limits, their time, and who has to go when there are too many. It owns every timer there
 * is, as one: sessions wait in queues in the order in which their time began, so that only the first of each can be due.
 *
 * RFC 7766 §6.2.2, §6.2.3; RFC 7828 (what the idle time is, is advertised); RFC 9539 §3.4: when resources are short the
 * session that has been idle longest goes first, and cleanly; handshakes under way are left alone; new ones are refused
 * last.
 */
import type { Facts, Outcome } from '../answer/facts.js';
import { UpgradeBit } from '../answer/facts.js';
import type { Responder } from '../answer/respond.js';
import type { Timer } from './clock.js';
import { idleTimeAt, SHED_FROM } from './idle-time.js';
import { Admission, type ConnectionLimitSettings, type ListenerLoad } from './limits.js';
import { leave, type Place, SessionQueue } from './queue.js';
import { type Connection, Session } from './session.js';
import type { SessionContext } from './session-context.js';
import { SessionEnd } from './session-end.js';
import { SessionEvent } from './session-event.js';
import type { SessionSettings } from './session-settings.js';
import { type StopTimes, stopTimes } from './times.js';

/** Octets of the answers to one run of messages. */
const LONGEST_ANSWER = 65_537;
/** Part of the limit that may be over it for as long as sessions that were told to go are still there. */
const OVERLAP = 0.1;
/** But no more than this: descriptors are kept free for them (server/settings.ts), half of which they may take. */
const MAX_OVERLAP = 32;
/** How many sessions are looked at, longest first, for one that loses nothing by being closed, or cut off. A guess. */
const EVICTION_DEPTH = 64;
/** Octets that may wait in a session however many there are: what fits in a TLS record. */
const SMALLEST_BUFFER = 16_384;
/** How long after a lack of descriptors clients are asked to close, in milliseconds: some round trips. A guess. */
const SHED_TIME = 5000;

export class SessionManager {
  readonly facts: Facts;
  readonly outcome: Outcome;
  settings: SessionSettings;
  readonly respond: Responder['respond'];
  readonly count: SessionContext['count'];
  /** Answers are composed here. */
  scratch: Uint8Array;

  readonly #context: SessionContext;
  readonly #timer: Timer;
  /** When the timer fires; Infinity: not at all. */
  #due = Number.POSITIVE_INFINITY;
  readonly #idle = new SessionQueue<Session>();
  readonly #messages = new SessionQueue<Session>();
  readonly #handshakes = new SessionQueue<Session>();
  readonly #draining = new SessionQueue<Session>();
  readonly #sessions = new Set<Session>();
  #shedAt = Number.NEGATIVE_INFINITY;
  /** Milliseconds that sessions have to finish when the server stops; may be set until it does. */
  drainTime: number;
  /** Set when the server stops; then whether the last call was, and whether all is read that had come when one was due. */
  #stop: StopTimes | undefined;
  #lastCalled = false;
  #caughtUp = false;

  constructor(context: SessionContext) {
    this.#context = context;
    this.facts = context.facts;
    this.outcome = context.outcome;
    this.settings = context.settings;
    this.drainTime = context.settings.drainTime;
    this.respond = context.respond;
    this.count = context.count;
    this.scratch = new Uint8Array(context.settings.writeBuffer + LONGEST_ANSWER);
    this.#timer = context.clock.timer(() => this.#tick());
  }

  /** The load of the listener of this number. */
  listener(number: number): ListenerLoad {
    return this.#context.limits.listener(number);
  }

  /** Sessions that are open, draining ones included. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Sessions whose TLS handshake is under way. */
  get handshaking(): number {
    return this.#handshakes.size;
  }

  /** Has all sessions go by these settings and limits from now on; deadlines that run are kept. */
  configure(settings: SessionSettings, limits: ConnectionLimitSettings): void {
    this.settings = settings;
    this.drainTime = settings.drainTime;
    this.#context.limits.configure(limits);
    const octets = settings.writeBuffer + LONGEST_ANSWER;
    if (octets !== this.scratch.length) this.scratch = new Uint8Array(octets);
    // Times may be shorter now: what is due is looked at again.
    this.#tick();
  }

  /** All sessions, in no order that counts, and what to measure their age against: milliseconds of the clock. */
  get all(): { readonly sessions: Iterable<Session>; readonly now: number } {
    return { sessions: this.#sessions, now: this.#context.clock.milliseconds() };
  }

  /** Milliseconds a session may be idle now: less, the more of them there are. */
  get idleTime(): number {
    const idle = idleTimeAt(this.#context.limits.load, this.settings);
    if (this.#stop === undefined) return idle;
    return this.#lastCalled ? 0 : Math.min(idle, this.#stop.quiet);
  }

  /** Octets of answers that may wait in one session now: its share of what may wait in all of them. */
  get writeBuffer(): number {
    const { writeBuffer, writeBufferTotal } = this.settings;
    const share = Math.floor(writeBufferTotal / Math.max(1, this.#context.limits.open));
    return Math.min(writeBuffer, Math.max(SMALLEST_BUFFER, share));
  }

  /** Whether clients are asked to close. */
  get shedding(): boolean {
    if (this.#stop || this.#context.limits.load >= SHED_FROM) return true;
    return this.#context.clock.milliseconds() < this.#shedAt + SHED_TIME;
  }

  /** Whether a first message on port 53 may start an upgrade. */
  get mayUpgrade(): boolean {
    return this.settings.upgradeBit !== UpgradeBit.NEVER && this.#stop === undefined;
  }

  /**
   * Lets a connection of `client` (4 or 16 octets) in, or not. When there are too many in all or of its listener, the
   * session that has been idle longest is closed for it. Those that were closed so may linger, a few of them, until their
   * peers have closed too; beyond, the one that has lingered longest is cut off.
   */
  admit(client: Uint8Array, listener: ListenerLoad): boolean {
    if (this.#lastCalled) return false;
    const { limits } = this.#context;
    if (listener.open >= this.settings.maxPerListener) {
      const tooMany = listener.open - this.settings.maxPerListener;
      if (tooMany > this.settings.maxPerListener * OVERLAP || !this.#evict(listener)) return false;
    }
    const admission = limits.admit(client, client.length, 0);
    if (admission !== Admission.FULL) return admission === Admission.ADMITTED;
    const overlap = Math.min(MAX_OVERLAP, Math.ceil(limits.capacity * OVERLAP) + 1);
    if (limits.open >= limits.capacity + overlap && !this.#cutLingering()) return false;
    if (!this.#evict()) return false;
    return limits.admit(client, client.length, overlap) === Admission.ADMITTED;
  }

  /** Opens a session for an admitted connection; `secure`: TLS from the first octet on. */
  open(connection: Connection, client: Uint8Array, listener: ListenerLoad, secure: boolean): Session {
    const session = new Session(this, connection, client, listener, secure);
    session.opened = this.#context.clock.milliseconds();
    this.#sessions.add(session);
    listener.enter();
    // With every session the idle time may have become shorter for all.
    if (this.#idle.first) {
      const now = this.#context.clock.milliseconds();
      this.#arm(this.#idle.first.since + this.idleTime, now);
    }
    if (secure) this.handshakeBegan(session);
    else this.settled(session);
    return session;
  }

  /** The connection of a session is gone. */
  closed(session: Session): void {
    session.closed();
    leave(session.idle);
    leave(session.busy);
    if (!this.#sessions.delete(session)) return;
    this.#context.closed(session.path, session.end, this.#context.clock.milliseconds() - session.opened);
    session.listener.leave();
    this.#context.limits.release(session.client, session.client.length);
    if (this.#sessions.size > 0) return;
    this.#timer.clear();
    this.#due = Number.POSITIVE_INFINITY;
  }

  /**
   * There are no descriptors left: those sessions are cut off that are closing already, a tenth at the most, as many others are
   * closed, and for some time clients are asked to close.
   */
  shed(): void {
    this.#shedAt = this.#context.clock.milliseconds();
    const some = Math.ceil(this.#sessions.size * OVERLAP);
    for (let gone = 0; gone < some && this.#cutLingering(); gone++);
    for (let gone = 0; gone < some && this.#evict(); gone++);
  }

  /**
   * The server stops. Each session goes on until it is quiet, its client closes as it is asked to, or the drain time is nearly
   * up (stop-times.ts); from then on none is let in any more, and what is still there when it is up gets cut off.
   */
  stop(): void {
    if (this.#stop) return;
    this.#stop = stopTimes(this.#context.clock.milliseconds(), this.drainTime);
    this.#tick();
  }

  /** Fills in the facts for a run of messages of `session`. */
  introduce(session: Session): void {
    const { facts } = this;
    facts.client.set(session.client);
    facts.clientLength = session.client.length;
    facts.clientPort = session.clientPort;
    facts.now = this.#context.clock.seconds();
    facts.keepalive = this.shedding ? 0 : Math.floor(this.idleTime / 100);
  }

  /** Fills in whether the next message may start an upgrade. */
  offer(mayUpgrade: boolean): void {
    this.facts.upgradeOnOffer = mayUpgrade ? 1 : 0;
    this.facts.upgradeBit = mayUpgrade ? this.settings.upgradeBit : UpgradeBit.NEVER;
  }

  /** Whole messages were answered, or a handshake is complete: only the idle time runs, from now on. */
  settled(session: Session): void {
    leave(session.busy);
    this.#enter(this.#idle, session.idle, this.idleTime);
  }

  /** A message has begun that is not complete. */
  messageBegan(session: Session): void {
    this.#enter(this.#messages, session.busy, this.settings.messageTime);
  }

  /** A handshake has begun, or may have. */
  handshakeBegan(session: Session): void {
    leave(session.idle);
    this.#enter(this.#handshakes, session.busy, this.settings.handshakeTime);
  }

  /** A session closes its direction. */
  draining(session: Session): void {
    leave(session.idle);
    this.#enter(this.#draining, session.busy, this.settings.drainTime);
  }

  upgradeOffered(): void {
    this.#context.event(SessionEvent.UPGRADE_OFFERED);
  }

  upgradeDone(): void {
    this.#context.event(SessionEvent.UPGRADED);
  }

  upgradeDeclined(): void {
    this.#context.event(SessionEvent.UPGRADE_DECLINED);
  }

  #enter(queue: SessionQueue<Session>, place: Place<Session>, time: number): void {
    const now = this.#context.clock.milliseconds();
    queue.enter(place, now);
    if (queue.first === place) this.#arm(now + time, now);
  }

  #arm(due: number, now: number): void {
    if (due >= this.#due) return;
    this.#due = due;
    this.#timer.set(Math.max(0, due - now));
  }

  /**
   * Closes the session (of `listener`, when given) that has been idle longest: one that has nothing under way if there is
   * one among those that have been idle longest, else the first, whatever it waits for. Says whether there was one.
   */
  #evict(listener?: ListenerLoad): boolean {
    let fallback: Session | undefined;
    let looked = 0;
    for (let place = this.#idle.first; place && looked < EVICTION_DEPTH; place = place.after) {
      if (listener !== undefined && place.owner.listener !== listener) continue;
      looked++;
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
   * Ends the session that has been closing longest of those that have sent everything; says whether there was one. Its peer
   * gets close_notify and FIN all the same, but no more time to send its own.
   */
  #cutLingering(): boolean {
    let looked = 0;
    for (let place = this.#draining.first; place && looked < EVICTION_DEPTH; place = place.after, looked++) {
      const session = place.owner;
      if (!session.lingers) continue;
      session.cutOff(SessionEnd.EVICTED);
      this.closed(session);
      return true;
    }
    return false;
  }

  #tick(): void {
    const now = this.#context.clock.milliseconds();
    this.#due = Number.POSITIVE_INFINITY;
    const { messageTime, handshakeTime, drainTime } = this.settings;
    if (this.#stop && now >= this.#stop.end) {
      for (const session of [...this.#sessions]) session.cutOff(SessionEnd.STOPPED);
    } else if (this.#stop) this.#closeQuiet(this.#stop, now);
    // A session that drains has its reason already.
    this.#expire(this.#draining, drainTime, now, SessionEvent.DRAIN_TIMEOUT, SessionEnd.BROKEN);
    this.#expire(this.#messages, messageTime, now, SessionEvent.MESSAGE_TIMEOUT, SessionEnd.MESSAGE_TIMEOUT);
    this.#expire(this.#handshakes, handshakeTime, now, SessionEvent.HANDSHAKE_TIMEOUT, SessionEnd.HANDSHAKE_TIMEOUT);
    if (!this.#stop) this.#expire(this.#idle, this.idleTime, now, SessionEvent.IDLE_CLOSED, SessionEnd.IDLE);
  }

  /** Closes the sessions that are quiet while the server stops; from the last call on all of them. */
  #closeQuiet({ lastCall, end }: StopTimes, now: number): void {
    const since = this.#idle.first?.since ?? Number.POSITIVE_INFINITY;
    const due = Math.min(since + this.idleTime, this.#lastCalled ? end : lastCall);
    // One turn of the event loop first: while this thread was busy, queries may have come that it has not read.
    const ready = this.#caughtUp && due <= now;
    this.#caughtUp = due <= now && !ready;
    this.#arm(ready ? end : due, now);
    if (!ready) return;
    if (now >= lastCall) {
      this.#lastCalled = true;
      for (const session of [...this.#sessions]) session.stop();
    }
    const { idleTime } = this;
    for (let place = this.#idle.first; place && place.since + idleTime <= now; place = this.#idle.first) {
      leave(place);
      if (place.owner.evictable) place.owner.drain(SessionEnd.STOPPED);
      else if (!this.#lastCalled) this.#idle.enter(place, now);
    }
    this.#arm(this.#idle.first ? this.#idle.first.since + idleTime : end, now);
    if (!this.#lastCalled) this.#arm(lastCall, now);
  }

  #expire(queue: SessionQueue<Session>, time: number, now: number, event: SessionEvent, end: SessionEnd): void {
    for (let place = queue.first; place && place.since + time <= now; place = queue.first) {
      this.#context.event(event);
      leave(place);
      place.owner.timeUp(end);
    }
    if (queue.first) this.#arm(queue.first.since + time, now);
  }
}
