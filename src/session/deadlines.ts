/**
 * The time limits of all sessions of a thread, by one timer. Sessions wait in queues, one for each limit, in the order in which their
 * time began, so that only the first of each queue can be due.
 */
import type { Timer } from './clock.js';
import { leave, type Place, SessionQueue } from './queue.js';
import { SessionEnd, SessionEvent } from './session-end.js';
import type { SessionContext, SessionSettings } from './session-settings.js';
import { idleTimeAt, SHED_FROM, type StopTimes, stopTimes } from './times.js';

/** Milliseconds that clients are asked to close after a lack of descriptors: some round trips. A guess. */
const SHED_TIME = 5000;

/** A session as its deadlines see it. */
export interface Timed<T> {
  /** Its place among the idle, and its place among those for which a deadline runs. */
  readonly idle: Place<T>;
  readonly busy: Place<T>;
  /** Whether closing it now loses nothing. */
  readonly evictable: boolean;
  /** Closes it behind its answers. */
  drain(end: SessionEnd): void;
  /** Whether the client has taken something of its transfer since the last call, and may go on. */
  transferMoved(): boolean;
  /** Its time is up. */
  timeUp(end: SessionEnd): void;
}

/** The calls that all sessions get while the server stops. */
interface Stopping {
  /** Nothing more is read. */
  lastCall(): void;
  /** The drain time is up: the sessions that are left are cut off. */
  timeUp(): void;
}

export class Deadlines<T extends Timed<T>> {
  readonly idle = new SessionQueue<T>();
  readonly handshakes = new SessionQueue<T>();
  readonly draining = new SessionQueue<T>();
  readonly #messages = new SessionQueue<T>();
  readonly #transfers = new SessionQueue<T>();

  readonly #context: SessionContext;
  readonly #stopping: Stopping;
  #settings: SessionSettings;
  readonly #timer: Timer;
  /** When the timer fires; Infinity: not at all. */
  #due = Number.POSITIVE_INFINITY;
  #shedAt = Number.NEGATIVE_INFINITY;
  /** Set while the server stops. */
  #stop: StopTimes | undefined;
  #lastCalled = false;
  /** Whether the event loop has had a turn since something was due, so that all queries that had come are read. */
  #caughtUp = false;

  constructor(context: SessionContext, stopping: Stopping) {
    this.#context = context;
    this.#stopping = stopping;
    this.#settings = context.settings;
    this.#timer = context.clock.timer(() => this.#tick());
  }

  /** Applies these times to all sessions, also to those whose time is running. */
  configure(settings: SessionSettings): void {
    this.#settings = settings;
    this.#tick();
  }

  /** Milliseconds of the clock. */
  get now(): number {
    return this.#context.clock.milliseconds();
  }

  /** Whether the server stops. */
  get stopping(): boolean {
    return this.#stop !== undefined;
  }

  /** Whether the last call has been made: no session begins any more. */
  get lastCalled(): boolean {
    return this.#lastCalled;
  }

