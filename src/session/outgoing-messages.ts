/**
 * The messages of an answer that has several (a transfer), on their way to the connection: as many at a time as are sent in one go, and
 * never more than may wait in the session.
 */
import type { MessageSource } from '../answer/transfer/message-source.js';
import type { TransferEnd } from '../answer/transfer/transfer-end.js';
import type { Answering } from './answering.js';
import type { Connection } from './connection.js';
import { LENGTH_FIELD, MAX_MESSAGE } from './framing.js';

/** How a turn ended. */
export const Turn = {
  /** There is more, and room for it: others have their turn first. */
  MORE: 0,
  /** The connection has to send its octets first. */
  FULL: 1,
  /** The last message is given to the connection. */
  OVER: 2,
  /** A message could not be made. */
  FAILED: 3,
} as const;
export type Turn = (typeof Turn)[keyof typeof Turn];

/** Octets of a turn. Measured: 1,500 short records, 0.2 ms; the connection takes them in one call. */
const TURN_OCTETS = 65_536;

export class OutgoingMessages {
  readonly #source: MessageSource;
  readonly #connection: Connection;
  readonly #answering: Answering;
  /** Milliseconds of the clock. */
  readonly #since: number;
  /** Octets that waited when the deadlines asked last. */
  #waited = 0;
  #written = 0;
  #writtenBefore = 0;

  constructor(source: MessageSource, connection: Connection, answering: Answering, since: number) {
    this.#source = source;
    this.#connection = connection;
    this.#answering = answering;
    this.#since = since;
  }

  /** Gives messages to the connection. */
  turn(): Turn {
    const connection = this.#connection;
    const { scratch } = this.#answering;
    const room = this.#answering.writeBuffer - connection.unsent;
    if (room <= 0) return Turn.FULL;
    const most = Math.min(TURN_OCTETS, room, scratch.length - LENGTH_FIELD - MAX_MESSAGE + 1);
    let used = 0;
    let length = 1;
    while (used < most && length > 0) {
      length = this.#write(scratch, used);
      if (length > 0) used += LENGTH_FIELD + length;
    }
    this.#written += used;
    if (used > 0) connection.send();
    if (length < 0) return Turn.FAILED;
    if (length === 0) return Turn.OVER;
    return connection.unsent >= this.#answering.writeBuffer ? Turn.FULL : Turn.MORE;
  }

  /** Whether the client has taken something since the last call, at `now` of the clock; false when it has had `time` milliseconds. */
  moved(now: number, time: number): boolean {
    const { unsent } = this.#connection;
    const taken = this.#written - this.#writtenBefore + this.#waited - unsent;
    this.#writtenBefore = this.#written;
    this.#waited = unsent;
    return taken > 0 && now - this.#since < time;
  }

  /** Whether it has had `time` milliseconds at `now` of the clock. */
  isLate(now: number, time: number): boolean {
    return now - this.#since >= time;
  }

  /** It is over. */
  ended(end: TransferEnd): void {
    this.#source.ended(end);
  }

  /** Octets of the next message; 0: there is none, -1: it cannot be made. */
  #write(scratch: Uint8Array, used: number): number {
    try {
      const length = this.#source.next(scratch, used + LENGTH_FIELD, MAX_MESSAGE, this.#answering.now);
      if (length === 0) return 0;
      scratch[used] = length >>> 8;
      scratch[used + 1] = length;
      this.#connection.answer(scratch, used, used + LENGTH_FIELD + length);
      return length;
    } catch (error) {
      this.#answering.mistake(error);
      return -1;
    }
  }
}
