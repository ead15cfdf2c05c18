/**
 * A connection to a primary, over which many zones are asked for (RFC 9103 §6.2, RFC 7766 §6.2.1.1): questions go out without
 * waiting, answers are told apart by their IDs.
 */
import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { AdotdError, messageOf, systemReason } from '../../errors.js';
import type { Clock, Timer } from '../../session/clock.js';
import { Framer } from '../../session/framing.js';
import { TransferError, TransferFault } from '../../transfer/in/transfer-error.js';
import { foreignProtocol } from '../../wrong-port.js';

/** Takes the messages of an answer. */
interface Exchange {
  /** Whether it is a transfer: a large one keeps others waiting. */
  readonly isTransfer: boolean;
  /** Takes a message; true: it was the last one. May throw a TransferError; then the exchange is over. */
  take(message: Uint8Array): boolean;
  /** The connection broke, or nothing came for too long. */
  failed(error: TransferError): void;
}

interface ConnectionOptions {
  readonly clock: Clock;
  /** Names the primary in messages: `192.0.2.1:53`. */
  readonly place: string;
  readonly isEncrypted: boolean;
  /** Seconds. */
  readonly idleTimeout: number;
  /** Seconds. */
  readonly timeout: number;
  /** The connection is over. */
  closed(connection: PrimaryConnection): void;
}

interface Pending {
  readonly exchange: Exchange;
  /** Milliseconds: when it was asked. */
  readonly askedAt: number;
  /** Milliseconds: when its first message came. A primary may answer other questions first. */
  began: number | undefined;
}

/** Milliseconds that a connection stays open without questions: the next zones of the primary use it. A guess. */
const UNUSED_TIME = 5_000;
/** Milliseconds between two looks at the times. */
const LOOK = 1_000;
const IDS = 65_536;

export class PrimaryConnection {
  readonly place: string;
  readonly #socket: Duplex;
  readonly #options: ConnectionOptions;
  readonly #framer = new Framer();
  readonly #pending = new Map<number, Pending>();
  /** IDs of questions that were given up: an answer that comes all the same is passed over. */
  readonly #givenUp = new Set<number>();
  readonly #timer: Timer;
  /** Messages with their lengths that have not been sent, or are being sent. */
  #unsent: Uint8Array[] = [];
  #transfers = 0;
  #lastAt: number;
  /** When the last message of a transfer came: a large one keeps the answers behind it waiting. */
  #transferAt = 0;
  #isOpen = true;
  #hasBegun = false;
  #answered = 0;

