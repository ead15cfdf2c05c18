/**
 * The turn of a connection: octets of the network go in, are worked on, and the resulting octets go out, before the next connection has its
 * turn. So all connections of a thread share one pair of memory BIOs; both are empty between turns, which is checked. Measured: with a
 * pair for each connection an idle one has 2 KiB more, and 69 to 87 KiB more after a message of 64 KiB.
 *
 * Hot file: numbers that are no small integers (addresses) are made once, and are kept in fields that begin as null, so that V8 keeps
 * the object itself and makes no other for each call.
 */

import { performance } from 'node:perf_hooks';
import { addressOf } from '../../native/memory.js';
import { threadTime } from '../../native/thread-time.js';
import type { OpenSsl } from './functions.js';
import { takeFailure } from './library.js';
import { MemoryBio } from './memory-bio.js';
import type { MessageLengths } from './message-lengths.js';
import { SslError, TLS1_3_VERSION } from './numbers.js';

/** The results of reading when it has read nothing. */
export const TlsRead = {
  /** There is no plaintext until more octets of the network have come. */
  WAIT: 0,
  /** The handshake is complete. Told once, before any plaintext; there may be some behind it. */
  SECURED: -1,
  /** The peer has closed its direction (close_notify). Ours is open. */
  CLOSED: -2,
  /** `failure` tells why. An alert for the peer may wait in the output. */
  FAILED: -3,
  /** The handle is not, or no longer, one of a connection, or another connection has its turn: a mistake of the caller. */
  REFUSED: -4,
} as const;

/** Octets of a record's plaintext (RFC 8446 §5.1). */
const RECORD = 16_384;
/** Octets that are taken at once: those of a message of 65,535 octets with its records. */
const OUTGOING = 66_560;
/**
 * Octets that may come without giving any plaintext: during a whole handshake, and behind one. A record has at most 16,645; a ClientHello
 * with keys of post-quantum algorithms some 2,000. Key updates (RFC 8446 §4.6.3) and empty records would otherwise keep us busy for
 * nothing.
 */
const SILENCE = 32_768;
/** The failure of a connection that was silent for longer; the others are those of OpenSSL. */
const SILENT = 'ADOTD_TLS_NO_PLAINTEXT';
/** OpenSSL says the same of a message that is too long for itself, and sends the same alert: illegal_parameter, in a record. */
const TOO_LONG = 'ERR_SSL_EXCESSIVE_MESSAGE_SIZE';
const TOO_LONG_ALERT = Uint8Array.of(21, 3, 3, 0, 2, 2, 47);

/** States of a connection. `ENDED`: we have sent close_notify. */
export const State = { HANDSHAKING: 0, SECURED: 1, ENDED: 2, BROKEN: 3 } as const;

export interface TlsConnection {
  readonly handle: number;
  /** Pointer to its SSL; null before it has one, and when it is freed. */
  ssl: number | null;
  state: (typeof State)[keyof typeof State];
  /** Octets that have come since the last plaintext. */
  silent: number;
  /** Octets of the network that were not read in its last turn. */
  kept: Uint8Array | null;
  /** Those of the handshake; null when it is complete. */
  lengths: MessageLengths | null;
}

/** Turns of one thread's connections. All but begin() are about the connection that has begun one. */
export class Turn {
  readonly plaintext = new Uint8Array(new SharedArrayBuffer(RECORD));
  readonly outgoing = new Uint8Array(new SharedArrayBuffer(OUTGOING));
  /** For octets from the network, and for those to it. */
  readonly input: MemoryBio;
  readonly output: MemoryBio;
  /** Why the last connection failed. */
  failure = '';
  /** Milliseconds, and those in which this thread had the CPU. */
  handshakeTime = 0;
  handshakeCpu = 0;
  /** The connection whose turn it is. */
  connection: TlsConnection | null = null;
  readonly #c: OpenSsl;
  readonly #cpu = threadTime();
  readonly #plaintextAt: number | null = null;
  readonly #outgoingAt: number | null = null;

  constructor(functions: OpenSsl) {
    this.#c = functions;
    this.#plaintextAt = addressOf(this.plaintext, this);
    this.#outgoingAt = addressOf(this.outgoing, this);
    this.input = new MemoryBio(functions);
    this.output = new MemoryBio(functions);
  }

  get outgoingAddress(): number {
    return this.#outgoingAt!;
  }

