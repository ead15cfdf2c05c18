/**
 * A connection's place in the TLS engine, and its turns there. In a turn that reads, answers are sealed as they are given, and sent when it
 * is over. Outside of one, a turn that only writes begins with the first answer.
 *
 * Hot file: no allocation per message, no exceptions for control flow.
 */
import type { TlsEngine } from '../../tls/openssl/engine.js';
import { TlsRead } from '../../tls/openssl/turn.js';
import type { LoopParts } from './loop-parts.js';
import type { Sender } from './sender.js';

/** Octets that a record of TLS adds: header, content type and tag (RFC 8446 §5.2), or header, nonce and tag of TLS 1.2. */
const RECORD_OVERHEAD = 29;
/** Octets that are sealed from which on they are sent before the turn is over: as many as a session's write buffer has at least. */
const SEND_FROM = 16_384;
/** The turn that is under way. */
const Turn = { NONE: 0, READING: 1, WRITING: 2 } as const;

export class TlsPlace {
  /** Octets in the engine's output, about. */
  sealed = 0;
  readonly engine: TlsEngine;
  readonly #parts: LoopParts;
  readonly #sender: Sender;
  #handle: number;
  #turn: number = Turn.NONE;

  constructor(engine: TlsEngine, parts: LoopParts, sender: Sender) {
    this.engine = engine;
    this.#parts = parts;
    this.#sender = sender;
    this.#handle = engine.open();
  }

  /** Whether the engine has a place for it: false from the beginning where it has no room, and after free(). */
  get isOpen(): boolean {
    return this.#handle >= 0;
  }

  /** Whether there is something to read that came before a pause. */
  get hasKept(): boolean {
    return this.#handle >= 0 && this.engine.hasKept(this.#handle);
  }

  /** Begins a turn that reads, with octets at an address. false: it is broken. */
  begin(address: number, length: number): boolean {
    if (!this.engine.begin(this.#handle, address, length)) return this.#mistake('did not begin');
    this.#turn = Turn.READING;
    return true;
  }

  /** TlsEngine.read(), in a turn that reads. */
  read(): number {
    return this.#handle < 0 ? TlsRead.REFUSED : this.engine.read(this.#handle);
  }

  describe(): ReturnType<TlsEngine['describe']> {
    return this.engine.describe(this.#handle);
  }

  /** Puts an answer into a record. false: it is broken. */
  seal(octets: Uint8Array, from: number, to: number): boolean {
    if (!this.#beginWriting()) return false;
    const address = this.#parts.addressOf(octets);
    this.sealed += to - from + RECORD_OVERHEAD;
    return this.engine.write(this.#handle, from === 0 ? address : address + from, to - from);
  }

  /** The answers may be sent; in a turn that reads, others may follow. false: the connection is broken. */
  send(): boolean {
    if (this.#turn === Turn.WRITING) return this.end();
    return this.sealed < SEND_FROM || this.sendSealed();
  }

  /** Sends the sealed octets. false: the connection is broken. */
  sendSealed(): boolean {
    const { engine } = this;
    this.sealed = 0;
    if (this.#turn === Turn.NONE) return true;
    for (let length = engine.output(this.#handle); length > 0; length = engine.output(this.#handle)) {
      if (!this.#sender.send(engine.outgoing, this.#parts.tlsOutputAddress, 0, length)) return false;
    }
    return true;
  }

  /** Ends the turn, if one is under way. false: the connection is broken. */
  end(): boolean {
    if (this.#turn === Turn.NONE) return true;
    // free() ends the turn of a broken connection: there may be more output, which is no mistake.
    if (!this.sendSealed()) return false;
    this.#turn = Turn.NONE;
    return this.engine.finish(this.#handle) || this.#mistake('left octets for the network');
  }

  /** Sends close_notify, and frees the place. false: the connection is broken. */
  close(): boolean {
    const sent = this.#beginWriting() && this.engine.closeNotify(this.#handle) && this.sendSealed();
    this.free();
    return sent;
  }

  /** Gives the place back; that ends its turn. */
  free(): void {
    if (this.#handle < 0) return;
    this.engine.free(this.#handle);
    this.#handle = -1;
    this.#turn = Turn.NONE;
    this.sealed = 0;
  }

  #beginWriting(): boolean {
    if (this.#turn !== Turn.NONE) return true;
    if (this.#handle < 0) return false;
    if (!this.engine.begin(this.#handle, 0, 0)) return this.#mistake('did not begin');
    this.#turn = Turn.WRITING;
    return true;
  }

  /** An error that only a mistake of ours, or a lack of memory, can cause. It is logged, and the connection ends. */
  #mistake(what: string): false {
    this.#parts.context.mistake(new Error(`a turn of the TLS engine ${what}`));
    return false;
  }
}