  constructor(socket: Duplex, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.place = options.place;
    this.#timer = options.clock.timer(() => this.#look());
    this.#lastAt = options.clock.milliseconds();
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', (error) => this.#end(`the connection broke: ${systemReason(error)}${this.#hint}`));
    socket.on('end', () => this.#end(`the primary closed the connection${this.#hint}`));
    socket.on('close', () => this.#end('the connection was closed'));
    this.#timer.set(LOOK);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Questions whose answers are not complete. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Whether an answer has begun to come, and further messages of it are awaited. */
  get isReceiving(): boolean {
    return [...this.#pending.values()].some(({ began }) => began !== undefined);
  }

  /** Transfers among them. */
  get transfers(): number {
    return this.#transfers;
  }

  /** Answers that were complete. A primary may close a connection at any time between two: then the question is asked again. */
  get answered(): number {
    return this.#answered;
  }

  /** An ID that no waiting question has; undefined: all IDs are taken. */
  freeId(): number | undefined {
    if (this.#pending.size + this.#givenUp.size >= IDS / 2) return undefined;
    let id = randomInt(IDS);
    while (this.#pending.has(id) || this.#givenUp.has(id)) id = (id + 1) % IDS;
    return id;
  }

  /** Sends a question that has the ID `id`. */
  ask(id: number, message: Uint8Array, exchange: Exchange): void {
    const now = this.#options.clock.milliseconds();
    if (this.#pending.size === 0) this.#lastAt = now;
    this.#pending.set(id, { exchange, askedAt: now, began: undefined });
    if (exchange.isTransfer) this.#transfers++;
    const framed = new Uint8Array(message.length + 2);
    framed[0] = message.length >> 8;
    framed[1] = message.length;
    framed.set(message, 2);
    this.#unsent.push(framed);
    if (this.#unsent.length === 1) this.#send();
  }

  /** Closes at once. */
  close(): void {
    this.#end('the connection was closed');
  }

  /**
   * Writes one message at a time, so that each is in a TLS record of its own: NSD reads one message when a connection becomes
   * readable, and would leave the others in that record where they are.
   */
  #send(): void {
    const [first] = this.#unsent;
    if (first === undefined || !this.#isOpen) return;
    this.#socket.write(first, () => {
      this.#unsent.shift();
      this.#send();
    });
  }

  /** The probable cause when a connection ends without any answer. */
  get #hint(): string {
    if (this.#hasBegun || this.#pending.size === 0) return '';
    const doubt = this.#options.isEncrypted
      ? 'is there DNS inside TLS on this port?'
      : 'if there is TLS on this port, set `tls` of the remote';
    return ` without an answer; ${doubt}`;
  }

  #received(chunk: Buffer): void {
    if (!this.#isOpen) return;
    // A server of another protocol speaks it at once.
    const foreign = this.#hasBegun ? undefined : foreignProtocol(chunk);
    this.#hasBegun = true;
    if (foreign !== undefined) {
      const { isEncrypted } = this.#options;
      const remedy = isEncrypted
        ? 'is its `tls.port` right?'
        : foreign === 'TLS'
          ? 'set `tls` of the remote'
          : 'is its `port` right?';
      const expected = isEncrypted ? 'inside' : 'without';
      this.#end(`there is ${foreign} on this port, expected DNS ${expected} TLS; ${remedy}`, TransferFault.PROTOCOL);
      return;
    }
    const framer = this.#framer;
    framer.push(chunk, 0, chunk.length);
    while (this.#isOpen && framer.next()) this.#message(framer.bytes.subarray(framer.at, framer.at + framer.length));
  }

  #message(message: Uint8Array): void {
    this.#lastAt = this.#options.clock.milliseconds();
    const id = message.length < 2 ? -1 : (message[0]! << 8) | message[1]!;
    const pending = this.#pending.get(id);
    if (pending === undefined && this.#givenUp.has(id)) return;
    if (pending === undefined) {
      // Nobody else can have sent it: the primary has confused its answers.
      this.#end(`found a message with ID ${id}, which no question has that waits`, TransferFault.PROTOCOL);
      return;
    }
    pending.began ??= this.#lastAt;
    if (pending.exchange.isTransfer) this.#transferAt = this.#lastAt;
    let isLast = false;
    try {
      isLast = pending.exchange.take(message);
    } catch (error) {
      this.#drop(id, pending);
      pending.exchange.failed(asTransferError(error, this.place));
      // The rest of a transfer may be on its way. Only a new connection is sure to be without it.
      if (pending.exchange.isTransfer) this.#end('the connection was closed after a transfer that cannot be used');
      return;
    }
    if (!isLast) return;
    this.#drop(id, pending);
    this.#answered++;
  }

  #drop(id: number, { exchange }: Pending): void {
    this.#pending.delete(id);
    if (exchange.isTransfer) this.#transfers--;
  }

  /** Closes the connection if it is unused or takes too long; otherwise gives up questions that have waited too long. */
  #look(): void {
    if (!this.#isOpen) return;
    const { clock, idleTimeout, timeout } = this.#options;
    const now = clock.milliseconds();
    const quiet = now - this.#lastAt;
    const isSlow = ({ began }: Pending): boolean => began !== undefined && now - began >= timeout * 1000;
    if (this.#pending.size === 0) {
      if (quiet >= UNUSED_TIME) this.#end('the connection was closed');
    } else if (quiet >= idleTimeout * 1000) {
      this.#end(`no message came for ${idleTimeout} s`, TransferFault.TIMEOUT);
    } else if ([...this.#pending.values()].some(isSlow)) {
      this.#end(`the transfer took more than ${timeout} s`, TransferFault.TIMEOUT);
    } else {
      this.#giveUp(now - idleTimeout * 1000);
    }
    if (this.#isOpen) this.#timer.set(LOOK);
  }

  /** Gives up the questions that have waited since `since` (milliseconds), while others were answered. */
  #giveUp(since: number): void {
    if (this.#transferAt > since) return;
    for (const [id, pending] of [...this.#pending]) {
      if (pending.began !== undefined || pending.askedAt > since) continue;
      this.#drop(id, pending);
      this.#givenUp.add(id);
      const reason = `no answer came for ${this.#options.idleTimeout} s, although others came`;
      pending.exchange.failed(new TransferError(TransferFault.TIMEOUT, `${this.place}: ${reason}`));
    }
  }

  #end(reason: string, fault: TransferFault = TransferFault.CONNECTION): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#timer.clear();
    this.#framer.clear();
    this.#unsent = [];
    this.#socket.on('error', () => {});
    this.#socket.destroy();
    this.#options.closed(this);
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    this.#transfers = 0;
    for (const { exchange } of waiting) exchange.failed(new TransferError(fault, `${this.place}: ${reason}`));
  }
}

function asTransferError(error: unknown, place: string): TransferError {
  const { fault, rcode } = error instanceof TransferError ? error : { fault: TransferFault.PROTOCOL, rcode: undefined };
  // No answer of a primary may end the thread.
  const message = error instanceof AdotdError ? error.message : `an answer that we cannot read: ${messageOf(error)}`;
  return new TransferError(fault, `${place}: ${message}`, rcode, { cause: error });
}
