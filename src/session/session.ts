/**
 * One stream session as a state machine without sockets: octets come in, octets go out, and deadlines.ts says when time is up.
 *   PLAINTEXT ──▶ UPGRADING ──▶ SECURE ──▶ DRAINING ──▶ CLOSED
 * A session on port 53 begins in PLAINTEXT, one on port 853 in UPGRADING. DRAINING is
 * entered from PLAINTEXT and SECURE; a session in UPGRADING is closed at once.
 * RFC 7766: §6.2.1.1 pipelining; §6.2.3 the idle time counts from the last whole message; §8 length and message go out in
 * one write. In the clear, so do all answers to the messages of one read; inside TLS each answer has a record of its own, and all
 * records of one read leave together where the transport can do that. Answers are in the order of the queries, which §7 permits.
 * STARTTLS: docs/protocol.md "STARTTLS"; draft-ietf-dprive-start-tls-for-dns §2.1.4.
 * Nothing is read before a NOTIFY or UPDATE is answered, or a transfer is sent (long-answer.ts): RFC 5936 §4.1.1 permits that order.
 */
import { Transport } from '../answer/facts.js';
import { DROP } from '../answer/respond.js';
import { TransferEnd } from '../answer/transfer/transfer-end.js';
import type { Answering } from './answering.js';
import { judgeOpening, Opening } from './client-hello.js';
import type { Connection } from './connection.js';
import type { Deadlines } from './deadlines.js';
import { Framer, LENGTH_FIELD, MAX_MESSAGE } from './framing.js';
import { LongAnswer } from './long-answer.js';
import { createPlace, type Place } from './queue.js';
import { SessionCount } from './session-count.js';
import { SessionEnd, SessionEvent, SessionPath } from './session-end.js';
import { SessionState } from './session-state.js';

/** Where a session is on the way to an upgrade (PLAINTEXT only). */
const Stage = {
  /** No message has been answered. */
  FIRST: 0,
  /** The first answer offered an upgrade; the next octets decide. */
  OFFERED: 1,
  /** No upgrade happens on this connection any more. */
  OVER: 2,
} as const;

const NOTHING = new Uint8Array(0);

export class Session {
  /** Its place among the idle, and its place among those for which a deadline runs. */
  readonly idle: Place<Session> = createPlace<Session>(this);
  readonly busy: Place<Session> = createPlace<Session>(this);
  readonly client: Uint8Array;
  clientPort = 0;
  xot = false;
  certificate: Uint8Array | undefined;
  readonly count: SessionCount;

  readonly #answering: Answering;
  readonly #deadlines: Deadlines<Session>;
  readonly #connection: Connection;
  readonly #framer = new Framer();
  #state: SessionState;
  #stage: number = Stage.FIRST;
  /** Octets behind an offered upgrade, until they are judged or handed to TLS. */
  #opening: Uint8Array = NOTHING;
  #paused = false;
  /** Its answers that take long; while one is under way, it is paused, too. */
  #long: LongAnswer<Session> | undefined;
  #peerEnded = false;
  #stopping = false;
  /** Messages answered. */
  messages = 0;
  #end: SessionEnd | undefined;

