/**
 * Messages on a stream: two octets of length, then the message (RFC 1035 §4.2.2). The stream may be split anywhere
 * (RFC 7766 §8). A message that lies whole in one chunk is read there: the chunk is borrowed. A message that continues in the next
 * chunk is copied, into a buffer that grows with the octets that have come, not with the promise of the length field.
 */
import { judgeOpening, type Opening } from './client-hello.js';

/** Octets of the length field. */
export const LENGTH_FIELD = 2;
/** Longest message: its length has 16 bits. */
export const MAX_MESSAGE = 65_535;

/** Octets of an incomplete message's first buffer; ordinary queries fit. */
const FIRST_ROOM = 128;
const NOTHING = new Uint8Array(0);

export class Framer {
  /** The message that `next` found: `length` octets at `at`. Valid until the next call of `next`, `push` or `hold`. */
  bytes: Uint8Array = NOTHING;
  at = 0;
  length = 0;

  #chunk: Uint8Array = NOTHING;
  #from = 0;
  #end = 0;
  /** The octets of an incomplete message. */
  #partial: Uint8Array = NOTHING;
  #held = 0;

  /** Whether a message has begun that is not complete; true only after `next` has returned false. */
  get incomplete(): boolean {
    return this.#held > 0;
  }

  /** Octets kept between calls; never more than a chunk, a message and its length field. */
  get heldOctets(): number {
    return this.#held + this.#end - this.#from;
  }

  /**
   * Takes the next octets, those of `chunk` from `from` to before `to`. They must not change until `next` has returned false, or hold().
   */
  push(chunk: Uint8Array, from: number, to: number): void {
    if (this.#from === this.#end) this.#use(chunk, from, to);
    else {
      const rest = this.#chunk.subarray(this.#from, this.#end);
      this.#use(Buffer.concat([rest, chunk.subarray(from, to)]), 0, rest.length + to - from);
    }
  }

  /** Copies the rest of the chunk, which may change from now on. */
  hold(): void {
    const rest = this.rest();
    this.#use(rest, 0, rest.length);
    this.bytes = NOTHING;
  }

  /** Moves to the next whole message; false when more octets are needed. */
  next(): boolean {
    if (this.#held > 0) return this.#continue();
    const chunk = this.#chunk;
    const from = this.#from;
    if (this.#end - from >= LENGTH_FIELD) {
      const length = (chunk[from]! << 8) | chunk[from + 1]!;
      const end = from + LENGTH_FIELD + length;
      if (end <= this.#end) {
        this.bytes = chunk;
        this.at = from + LENGTH_FIELD;
        this.length = length;
        this.#from = end;
        return true;
      }
    }
    this.#keep(this.#end - from);
    return false;
  }

  /** Judges the octets behind the message that `next` found: they may begin a TLS handshake. */
  opening(): Opening {
    return judgeOpening(this.#chunk, this.#from, this.#end - this.#from);
  }

  /** A copy of these octets. */
  rest(): Uint8Array {
    return new Uint8Array(this.#chunk.subarray(this.#from, this.#end));
  }

  /** Forgets all octets. */
  clear(): void {
    this.bytes = NOTHING;
    this.#use(NOTHING, 0, 0);
    this.#partial = NOTHING;
    this.#held = 0;
  }

  #use(chunk: Uint8Array, from: number, to: number): void {
    this.#chunk = chunk;
    this.#from = from;
    this.#end = to;
  }

  #continue(): boolean {
    if (this.#held < LENGTH_FIELD) this.#keep(Math.min(LENGTH_FIELD - this.#held, this.#end - this.#from));
    if (this.#held < LENGTH_FIELD) return false;
    const partial = this.#partial;
    const length = (partial[0]! << 8) | partial[1]!;
    this.#keep(Math.min(LENGTH_FIELD + length - this.#held, this.#end - this.#from));
    if (this.#held < LENGTH_FIELD + length) return false;
    this.bytes = this.#partial;
    this.at = LENGTH_FIELD;
    this.length = length;
    this.#partial = NOTHING;
    this.#held = 0;
    return true;
  }

  /** Copies `count` octets of the chunk behind those of the incomplete message. */
  #keep(count: number): void {
    const held = this.#held + count;
    if (held > this.#partial.length) {
      const wider = new Uint8Array(Math.max(FIRST_ROOM, Math.min(held * 2, LENGTH_FIELD + MAX_MESSAGE)));
      wider.set(this.#partial.subarray(0, this.#held));
      this.#partial = wider;
    }
    if (count > 0) this.#partial.set(this.#chunk.subarray(this.#from, this.#from + count), this.#held);
    this.#held = held;
    this.#from += count;
    if (this.#from < this.#end) return;
    this.#use(NOTHING, 0, 0);
    // A borrowed chunk is not kept alive.
    this.bytes = NOTHING;
  }
}