  /** Milliseconds that a session may be idle now: the more sessions are open, the fewer. */
  get idleTime(): number {
    const idle = idleTimeAt(this.#context.limits.load, this.#settings);
    if (this.#stop === undefined) return idle;
    return this.#lastCalled ? 0 : Math.min(idle, this.#stop.quiet);
  }

  /** Whether clients are asked to close. */
  get shedding(): boolean {
    if (this.#stop || this.#context.limits.load >= SHED_FROM) return true;
    return this.now < this.#shedAt + SHED_TIME;
  }

  /** Asks clients to close for the next seconds. */
  shed(): void {
    this.#shedAt = this.now;
  }

  /** The server stops, and gives its sessions `drainTime` milliseconds (times.ts). */
  stop(drainTime: number): void {
    if (this.#stop) return;
    this.#stop = stopTimes(this.now, drainTime);
    this.#tick();
  }

  /** A session was opened: that may shorten the idle time of all. */
  opened(): void {
    if (this.idle.first) this.#arm(this.idle.first.since + this.idleTime, this.now);
  }

  /** Whole messages were answered, or a handshake is complete: from now on only the idle time runs. Returns the time of the clock. */
  settled(session: T): number {
    leave(session.busy);
    const now = this.now;
    this.idle.enter(session.idle, now);
    if (this.idle.first === session.idle) this.#arm(now + this.idleTime, now);
    return now;
  }

  /** The first octets of a message have come, and the rest has not. */
  messageBegan(session: T): void {
    this.#begin(this.#messages, session.busy, this.#settings.messageTime);
  }

  /** A transfer has begun, or has gone on. */
  transferGoesOn(session: T): void {
    leave(session.idle);
    this.#begin(this.#transfers, session.busy, this.#settings.transferIdleTime);
  }

  /** A handshake has begun, or its first octets may have come. */
  handshakeBegan(session: T): void {
    leave(session.idle);
    this.#begin(this.handshakes, session.busy, this.#settings.handshakeTime);
  }

  /** A session closes its direction. */
  drainingBegan(session: T): void {
    leave(session.idle);
    this.#begin(this.draining, session.busy, this.#settings.drainTime);
  }

  /** A session is gone. */
  left(session: T): void {
    leave(session.idle);
    leave(session.busy);
  }

  /** The last session is gone: nothing is due. */
  rest(): void {
    this.#timer.clear();
    this.#due = Number.POSITIVE_INFINITY;
  }

  #begin(queue: SessionQueue<T>, place: Place<T>, time: number): void {
    const now = this.now;
    queue.enter(place, now);
    if (queue.first === place) this.#arm(now + time, now);
  }

  #arm(due: number, now: number): void {
    if (due >= this.#due) return;
    this.#due = due;
    this.#timer.set(Math.max(0, due - now));
  }

  #tick(): void {
    const now = this.now;
    this.#due = Number.POSITIVE_INFINITY;
    const { messageTime, handshakeTime, drainTime } = this.#settings;
    if (this.#stop && now >= this.#stop.end) this.#stopping.timeUp();
    else if (this.#stop) this.#closeQuiet(this.#stop, now);
    // A session that drains knows its reason already; this one does not replace it.
    this.#expire(this.draining, drainTime, now, SessionEvent.DRAIN_TIMEOUT, SessionEnd.BROKEN);
    this.#expire(this.#messages, messageTime, now, SessionEvent.MESSAGE_TIMEOUT, SessionEnd.MESSAGE_TIMEOUT);
    this.#expire(this.handshakes, handshakeTime, now, SessionEvent.HANDSHAKE_TIMEOUT, SessionEnd.HANDSHAKE_TIMEOUT);
    this.#expireTransfers(this.#settings.transferIdleTime, now);
    if (!this.#stop) this.#expire(this.idle, this.idleTime, now, SessionEvent.IDLE_CLOSED, SessionEnd.IDLE);
  }

  /** Closes quiet sessions while the server stops, and all sessions from the last call on. */
  #closeQuiet({ lastCall, end }: StopTimes, now: number): void {
    const since = this.idle.first?.since ?? Number.POSITIVE_INFINITY;
    const due = Math.min(since + this.idleTime, this.#lastCalled ? end : lastCall);
    // One turn of the event loop first: queries may have come while this thread was busy.
    const ready = this.#caughtUp && due <= now;
    this.#caughtUp = due <= now && !ready;
    this.#arm(ready ? end : due, now);
    if (!ready) return;
    if (now >= lastCall) {
      this.#lastCalled = true;
      this.#stopping.lastCall();
    }
    const { idleTime } = this;
    for (let place = this.idle.first; place && place.since + idleTime <= now; place = this.idle.first) {
      leave(place);
      if (place.owner.evictable) place.owner.drain(SessionEnd.STOPPED);
      else if (!this.#lastCalled) this.idle.enter(place, now);
    }
    this.#arm(this.idle.first ? this.idle.first.since + idleTime : end, now);
    if (!this.#lastCalled) this.#arm(lastCall, now);
  }

  /** A transfer whose client takes little at a time goes on. */
  #expireTransfers(time: number, now: number): void {
    const queue = this.#transfers;
    for (let place = queue.first; place && place.since + time <= now; place = queue.first) {
      leave(place);
      if (place.owner.transferMoved()) queue.enter(place, now);
      else {
        this.#context.event(SessionEvent.TRANSFER_TIMEOUT);
        place.owner.timeUp(SessionEnd.TRANSFER_TIMEOUT);
      }
    }
    if (queue.first) this.#arm(queue.first.since + time, now);
  }

  #expire(queue: SessionQueue<T>, time: number, now: number, event: SessionEvent, end: SessionEnd): void {
    for (let place = queue.first; place && place.since + time <= now; place = queue.first) {
      this.#context.event(event);
      leave(place);
      place.owner.timeUp(end);
    }
    if (queue.first) this.#arm(queue.first.since + time, now);
  }
}
