/** DNS messages on a stream: two octets of length, then the message (RFC 1035 §4.2.2, RFC 7766 §8). */

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

  push(octets: Buffer): void {
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

  /** How many octets have come that are in no message returned so far. */
  get pending(): number {
    return this.#octets.length;
  }

  /** For messages about a broken stream. */
  describe(): string {
    if (this.pending === 0) return '';
    if (this.pending < LENGTH) return ', within the length of a message';
    return `, ${this.pending - LENGTH} of ${this.#octets.readUInt16BE()} octets of a message having come`;
  }
}
