/** Looks at the heartbeats of threads as long as one of them has something to do. */
import type { Clock, Timer } from '../../session/clock.js';
import { WATCH_INTERVAL } from './heartbeat.js';
import type { SupervisedThread } from './supervised-thread.js';

/** What it needs of a thread. */
type Watched = Pick<SupervisedThread, 'watch' | 'leave' | 'lookAgain'>;

/** Looks every WATCH_INTERVAL; when all threads are quiet, not until one of them says that it is awake. */
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
    let quiet = true;
    for (const thread of this.#threads) if (!thread.watch()) quiet = false;
    this.#looking = !quiet || !this.#leave();
    if (this.#looking) this.#timer.set(WATCH_INTERVAL);
  }

  /** Leaves all threads, unless one of them does not rest any more. */
  #leave(): boolean {
    if (this.#threads.every((thread) => thread.leave())) return true;
    for (const thread of this.#threads) thread.lookAgain();
    return false;
  }
}
