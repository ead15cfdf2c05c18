/** The clients of the last ten to twenty minutes: those of the period that runs, and of the one before. */
import { clearInterval, setInterval } from 'node:timers';
import type { Counters } from './counters.js';

/** Milliseconds. */
const PERIOD = 600_000;

export class ClientWindow {
  readonly #threads: readonly Counters[];
  readonly #timer: NodeJS.Timeout;
  /** The sketches of the period before. */
  #before: readonly Uint8Array[] = [];

  /** `threads`: where clients are counted. At the end of a period, a thread that counts may lose some clients to the next one. */
  constructor(threads: readonly Counters[]) {
    this.#threads = threads;
    this.#timer = setInterval(() => this.turn(), PERIOD);
    this.#timer.unref();
  }

  /** Begins a period. */
  turn(): void {
    this.#before = this.#threads.map((counters) => counters.takeClients());
  }

  /** Adds the clients of the period before to a sum, which it returns. */
  completed(sum: Counters): Counters {
    for (const sketches of this.#before) sum.addClients(sketches);
    return sum;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
