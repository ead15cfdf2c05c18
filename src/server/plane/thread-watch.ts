/** Looks at the heartbeats of threads as long as one of them has something to do. */
import type { Clock, Timer } from '../../session/clock.js';
import { RESTING_INTERVAL, WATCH_INTERVAL } from './heartbeat.js';
import type { SupervisedThread } from './supervised-thread.js';

/** The part of a thread that it needs. */
type Watched = Pick<SupervisedThread, 'watch' | 'leave' | 'lookAgain'>;

/** Looks every WATCH_INTERVAL, or RESTING_INTERVAL. When all threads are still, it waits until one of them says that it is awake. */
export class ThreadWatch {
  readonly #timer: Timer;
  #threads: readonly Watched[] = [];
  #looking = false;

  constructor(clock: Clock) {
    this.#timer = clock.timer(() => this.#look());
  }

  /** Whether it looks at the threads now. */
  get looking(): boolean {
    return this.#looking;
  }

  /** Looks at these threads from now on. */
  begin(threads: readonly Watched[]): void {
    this.#threads = threads;
    this.awake();
  }

  /** One of the threads has something to do. */
  awake(): void {
    if (this.#looking || this.#threads.length === 0) return;
    this.#looking = true;
    for (const thread of this.#threads) thread.lookAgain();
    this.#timer.set(WATCH_INTERVAL);
  }

  /** Looks no more. */
  end(): void {
    this.#threads = [];
    this.#looking = false;
    this.#timer.clear();
  }

  #look(): void {
    // Each of them is looked at.
    const found = this.#threads.map((thread) => thread.watch());
    this.#looking = found.some((one) => one !== 'still') || !this.#leave();
    if (this.#looking) this.#timer.set(found.includes('moving') ? WATCH_INTERVAL : RESTING_INTERVAL);
  }

  /** Leaves all threads, unless one of them does not rest any more. */
  #leave(): boolean {
    if (this.#threads.every((thread) => thread.leave())) return true;
    for (const thread of this.#threads) thread.lookAgain();
    return false;
  }
}
