/** DNS messages on a stream: two octets of length, then the message (RFC 1035 §4.2.2, RFC 7766 §8). */

import { ENOUGH, foreignProtocol } from '../../wrong-port.js';

const LENGTH = 2;

/** A message after its length, to be sent by one write. */
export function framed(message: Uint8Array): Buffer {
  const octets = Buffer.alloc(LENGTH + message.length);
  octets.writeUInt16BE(message.length);
  octets.set(message, LENGTH);
  return octets;
}

/** Finds the messages in a stream, wherever it is split. */
export class Reassembly {
  #octets: Buffer = Buffer.alloc(0);
  #hasBegun = false;
  #isDns = false;

  /** A text about a stream that ends without any octet; empty when something has come. `isEncrypted`: the stream is inside TLS. */
  silence(isEncrypted: boolean): string {
    const doubt = isEncrypted
      ? 'is there DNS inside TLS on this port?'
      : 'is there TLS, or another protocol, on this port?';
    return this.#hasBegun ? '' : ` without an answer; ${doubt}`;
  }

  /** If the first octets of the stream are not DNS: a text that names the protocol and the remedy. `isEncrypted`: it is inside TLS. */
  foreign(isEncrypted: boolean): string | undefined {
    const found = this.#isDns ? undefined : foreignProtocol(this.#octets);
    this.#isDns ||= found === undefined && this.#octets.length >= ENOUGH;
    if (found === undefined) return undefined;
    return found === 'TLS' && !isEncrypted
      ? 'there is TLS on this port: ask it over the transport tls'
      : `there is ${found} on this port, not DNS: is the port right?`;
  }

  push(octets: Buffer): void {
    this.#hasBegun = true;
    this.#octets = this.#octets.length === 0 ? octets : Buffer.concat([this.#octets, octets]);
  }

  /** The next whole message, or undefined. */
  next(): Buffer | undefined {
    if (this.#octets.length < LENGTH) return undefined;
    const end = LENGTH + this.#octets.readUInt16BE();
    if (this.#octets.length < end) return undefined;
    const message = this.#octets.subarray(LENGTH, end);
    this.#octets = this.#octets.subarray(end);
    return message;
  }

  /** The number of octets that have come and are in no returned message yet. */
  get pending(): number {
    return this.#octets.length;
  }

  /** For messages about a broken stream. */
  describe(): string {
    if (this.pending === 0 || (!this.#isDns && foreignProtocol(this.#octets) !== undefined)) return '';
    if (this.pending < LENGTH) return ', within the length of a message';
    return `, ${this.pending - LENGTH} of ${this.#octets.readUInt16BE()} octets of a message having come`;
  }
}
