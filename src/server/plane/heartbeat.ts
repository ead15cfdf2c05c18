/** Judges by its words whether a thread moves, rests or hangs (transport/thread-words.ts). */
import type { Clock } from '../../session/clock.js';
import { HANDSHAKES, HEARTBEAT, RESTING, Resting, THREAD } from '../../transport/thread-words.js';

/** Milliseconds between two checks of the heartbeat while a thread does not rest. */
export const WATCH_INTERVAL = 50;
/**
 * The same while all threads were seen resting. A thread that hangs then is found as soon as another: the first check that meets it already
 * counts as the second. Measured at 1,000 queries a second: a check costs 0.1 ms of CPU.
 */
export const RESTING_INTERVAL = 150;
/**
 * Checks in a row without a heartbeat after which a thread that has used the CPU meanwhile is taken to loop. Threads beat every 50 to
 * 100 ms. Checks are counted, not time: while the whole process is stopped, no thread can beat.
 */
const CHECKS_SPINNING = 7;
/**
 * Milliseconds of CPU that it must have used. This is no share of the time: on a busy machine, a thread that loops gets a small share.
 * Measured with a share: beside ten programs on two CPUs, the loop was found only after the ten seconds below.
 */
const CPU_SPINNING = 200;
/**
 * The same, in addition, for each TLS handshake under way: in one turn of the event loop, Node passes all waiting ClientHellos to
 * OpenSSL, up to 1024 × 48. Measured: 0.4 to 0.7 ms each.
 */
const CPU_OF_HANDSHAKE = 1;
/** The same number for a thread that got no CPU, or that carries out a long order: 10 s. */
const CHECKS_STARVING = 200;

/** A thread that has not moved for `stood` milliseconds. */
interface Standstill {
  readonly stood: number;
  /** Whether it has used the CPU meanwhile. */
  readonly spinning: boolean;
}

/** The heartbeat of one thread. */
export class Heartbeat {
  readonly #words: Int32Array;
  readonly #clock: Clock;
  readonly #cpuOf: (thread: number) => number;
  #beat = 0;
  #checks = 0;
  #rested = false;
  #cpuAt = 0;
  #checkedAt = 0;

  /** `words`: of the thread; `cpuOf`: CPU time of a thread in milliseconds, NaN when it is unknown. */
  constructor(words: Int32Array, clock: Clock, cpuOf: (thread: number) => number) {
    this.#words = words;
    this.#clock = clock;
    this.#cpuOf = cpuOf;
  }

  /**
   * Checks it; to be called every WATCH_INTERVAL, or every RESTING_INTERVAL while all are seen resting. `still`: it rests, and has not moved since
   * the check before. One that rests briefly, and has not moved, may hang.
   * `working`: whether it carries out an order that may take long.
   */
  check(working: boolean): 'still' | 'resting' | 'moving' | Standstill {
    const beat = Atomics.load(this.#words, HEARTBEAT);
    const moved = beat !== this.#beat || this.#checks === 0;
    const rested = this.#rested;
    const resting = Atomics.load(this.#words, RESTING);
    this.#rested = resting === Resting.YES || (resting === Resting.BRIEFLY && moved);
    if (!moved && !this.#rested) return this.#stands(working) ?? 'moving';
    this.#beat = beat;
    this.#checks = 1;
    if (this.#rested) return moved ? 'resting' : 'still';
    // It may have been hanging for some time.
    if (rested) this.#stands(working);
    return 'moving';
  }

  /** Judges a thread that has not moved since the last check, and does not rest; undefined: that is no standstill yet. */
  #stands(working: boolean): Standstill | undefined {
    const thread = Atomics.load(this.#words, THREAD);
    if (this.#checks++ === 1) {
      this.#cpuAt = this.#cpuOf(thread);
      this.#checkedAt = this.#clock.milliseconds();
      return undefined;
    }
    if (this.#checks < CHECKS_SPINNING) return undefined;
    const elapsed = this.#clock.milliseconds() - this.#checkedAt;
    const allowed = CPU_SPINNING + CPU_OF_HANDSHAKE * Atomics.load(this.#words, HANDSHAKES);
    const spinning = !working && this.#cpuOf(thread) - this.#cpuAt >= allowed;
    if (!spinning && this.#checks < CHECKS_STARVING) return undefined;
    return { stood: Math.round(elapsed) + WATCH_INTERVAL, spinning };
  }
}
