/**
 * Sends the octets of a connection. Those that the system does not take at once wait here.
 *
 * Hot file: no allocation per message unless it has to wait, no exceptions for control flow.
 */
import { constants } from 'node:os';
import { LARGEST_READ, type LoopParts } from './loop-parts.js';

const { EAGAIN, EINTR } = constants.errno;
const MSG_NOSIGNAL = 0x4000;

export class Sender {
  /** Octets that the system has not taken. */
  unsent = 0;
  /** Octets that it has taken; the caller that counts them sets it back. */
  sent = 0;
  readonly #fd: number;
  readonly #parts: LoopParts;
  /** The octets that wait, the first at `#from` of the first part. */
  #waiting: Uint8Array[] | undefined;
  #from = 0;

  constructor(fd: number, parts: LoopParts) {
    this.#fd = fd;
    this.#parts = parts;
  }

  /** Sends octets, which stand at an address, from `from` to before `to`. false: the connection is broken. */
  send(octets: Uint8Array, address: number, from: number, to: number): boolean {
    let sent = 0;
    if (this.unsent === 0) {
      sent = this.#sendNow(from === 0 ? address : address + from, to - from);
      if (sent < 0) return false;
    }
    if (from + sent < to) {
      this.#waiting ??= [];
      this.#waiting.push(new Uint8Array(octets.subarray(from + sent, to)));
      this.unsent += to - from - sent;
    }
    return true;
  }

  /** Sends the octets that wait, as far as there is room. false: the connection is broken. */
  sendWaiting(): boolean {
    const { output, outputAddress } = this.#parts.memory;
    const waiting = this.#waiting ?? [];
    while (this.unsent > 0) {
      const part = waiting[0]!;
      const length = Math.min(part.length - this.#from, LARGEST_READ);
      output.set(part.subarray(this.#from, this.#from + length));
      const sent = this.#sendNow(outputAddress, length);
      if (sent < 0) return false;
      this.unsent -= sent;
      this.#from += sent;
      if (this.#from === part.length) {
        waiting.shift();
        this.#from = 0;
      }
      if (sent < length) return true;
    }
    this.#waiting = undefined;
    return true;
  }

  /** Forgets the octets that wait. */
  clear(): void {
    this.unsent = 0;
    this.#from = 0;
    this.#waiting = undefined;
  }

  /** Returns how many octets the system has taken; -1: it takes none any more. */
  #sendNow(address: number, length: number): number {
    const { system } = this.#parts;
    const sent = system.send(this.#fd, address, length, MSG_NOSIGNAL);
    if (sent < 0) return mayTryAgain(system.errorNumber()) ? 0 : -1;
    this.sent += sent;
    return sent;
  }
}

/** Whether a call that failed with this error may succeed later. */
export function mayTryAgain(error: number): boolean {
  return error === EAGAIN || error === EINTR;
}
