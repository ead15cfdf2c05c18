/** Lines of an input that comes in pieces: bounded in memory, whatever comes. */

/** Octets of a line: zones that need more are given as files. A guess. */
export const MAX_LINE = 8 * 1024 * 1024;

const NEWLINE = 0x0a;

/** A line without its end; `octets` is undefined where it was longer than allowed. */
export interface InputLine {
  /** From 1. */
  readonly number: number;
  readonly octets: Uint8Array | undefined;
}

export class InputLines {
  readonly #max: number;
  readonly #chunks: Uint8Array[] = [];
  /** Where in the first chunk the next octet is. */
  #at = 0;
  #parts: Uint8Array[] = [];
  #length = 0;
  /** The rest of a line that is too long is let go. */
  #skipping = false;
  #number = 1;
  #waiting = 0;

  /** `max`: octets of a line. */
  constructor(max = MAX_LINE) {
    this.#max = max;
  }

  /** Octets that came and belong to no line that was taken. */
  get waiting(): number {
    return this.#waiting + this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
  }

  /** The next line that has ended, or that is too long already; undefined: there is none yet. */
  take(): InputLine | undefined {
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return undefined;
      const end = chunk.indexOf(NEWLINE, this.#at);
      const ends = end >= 0;
      const part = chunk.subarray(this.#at, ends ? end : chunk.length);
      this.#advance(chunk, part.length + (ends ? 1 : 0));
      if (!this.#skipping) {
        this.#parts.push(part);
        this.#length += part.length;
      }
      if (this.#length > this.#max) {
        this.#forget();
        this.#skipping = !ends;
        const number = ends ? this.#number++ : this.#number;
        return { number, octets: undefined };
      }
      if (!ends) continue;
      const number = this.#number++;
      if (this.#skipping) {
        this.#skipping = false;
        continue;
      }
      const octets = this.#parts.length === 1 ? part : Buffer.concat(this.#parts);
      this.#forget();
      return { number, octets };
    }
  }

  #advance(chunk: Uint8Array, octets: number): void {
    this.#waiting -= octets;
    this.#at += octets;
    if (this.#at < chunk.length) return;
    this.#chunks.shift();
    this.#at = 0;
  }

  #forget(): void {
    this.#parts = [];
    this.#length = 0;
  }
}
