/** Begins the work for each zone when its time comes, with one timer for all zones. */
import type { Clock, Timer } from '../../session/clock.js';
import { DueQueue } from '../../transfer/in/due-queue.js';
import { Slots } from '../secondaries/slots.js';

interface ScheduledWork {
  /** Seconds since 1970: when there is something to do for the zone; undefined: never. */
  next(zone: string): number | undefined;
  /** Does it. Never rejects. */
  work(zone: string): Promise<void>;
}

/** Zones that are worked on at once. A guess: most of the time is that of parents that do not answer. */
const AT_ONCE = 64;
/** Seconds until the clock is looked at again, since it may have been set: a server that ends before that never knows. A guess. */
const LONGEST = 60;

export class SigningSchedule {
  readonly #clock: Clock;
  readonly #parts: ScheduledWork;
  readonly #due = new DueQueue();
  readonly #timer: Timer;
  readonly #slots = new Slots(AT_ONCE);
  /** Zones that are worked on. */
  readonly #busy = new Map<string, Promise<void>>();
  #isClosed = false;

  constructor(clock: Clock, parts: ScheduledWork) {
    this.#clock = clock;
    this.#parts = parts;
    this.#timer = clock.timer(() => this.#tick());
  }

  /** To be called when next() may say something else. */
  touch(zone: string): void {
    if (this.#isClosed || this.#busy.has(zone)) return;
    this.#due.set(zone, this.#parts.next(zone) ?? Number.POSITIVE_INFINITY);
    this.#arm();
  }

  /** Fulfilled when the work that has begun is done. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  /** Begins nothing more. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.clear();
    return this.settled();
  }

  #arm(): void {
    const wait = this.#due.nextAt - this.#clock.seconds();
    if (wait === Number.POSITIVE_INFINITY) this.#timer.clear();
    else this.#timer.set(Math.min(LONGEST, Math.max(0, wait)) * 1000);
  }

  #tick(): void {
    const now = this.#clock.seconds();
    for (let zone = this.#due.take(now); zone !== undefined; zone = this.#due.take(now)) this.#begin(zone);
    this.#arm();
  }

  #begin(zone: string): void {
    const work = async (): Promise<void> => {
      await this.#slots.take();
      try {
        if (!this.#isClosed) await this.#parts.work(zone);
      } finally {
        this.#slots.free();
        this.#busy.delete(zone);
        this.touch(zone);
      }
    };
    this.#busy.set(zone, work());
  }
}
