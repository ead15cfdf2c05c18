/**
 * The lengths of the handshake messages that a client announces (RFC 8446 §4). OpenSSL takes a ClientHello of up to 131,396 octets, and
 * allocates memory for it as soon as its header has come. Measured: 171 KiB a connection in place of 45, for eleven octets that the
 * client has to send.
 */

/**
 * Octets of the longest message that is taken. OpenSSL has room for 16,384 with the header in any case. A ClientHello with keys of
 * post-quantum algorithms has some 2,000.
 */
export const LONGEST_MESSAGE = 16_380;

const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;
/** Content types of records (RFC 8446 §5.1). */
const CHANGE_CIPHER_SPEC = 20;
const HANDSHAKE = 22;

/** Reads the stream of one client, before it is sealed. */
export class MessageLengths {
  /** Octets that have come of the header of the record, and of that of the message. */
  #recordHeader = 0;
  #messageHeader = 0;
  #type = 0;
  /** Octets that are to come of the record, and of the message. */
  #record = 0;
  #message = 0;
  /** The octets that follow are sealed, or are no TLS: OpenSSL judges them. */
  #over = false;

  /**
   * Reads `length` octets; false: they announce a message that is too long. `plainBehindChange`: whether the octets behind a message
   * change_cipher_spec are in the clear, as a second ClientHello of TLS 1.3 is (RFC 8446 §D.4).
   */
  take(octets: Uint8Array, length: number, plainBehindChange: () => boolean): boolean {
    for (let at = 0; at < length && !this.#over; ) {
      if (this.#recordHeader < RECORD_HEADER) {
        this.#takeRecordHeader(octets[at++]!, plainBehindChange);
      } else if (this.#type !== HANDSHAKE) {
        at += this.#skip(length - at, this.#record);
      } else if (this.#messageHeader < MESSAGE_HEADER) {
        this.#takeMessageHeader(octets[at++]!);
        if (this.#message > LONGEST_MESSAGE) return false;
      } else {
        const skipped = this.#skip(length - at, Math.min(this.#record, this.#message));
        this.#message -= skipped;
        at += skipped;
        if (this.#message === 0) this.#messageHeader = 0;
      }
      if (this.#recordHeader === RECORD_HEADER && this.#record === 0) this.#recordHeader = 0;
    }
    return true;
  }

  #takeRecordHeader(octet: number, plainBehindChange: () => boolean): void {
    const place = this.#recordHeader++;
    if (place === 0) {
      this.#type = octet;
      this.#record = 0;
      if (octet === CHANGE_CIPHER_SPEC) this.#over = !plainBehindChange();
      else if (octet !== HANDSHAKE) this.#over = true;
    } else if (place >= 3) this.#record = (this.#record << 8) | octet;
  }

  /** The type of the message, then 24 bits of its length. */
  #takeMessageHeader(octet: number): void {
    this.#record--;
    this.#message = this.#messageHeader === 0 ? 0 : (this.#message << 8) | octet;
    this.#messageHeader++;
    if (this.#messageHeader === MESSAGE_HEADER && this.#message === 0) this.#messageHeader = 0;
  }

  /** Skips `wanted` octets of the record, as far as they are there; returns how many it has skipped. */
  #skip(there: number, wanted: number): number {
    const skipped = Math.min(there, wanted);
    this.#record -= skipped;
    return skipped;
  }
}