  /** Made by the manager. `client`: the peer's address, 4 or 16 octets; `secure`: TLS from the first octet on. */
  constructor(
    answering: Answering,
    deadlines: Deadlines<Session>,
    connection: Connection,
    client: Uint8Array,
    secure: boolean,
  ) {
    this.#answering = answering;
    this.#deadlines = deadlines;
    this.#connection = connection;
    this.client = client;
    this.count = new SessionCount(answering.counts, secure ? SessionPath.TLS : SessionPath.TCP, client);
    this.#state = secure ? SessionState.UPGRADING : SessionState.PLAINTEXT;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Why it ended; final once it is closed. */
  get end(): SessionEnd {
    return this.#end ?? SessionEnd.BROKEN;
  }

  /** Whether STARTTLS upgraded it. */
  get upgraded(): boolean {
    return this.count.path === SessionPath.STARTTLS;
  }

  get isHandshaking(): boolean {
    return this.#state === SessionState.UPGRADING;
  }

  get isDraining(): boolean {
    return this.#state === SessionState.DRAINING;
  }

  /** Whether closing it now loses nothing: no message has begun, no answer is unsent, no handshake runs. */
  get evictable(): boolean {
    return this.isAnswering && this.busy.queue === undefined && !this.#paused && this.#connection.unsent === 0;
  }

  /** Whether it only waits for its peer to close: everything is sent, our FIN too. */
  get lingers(): boolean {
    return this.isDraining && this.#connection.unsent === 0;
  }

  /** Whether messages are answered. */
  get isAnswering(): boolean {
    return this.#state === SessionState.PLAINTEXT || this.#state === SessionState.SECURE;
  }

  /** Octets have come, in the clear or out of TLS: those from `from` to before `to`. They are borrowed until this returns. */
  received(octets: Uint8Array, from: number, to: number): void {
    if (this.#state === SessionState.UPGRADING) {
      // The handshake waits until the answer is written: TLS gets these octets together with the first ones.
      this.#opening = Buffer.concat([this.#opening, octets.subarray(from, to)]);
    } else if (this.isAnswering && this.#stage === Stage.OFFERED) {
      this.#opened(Buffer.concat([this.#opening, octets.subarray(from, to)]));
    } else if (this.isAnswering) {
      this.#framer.push(octets, from, to);
      this.#work();
      if (this.#paused) this.#framer.hold();
    }
  }

  /** The peer sends nothing more; it may still read. */
  ended(): void {
    this.#peerEnded = true;
    if (this.#state === SessionState.UPGRADING) this.#connection.destroy();
    else if (this.isAnswering && !this.#paused) this.drain(SessionEnd.CLIENT);
  }

  /** The operating system has taken everything that was written. */
  drained(): void {
    if (this.#state === SessionState.UPGRADING) this.#handOver();
    if (!this.isAnswering || !this.#paused) return;
    if (this.#long?.isUnderWay) {
      this.#long.goOn();
      return;
    }
    this.#paused = false;
    this.#work();
    if (this.#paused || this.isHandshaking) return;
    if (this.isAnswering && this.#peerEnded) this.drain(SessionEnd.CLIENT);
    else this.#connection.resume();
  }

  /** The TLS handshake is complete; `isXot`: TLS 1.3 with ALPN `dot`. Nothing of the plaintext survives: framer and stage are fresh. */
  secured(resumed = false, isXot = false): void {
    if (this.#state !== SessionState.UPGRADING) return;
    this.xot = isXot && !this.upgraded;
    this.count.secured(resumed, this.#deadlines.now);
    this.#state = SessionState.SECURE;
    this.#stage = Stage.OVER;
    this.#framer.clear();
    this.#opening = NOTHING;
    this.#deadlines.settled(this);
    if (this.upgraded) this.#answering.event(SessionEvent.UPGRADED);
  }

  /** The last call: nothing more is read; the messages that were read are answered, then the session is closed. */
  stop(): void {
    this.#stopping = true;
    if (this.isAnswering && !this.#paused) this.drain(SessionEnd.STOPPED);
  }

  /** The connection is gone. `silent`: nothing has ever come. */
  closed(silent = false): void {
    if (this.isHandshaking) this.count.gaveUp(this.#end, silent, this.#deadlines.now);
    this.#end ??= this.isHandshaking ? SessionEnd.HANDSHAKE_FAILED : SessionEnd.BROKEN;
    this.#long?.ended(this.#end === SessionEnd.STOPPED ? TransferEnd.STOPPED : TransferEnd.CLIENT);
    this.#state = SessionState.CLOSED;
    this.#framer.clear();
    this.#opening = NOTHING;
  }

  /** Closes our direction behind the answers, and waits for the peer to close its own. */
  drain(end: SessionEnd): void {
    this.#end ??= end;
    if (!this.isAnswering) {
      if (this.#state === SessionState.UPGRADING) this.#connection.destroy();
      return;
    }
    this.#state = SessionState.DRAINING;
    this.#framer.clear();
    this.#opening = NOTHING;
    this.#deadlines.drainingBegan(this);
    this.#connection.end();
    // The peer may still send: that is read and thrown away. Closing with unread octets would reset the connection, and the
    // peer could lose answers that are on their way.
    if (this.#paused) this.#connection.resume();
  }

  /** The time of a message, a handshake, idling or draining is up. */
  timeUp(end: SessionEnd): void {
    this.#end ??= end;
    const isLong = this.#long?.isUnderWay === true;
    this.#long?.timeUp();
    if (this.isAnswering && !isLong && this.#connection.unsent === 0) this.drain(end);
    else this.#connection.destroy();
  }

  /** Closes the connection at once, even if something is under way. */
  cutOff(end: SessionEnd): void {
    this.#end ??= end;
    this.#long?.ended(TransferEnd.STOPPED);
    if (this.#state !== SessionState.CLOSED) this.#connection.destroy();
  }

  /** Answers all whole messages, until as many answers wait for the peer as may. */
  #work(): void {
    const { scratch, settings } = this.#answering;
    const connection = this.#connection;
    const framer = this.#framer;
    this.#answering.introduce(this);
    const before = this.messages;
    let more = true;
    let sound = true;
    let handed = false;
    const limit = this.#answering.writeBuffer;
    while (more && sound && connection.unsent < limit) {
      const room = limit - connection.unsent;
      let used = 0;
      while (used < room && (more = framer.next())) {
        const length = this.#answer(used + LENGTH_FIELD);
        // Not a query: RFC 7766 has no way to go on from there.
        sound = length !== DROP;
        handed = length < 0;
        if (length <= 0) break;
        scratch[used] = length >>> 8;
        scratch[used + 1] = length & 0xff;
        connection.answer(scratch, used, used + LENGTH_FIELD + length);
        used += LENGTH_FIELD + length;
        if (this.#stage === Stage.OFFERED || this.#long?.isUnderWay) break;
      }
      if (used > 0) connection.send();
      if (handed || this.#long?.isUnderWay) break;
      if (this.#stage === Stage.OFFERED) {
        this.#offered();
        return;
      }
    }
    if (sound && this.messages > before) this.count.answered(this.#deadlines.settled(this));
    if (handed || this.#long?.isUnderWay) {
      this.#paused = true;
      connection.pause();
      if (handed) this.#longAnswer.handOff(framer);
      else this.#longAnswer.goOn();
    } else if (!sound) {
      this.drain(SessionEnd.MALFORMED);
    } else if (more) {
      this.#paused = true;
      connection.pause();
      connection.flush();
    } else if (!this.#stopping && framer.incomplete) {
      if (this.busy.queue === undefined) this.#deadlines.messageBegan(this);
    } else if (this.#stopping || this.messages >= settings.maxQueries) {
      this.drain(this.#stopping ? SessionEnd.STOPPED : SessionEnd.SPENT);
    }
  }

  /** Answers the framer's message into the scratch at `at`; the first one of a connection may start an upgrade. */
  #answer(at: number): number {
    const { facts, scratch, outcome } = this.#answering;
    const framer = this.#framer;
    const secure = this.#state === SessionState.SECURE;
    facts.transport = secure ? (this.upgraded ? Transport.STARTTLS : Transport.TLS) : Transport.TCP;
    const mayUpgrade =
      !secure && this.#stage === Stage.FIRST && this.#answering.mayUpgrade && !this.#plaintextFollows();
    this.#answering.offer(mayUpgrade);
    const length = this.#answering.respond(framer.bytes, framer.at, framer.length, facts, scratch, at, MAX_MESSAGE);
    this.#stage = mayUpgrade && outcome.upgrade === 1 ? Stage.OFFERED : Stage.OVER;
    if (length < 0) return length;
    this.#answering.count(facts, outcome, framer.length, length);
    this.messages++;
    if (outcome.rest !== undefined) this.#longAnswer.begin(outcome.rest);
    return length;
  }

  transferMoved(): boolean {
    return this.#long?.transferMoved() === true;
  }

  goOn(): void {
    this.#long?.goOn();
  }

  get #longAnswer(): LongAnswer<Session> {
    return (this.#long ??= new LongAnswer<Session>(this, this.#answering, this.#deadlines, this.#connection));
  }

  /** Whether the octets behind the first message rule out that an upgrade follows (docs/protocol.md "Step 4: what follows"). */
  #plaintextFollows(): boolean {
    return this.#framer.opening() === Opening.PLAINTEXT;
  }

  /** The answer that offers an upgrade has been written; the octets behind the query are judged. */
  #offered(): void {
    const rest = this.#framer.rest();
    this.#framer.clear();
    this.#deadlines.settled(this);
    this.#answering.event(SessionEvent.UPGRADE_OFFERED);
    this.#opened(rest);
  }

  /** Judges `octets`, all that came behind an offered upgrade; they are the session's own. */
  #opened(octets: Uint8Array): void {
    const what = judgeOpening(octets, 0, octets.length);
    if (what === Opening.UNDECIDED) {
      if (octets.length > 0 && this.busy.queue === undefined) this.#deadlines.handshakeBegan(this);
      this.#opening = octets;
    } else if (what === Opening.CLIENT_HELLO) {
      this.#state = SessionState.UPGRADING;
      this.count.upgrade(this.#deadlines.now, this.messages);
      this.#opening = octets;
      // Its time runs from its first octet, not from the deciding one.
      if (this.busy.queue === undefined) this.#deadlines.handshakeBegan(this);
      if (this.#connection.unsent > 0) {
        // TLS reads the rest itself, so that little waits here.
        this.#connection.pause();
        this.#connection.flush();
      } else this.#handOver();
    } else {
      this.#opening = NOTHING;
      this.#stage = Stage.OVER;
      this.#deadlines.settled(this);
      this.#answering.event(SessionEvent.UPGRADE_DECLINED);
      if (this.#answering.settings.strict) {
        this.drain(SessionEnd.PLAINTEXT);
      } else {
        this.#framer.push(octets, 0, octets.length);
        this.#work();
      }
    }
  }

  /** Gives the connection to TLS; the answer that offered it has been written. */
  #handOver(): void {
    if (this.#opening.length === 0) return;
    const octets = this.#opening;
    this.#opening = NOTHING;
    this.#connection.startTls(octets);
  }
}
