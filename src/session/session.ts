/**
 * One stream session as a state machine without sockets: octets come in, octets go out, a clock says when. TCP drives it
 * now; TLS and the STARTTLS upgrade will add the states UPGRADING and SECURE between PLAINTEXT and DRAINING.
 *
 *   PLAINTEXT ──▶ DRAINING ──▶ CLOSED
 *
 * RFC 7766: §6.2.1.1 pipelining; §6.2.3 the idle time counts from the last whole message; §8 length and message go out in
 * one write, and so do all answers to what one read brought. Answers are in the order of the queries, which §7 permits.
 * NOT here: transfers and other answers of several messages (the responder has none to hand over yet).
 */
import type { Facts, Outcome } from '../answer/facts.js';
import type { Clock, Timer } from './clock.js';
import { Framer, LENGTH_FIELD, MAX_MESSAGE } from './framing.js';

export const SessionState = {
  /** Queries are read and answered. */
  PLAINTEXT: 0,
  /** Nothing is answered any more; what was answered is being written, then the peer is to close. */
  DRAINING: 1,
  CLOSED: 2,
} as const;

export type SessionState = (typeof SessionState)[keyof typeof SessionState];

/** What a session does to its connection. */
export interface Connection {
  /** Sends octets, which then belong to the connection. */
  write(octets: Uint8Array): void;
  /** Octets written that the operating system has not taken yet. */
  readonly unsent: number;
  /** Stops and resumes the delivery of what the peer sends. */
  pause(): void;
  resume(): void;
  /** Closes our direction when everything is sent. */
  end(): void;
  /** Closes at once, throwing away what is unsent. */
  destroy(): void;
}

export interface SessionSettings {
  /** Milliseconds without a whole message after which a session is closed. */
  readonly idleTime: number;
  /** Milliseconds a message may take from its first octet to its last. */
  readonly messageTime: number;
  /** Octets of answers that may wait for a peer that does not read; beyond, nothing is read from it. */
  readonly writeBuffer: number;
  /** Milliseconds that a closing session gives its peer to read the last answers and to close. */
  readonly drainTime: number;
}

/** What all sessions of a thread share. */
export interface SessionShared {
  readonly clock: Clock;
  readonly settings: SessionSettings;
  readonly respond: (
    inBuf: Uint8Array,
    inOff: number,
    inLen: number,
    facts: Facts,
    outBuf: Uint8Array,
    outOff: number,
    outCap: number,
  ) => number;
  /** What respond said about the last message. */
  readonly outcome: Outcome;
  /** Filled in before every run of messages: the client, the time. */
  readonly facts: Facts;
  /** Answers are composed here; of `scratchSize` octets. */
  readonly scratch: Uint8Array;
  /** Called after every message. */
  count(facts: Facts, outcome: Outcome): void;
}

/** Octets that `SessionShared.scratch` must have. */
export function scratchSize(settings: SessionSettings): number {
  return settings.writeBuffer + LENGTH_FIELD + MAX_MESSAGE;
}

export class Session {
  readonly #shared: SessionShared;
  readonly #connection: Connection;
  readonly #client: Uint8Array;
  readonly #framer = new Framer();
  readonly #timer: Timer;
  #state: SessionState = SessionState.PLAINTEXT;
  /** When the last whole message came, or the session began. */
  #lastMessage: number;
  /** When the message began that is not complete; -1 when there is none. */
  #messageBegan = -1;
  #paused = false;
  #peerEnded = false;

