/**
 * Octets between the network and OpenSSL: a BIO in memory, which the connections of a thread use in turns.
 *
 * Hot file: its address is one number object, see engine.ts.
 */
import type { OpenSsl } from './functions.js';
import { BioCtrl } from './numbers.js';

export class MemoryBio {
  readonly #c: OpenSsl;
  #address: number | null = null;

  /** Throws when there is no memory. */
  constructor(functions: OpenSsl) {
    this.#c = functions;
    const address = functions.BIO_new(functions.BIO_s_mem());
    if (address === 0) throw new Error('OpenSSL has no memory');
    this.#address = address;
    // An empty one asks to wait; by default it would be the end of the connection.
    functions.BIO_ctrl(address, BioCtrl.SET_BUF_MEM_EOF_RETURN, -1, 0);
  }

  /** Its pointer. */
  get address(): number {
    return this.#address!;
  }

  /** Octets in it. */
  get pending(): number {
    return this.#c.BIO_ctrl(this.#address!, BioCtrl.PENDING, 0, 0);
  }

  /** Puts octets in; returns whether there was memory for them. */
  write(address: number, length: number): boolean {
    return this.#c.BIO_write(this.#address!, address, length) === length;
  }

  /** Takes at most `room` octets out to an address; returns their number. */
  read(address: number, room: number): number {
    return Math.max(0, this.#c.BIO_read(this.#address!, address, room));
  }

  /** Throws octets away; returns how many. */
  discard(): number {
    const found = this.pending;
    if (found > 0) this.#c.BIO_ctrl(this.#address!, BioCtrl.RESET, 0, 0);
    return found;
  }

  /** Gives our reference back; each connection has its own. */
  free(): void {
    this.#c.BIO_free(this.#address!);
    this.#address = null;
  }
}
