/**
 * The answers of a session that take long: to a request that is handed off (NOTIFY, UPDATE), and a transfer. One is under way at a
 * time, and the session reads nothing meanwhile.
 */
import { answerHanded, handedRequest } from '../answer/hand-off/hand-off.js';
import type { HandedReply } from '../answer/hand-off/handed-reply.js';
import type { HandedRequest } from '../answer/hand-off/handed-request.js';
import type { MessageSource } from '../answer/transfer/message-source.js';
import { TransferEnd } from '../answer/transfer/transfer-end.js';
import type { Answering, Client } from './answering.js';
import type { Connection } from './connection.js';
import type { Deadlines, Timed } from './deadlines.js';
import { type Framer, LENGTH_FIELD, MAX_MESSAGE } from './framing.js';
import { OutgoingMessages, Turn } from './outgoing-messages.js';
import { SessionEnd } from './session-end.js';

/** The session. */
interface Asking<T> extends Timed<T>, Client {
  /** Messages answered. */
  messages: number;
  /** Whether messages are answered. */
  readonly isAnswering: boolean;
  cutOff(end: SessionEnd): void;
}

export class LongAnswer<T extends Asking<T>> {
  readonly #session: T;
  readonly #answering: Answering;
  readonly #deadlines: Deadlines<T>;
  readonly #connection: Connection;
  /** Set while a request is handed off, or waits for that; in the latter case it takes the request back. */
  #takeBack: (() => void) | undefined;
  #transfer: OutgoingMessages | undefined;

  constructor(session: T, answering: Answering, deadlines: Deadlines<T>, connection: Connection) {
    this.#session = session;
    this.#answering = answering;
    this.#deadlines = deadlines;
    this.#connection = connection;
  }

  get isUnderWay(): boolean {
    return this.#takeBack !== undefined || this.#transfer !== undefined;
  }

  /** Hands the framer's message off. No deadline runs meanwhile: the answering side has one. */
  handOff({ bytes, at, length }: Framer): void {
    const { handOff, facts } = this.#answering;
    const request = handedRequest(bytes, at, length, facts);
    const since = this.#deadlines.now;
    this.#deadlines.left(this.#session);
    this.#takeBack = handOff.queue(request, (reply) => this.#replied(request, reply, since));
  }

  /** Begins a transfer: its first message is written, `rest` are the others. goOn() sends them. */
  begin(rest: MessageSource): void {
    this.#transfer = new OutgoingMessages(rest, this.#connection, this.#answering, this.#deadlines.now);
  }

  /** A turn of the transfer: others have had theirs, or everything so far is sent. */
  goOn(): void {
    const transfer = this.#transfer;
    const session = this.#session;
    if (transfer === undefined || !session.isAnswering) return;
    if (transfer.isLate(this.#deadlines.now, this.#answering.settings.transferTime)) {
      session.timeUp(SessionEnd.TRANSFER_TIMEOUT);
      return;
    }
    const turn = transfer.turn();
    // The connection may have broken.
    if (!session.isAnswering) return;
    if (turn === Turn.FAILED) {
      this.ended(TransferEnd.FAILED);
      session.cutOff(SessionEnd.BROKEN);
    } else if (turn === Turn.OVER) {
      this.ended(TransferEnd.COMPLETE);
      this.#deadlines.settled(session);
      this.#connection.flush();
    } else {
      this.#deadlines.transferGoesOn(session);
      if (turn === Turn.FULL) this.#connection.flush();
      else this.#connection.yield();
    }
  }

  /** Whether the client has taken something of the transfer since the last call, and may go on. */
  transferMoved(): boolean {
    return this.#transfer?.moved(this.#deadlines.now, this.#answering.settings.transferTime) === true;
  }

  /** The session's time is up. */
  timeUp(): void {
    const isLate = this.#transfer?.isLate(this.#deadlines.now, this.#answering.settings.transferTime);
    this.ended(isLate ? TransferEnd.TIMEOUT : TransferEnd.IDLE);
  }

  /** The session has ended: the transfer, if there is one, is over; a request that waits to be handed off is taken back. */
  ended(end: TransferEnd): void {
    this.#takeBack?.();
    this.#transfer?.ended(end);
    this.#transfer = undefined;
  }

  /** The reply has come; `since`: when the request was handed off. The session goes on when it is written. */
  #replied(request: HandedRequest, reply: HandedReply | undefined, since: number): void {
    const session = this.#session;
    this.#takeBack = undefined;
    if (!session.isAnswering) return;
    const { facts, outcome, scratch, respond } = this.#answering;
    this.#answering.introduce(session);
    this.#answering.offer(false);
    const waited = this.#deadlines.now - since;
    const length = answerHanded(respond, facts, request, reply, waited, scratch, LENGTH_FIELD, MAX_MESSAGE);
    this.#answering.count(facts, outcome, request.octets.length, length);
    session.messages++;
    this.#deadlines.settled(session);
    if (length === 0) {
      session.drain(SessionEnd.MALFORMED);
      return;
    }
    scratch[0] = length >>> 8;
    scratch[1] = length;
    this.#connection.answer(scratch, 0, LENGTH_FIELD + length);
    this.#connection.send();
    this.#connection.flush();
  }
}
