/** Text for a reader that may be slow: the text waits for it, while the program does not. */
import { type Clock, systemClock } from '../session/clock.js';
import type { Write } from './unblocked-writes.js';

/** Milliseconds between two tries while nobody reads. */
const RETRY = 100;
/** At the end of the process: milliseconds for a reader that takes nothing, and for one that goes on reading. */
const LAST_WAIT = 100;
const LAST_TIME = 2000;

interface TextOutputOptions {
  /** Octets that may wait; further texts are lost. Default: no limit. */
  readonly limit?: number;
  /** Called when the system refuses to write; the texts that wait are lost then. Default: they go on waiting, and are tried again. */
  readonly failed?: (error: unknown) => void;
  readonly clock?: Clock;
}

interface Text {
  octets: Uint8Array;
  readonly written: (() => void) | undefined;
}

export class TextOutput {
  readonly #write: Write;
  readonly #options: TextOutputOptions;
  readonly #timer;
  readonly #waiting: Text[] = [];
  /** Of the texts that wait. */
  #octets = 0;
  #lost = 0;
  /** Lost since the last call of `recovered`. */
  #untold = 0;
  /** The system has refused the last write: only the timer tries again. */
  #refused = false;
  /** Called when everything is written again, with the number of texts that were lost meanwhile. */
  recovered: ((lost: number) => void) | undefined;

  /** Nothing is written before the first text comes. */
  constructor(write: Write, options: TextOutputOptions = {}) {
    this.#write = write;
    this.#options = options;
    this.#timer = (options.clock ?? systemClock).timer(() => this.#pump());
  }

  /** Texts that were lost, since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Whether some text waits for its reader. */
  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** Writes a text as soon as that is possible; never waits. `written` is called when the system has it; not if it is lost. */
  write(text: string | Uint8Array, written?: () => void): void {
    const octets = typeof text === 'string' ? Buffer.from(text) : text;
    if (octets.length === 0) {
      written?.();
      return;
    }
    if (this.waits && !this.#refused) this.#pump();
    const blocked = this.waits;
    // One that is longer than the limit is taken if nothing else waits.
    if (blocked && this.#octets + octets.length > (this.#options.limit ?? Number.POSITIVE_INFINITY)) {
      this.#lose(1);
      return;
    }
    this.#waiting.push({ octets, written });
    this.#octets += octets.length;
    if (!blocked) this.#pump();
  }

  /**
   * Waits for the reader, at most LAST_TIME milliseconds, and at most LAST_WAIT if it takes nothing. To be called when the process ends.
   */
  finish(): void {
    const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const end = performance.now() + LAST_TIME;
    for (let idle = 0; this.waits && idle < LAST_WAIT && performance.now() < end; idle += 10) {
      const before = this.#octets;
      this.#pump();
      if (this.#octets < before) idle = 0;
      else Atomics.wait(cell, 0, 0, 10);
    }
    this.#timer.clear();
  }

  #pump(): void {
    this.#refused = false;
    try {
      for (let text = this.#waiting[0]; text !== undefined; text = this.#waiting[0]) {
        const count = this.#write(text.octets);
        if (count === 0) break;
        this.#octets -= count;
        text.octets = text.octets.subarray(count);
        if (text.octets.length > 0) continue;
        this.#waiting.shift();
        text.written?.();
      }
    } catch (error) {
      this.#fail(error);
    }
    if (this.waits) this.#timer.set(RETRY);
    else this.#recover();
  }

  #fail(error: unknown): void {
    const { failed } = this.#options;
    if (failed === undefined) {
      this.#refused = true;
      return;
    }
    this.#lose(this.#waiting.splice(0).length);
    this.#octets = 0;
    failed(error);
  }

  #recover(): void {
    const lost = this.#untold;
    if (lost === 0) return;
    this.#untold = 0;
    this.recovered?.(lost);
  }

  #lose(count: number): void {
    this.#lost += count;
    this.#untold += count;
  }
}