  /** `client`: the peer's address, 4 or 16 octets. */
  constructor(shared: SessionShared, connection: Connection, client: Uint8Array) {
    this.#shared = shared;
    this.#connection = connection;
    this.#client = client;
    this.#lastMessage = shared.clock.milliseconds();
    this.#timer = shared.clock.timer(() => this.#timeUp());
    this.#timer.set(shared.settings.idleTime);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Octets have come. They must not be changed afterwards. */
  received(octets: Uint8Array): void {
    if (this.#state !== SessionState.PLAINTEXT) return;
    this.#framer.push(octets);
    this.#work();
  }

  /** The peer will send nothing more (it may still read). */
  ended(): void {
    this.#peerEnded = true;
    if (this.#state === SessionState.PLAINTEXT && !this.#paused) this.#drain();
  }

  /** The operating system has taken everything that was written. */
  drained(): void {
    if (this.#state !== SessionState.PLAINTEXT || !this.#paused) return;
    this.#paused = false;
    this.#work();
    if (this.#state !== SessionState.PLAINTEXT || this.#paused) return;
    if (this.#peerEnded) this.#drain();
    else this.#connection.resume();
  }

  /** Answers nothing more, sends what is unsent, and closes: the server is stopping. */
  close(): void {
    if (this.#state === SessionState.PLAINTEXT) this.#drain();
  }

  /** The connection is gone. */
  closed(): void {
    this.#state = SessionState.CLOSED;
    this.#timer.clear();
    this.#framer.clear();
  }

  /** Answers the whole messages that are there, as far as the peer reads what it is sent. */
  #work(): void {
    const { facts, scratch, settings, clock, outcome } = this.#shared;
    facts.client.set(this.#client);
    facts.clientLength = this.#client.length;
    facts.now = clock.seconds();
    facts.keepalive = Math.floor(settings.idleTime / 100);
    const framer = this.#framer;
    const connection = this.#connection;
    let messages = 0;
    let more = true;
    let sound = true;
    while (more && sound && connection.unsent < settings.writeBuffer) {
      const room = settings.writeBuffer - connection.unsent;
      let used = 0;
      while (used < room && (more = framer.next())) {
        const at = used + LENGTH_FIELD;
        const length = this.#shared.respond(framer.bytes, framer.at, framer.length, facts, scratch, at, MAX_MESSAGE);
        this.#shared.count(facts, outcome);
        if (length <= 0) {
          // Not a query at all: RFC 7766 knows no way to go on from there.
          sound = false;
          break;
        }
        messages++;
        scratch[used] = length >>> 8;
        scratch[used + 1] = length & 0xff;
        used = at + length;
      }
      if (used > 0) connection.write(Buffer.from(scratch.subarray(0, used)));
    }
    const now = clock.milliseconds();
    if (messages > 0) {
      this.#lastMessage = now;
      this.#messageBegan = -1;
    }
    if (!sound) {
      this.#drain();
    } else if (more) {
      this.#paused = true;
      connection.pause();
    } else if (framer.incomplete && this.#messageBegan < 0) {
      this.#messageBegan = now;
      this.#timer.set(this.#remaining(now));
    }
  }

  /** Milliseconds until the session has been idle, or its message incomplete, for too long. */
  #remaining(now: number): number {
    const { idleTime, messageTime } = this.#shared.settings;
    const idle = this.#lastMessage + idleTime - now;
    return this.#messageBegan < 0 ? idle : Math.min(idle, this.#messageBegan + messageTime - now);
  }

  #timeUp(): void {
    if (this.#state !== SessionState.PLAINTEXT) {
      this.#connection.destroy();
      return;
    }
    const remaining = this.#remaining(this.#shared.clock.milliseconds());
    if (remaining > 0) this.#timer.set(remaining);
    else if (this.#connection.unsent > 0) this.#connection.destroy();
    else this.#drain();
  }

  /** Closes our direction behind the answers, and waits for the peer to close its own. */
  #drain(): void {
    this.#state = SessionState.DRAINING;
    this.#framer.clear();
    this.#timer.set(this.#shared.settings.drainTime);
    this.#connection.end();
    // What the peer still sends is read and thrown away: closing over unread octets would reset the connection, and the
    // peer could lose the answers that are on their way.
    if (this.#paused) this.#connection.resume();
  }
}
