/**
 * Memory that transfers leave behind. Their records are in large arrays, of which the engine frees none while its thread has nothing to do:
 * measured, 230 MB of a transfer that was given up stayed for good, and went with one collection. It runs in the transfer thread only.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock, Timer } from '../../session/clock.js';

/** Octets that were transferred since the last collection. A guess: it takes some milliseconds, and their records three times as much. */
const ENOUGH = 16 << 20;
/** Milliseconds from the end of a transfer: by then nothing refers to its records any more. */
const PAUSE = 1000;

export class TransferLitter {
  readonly #timer: Timer;
  #octets = 0;

  /** `collect`: frees memory that nothing refers to. */
  constructor(clock: Clock, collect: () => void) {
    this.#timer = clock.timer(collect);
  }

  /** A transfer is over, with success or without. */
  left(octets: number): void {
    this.#octets += octets;
    if (this.#octets < ENOUGH) return;
    this.#octets = 0;
    this.#timer.set(PAUSE);
  }

  close(): void {
    this.#timer.clear();
  }
}

/** Collects the garbage of this thread. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}
