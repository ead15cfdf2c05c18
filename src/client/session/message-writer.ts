/**
 * Writes messages to a stream: inside TLS each in a record of its own (up to 16,384 octets, the limit of a record). node:tls puts
 * everything that waits behind a write into one record. NSD and dnsdist read one message when a connection becomes readable. By then
 * OpenSSL has taken the whole record, the connection is not readable again, and the other queries of the record wait for ever.
 */
import type { Duplex } from 'node:stream';
import { framed } from '../wire/framing.js';

interface Waiting {
  readonly message: Uint8Array;
  wanted(): boolean;
}

export class MessageWriter {
  readonly #socket: Duplex;
  readonly #encrypted: boolean;
  readonly #waiting: Waiting[] = [];
  #writing = false;

  constructor(socket: Duplex, encrypted: boolean) {
    this.#socket = socket;
    this.#encrypted = encrypted;
  }

  /** Sends the message with its length. It is left out if it is not `wanted` any more when its turn comes. */
  write(message: Uint8Array, wanted: () => boolean): void {
    // Without TLS, messages may share a segment: the reader of a stream finds the rest there.
    if (!this.#encrypted) {
      this.#socket.write(framed(message));
      return;
    }
    this.#waiting.push({ message, wanted });
    if (!this.#writing) this.#next();
  }

  /** Drops the messages that wait. */
  clear(): void {
    this.#waiting.length = 0;
  }

  #next(): void {
    let next = this.#waiting.shift();
    while (next !== undefined && !next.wanted()) next = this.#waiting.shift();
    this.#writing = next !== undefined;
    // A write that fails destroys the socket, and the session ends with it.
    if (next !== undefined) this.#socket.write(framed(next.message), () => this.#next());
  }
}