  /** false: there is no memory, and no turn. */
  begin(connection: TlsConnection, address: number, length: number): boolean {
    this.connection = connection;
    connection.silent += length;
    if (connection.lengths !== null && !this.#announces(connection.lengths, connection, address, length)) return true;
    const put = connection.kept === null || this.#putBack(connection);
    if (put && (length === 0 || this.input.write(address, length))) return true;
    this.#fail(connection);
    this.abandon();
    return false;
  }

  /** One record at most: octets of plaintext, or one of TlsRead. */
  read(connection: TlsConnection): number {
    if (connection.state === State.BROKEN) return TlsRead.FAILED;
    // Errors that others have left in the queue would be taken for those of this connection.
    this.#c.ERR_clear_error();
    if (connection.state === State.HANDSHAKING) return this.#handshake(connection);
    const octets = this.#c.SSL_read(connection.ssl!, this.#plaintextAt!, RECORD);
    if (octets <= 0) return this.#without(connection, octets);
    connection.silent = this.input.pending;
    return octets;
  }

  write(connection: TlsConnection, address: number, length: number): boolean {
    if (this.#c.SSL_write(connection.ssl!, address, length) === length) return true;
    this.#fail(connection);
    return false;
  }

  closeNotify(connection: TlsConnection): boolean {
    connection.state = State.ENDED;
    if (this.#c.SSL_shutdown(connection.ssl!) >= 0) return true;
    this.#fail(connection);
    return false;
  }

  /** Octets for the network, taken into `outgoing`. */
  take(): number {
    return this.output.read(this.#outgoingAt!, OUTGOING);
  }

  /** Ends the turn, and keeps the octets that were not read; returns how many octets for the network were left. */
  finish(connection: TlsConnection): number {
    this.connection = null;
    const unread = this.input.pending;
    if (unread > 0) this.#takeBack(connection, unread);
    const left = this.output.discard();
    if (left > 0) connection.state = State.BROKEN;
    return left;
  }

  /** To be called once in each turn of the loop. */
  startTurn(): void {
    this.handshakeTime = 0;
    this.handshakeCpu = 0;
    // node:crypto leaves errors in the queue of the thread, now and then.
    this.#c.ERR_clear_error();
  }

  /** Ends the turn of a connection that is gone. */
  abandon(): void {
    this.connection = null;
    this.input.discard();
    this.output.discard();
  }

  #handshake(connection: TlsConnection): number {
    const began = performance.now();
    const cpu = this.#cpu();
    const done = this.#c.SSL_do_handshake(connection.ssl!);
    this.handshakeCpu += this.#cpu() - cpu;
    this.handshakeTime += performance.now() - began;
    if (done !== 1) return this.#without(connection, done);
    connection.state = State.SECURED;
    connection.lengths = null;
    connection.silent = this.input.pending;
    return TlsRead.SECURED;
  }

  /** Looks at the messages of a handshake before OpenSSL does; false: one is too long, and the connection is broken. */
  #announces(lengths: MessageLengths, connection: TlsConnection, address: number, length: number): boolean {
    const isPlain = (): boolean => this.#c.SSL_version(connection.ssl!) === TLS1_3_VERSION;
    for (let at = 0; at < length; at += RECORD) {
      const part = Math.min(RECORD, length - at);
      this.#c.memcpy(this.#plaintextAt!, address + at, part);
      if (lengths.take(this.plaintext, part, isPlain)) continue;
      connection.state = State.BROKEN;
      connection.lengths = null;
      this.failure = TOO_LONG;
      this.outgoing.set(TOO_LONG_ALERT);
      this.output.write(this.#outgoingAt!, TOO_LONG_ALERT.length);
      return false;
    }
    return true;
  }

  /** Why a call has brought nothing. */
  #without(connection: TlsConnection, result: number): number {
    const error = this.#c.SSL_get_error(connection.ssl!, result);
    if (error === SslError.WANT_READ && connection.silent <= SILENCE) return TlsRead.WAIT;
    if (error === SslError.ZERO_RETURN) {
      // Behind close_notify nothing is read.
      this.input.discard();
      return TlsRead.CLOSED;
    }
    this.#fail(connection);
    if (error === SslError.WANT_READ) this.failure = SILENT;
    return TlsRead.FAILED;
  }

  #fail(connection: TlsConnection): void {
    this.failure = takeFailure(this.#c);
    connection.state = State.BROKEN;
    this.input.discard();
  }

  /** Keeps the octets that the connection has not read, for its next turn. */
  #takeBack(connection: TlsConnection, unread: number): void {
    const kept = new Uint8Array(unread);
    for (let at = 0; at < unread; ) {
      const octets = this.input.read(this.#outgoingAt!, OUTGOING);
      if (octets === 0) break;
      kept.set(this.outgoing.subarray(0, octets), at);
      at += octets;
    }
    connection.kept = kept;
  }

  #putBack(connection: TlsConnection): boolean {
    const { kept } = connection;
    connection.kept = null;
    for (let at = 0; kept !== null && at < kept.length; at += OUTGOING) {
      const part = kept.subarray(at, at + OUTGOING);
      this.outgoing.set(part);
      if (!this.input.write(this.#outgoingAt!, part.length)) return false;
    }
    return true;
  }
}
