/**
 * When NOTIFY messages are sent (RFC 1996 §3.6): to each target no faster than it can take them, again with growing patience while no
 * response comes, at last over TCP. Time is an argument: milliseconds of some clock.
 */
import { DueQueue } from '../in/due-queue.js';

/**
 * Milliseconds to wait for the response to each attempt over UDP, then to that over TCP. RFC 1996 §3.6 recommends 60 s and five more;
 * a guess that a secondary answers sooner or not at all: 60 s later it has looked by itself where REFRESH is short.
 */
const PATIENCE = [2000, 4000, 8000, 16_000, 30_000] as const;
const TCP_ATTEMPT = PATIENCE.length - 1;
/** Messages that may wait for the responses of one target. A guess. */
const MOST_OUTSTANDING = 16;
/** Milliseconds from one message to the next one to the same target: 50 a second, so that 10,000 zones take 200 s. BIND sends 20. */
const PACE = 20;
/** Milliseconds from one message about a zone to the next one to the same target: of many changes, the last ones are told together. A guess. */
const REST = 1000;

/** A message that is to be sent now. */
export interface DueNotify {
  readonly zone: string;
  readonly target: string;
  /** Serial that it tells. */
  readonly serial: number;
  /** From 0 on. */
  readonly attempt: number;
  readonly overTcp: boolean;
}

/** A NOTIFY that failed: no further attempt is made. */
export interface NotifyFailure {
  readonly zone: string;
  readonly target: string;
  readonly serial: number;
}

interface Job {
  readonly zone: string;
  readonly target: string;
  serial: number;
  attempt: number;
  /** Whether a message is out, and no response has come. */
  isOut: boolean;
  /** When the last message was sent. */
  sentAt: number;
}

interface Target {
  outstanding: number;
  /** When the next message may be sent. */
  freeAt: number;
  /** Keys of the jobs that wait for their turn, oldest first. */
  readonly queue: Set<string>;
}

export class NotifySchedule {
  readonly #jobs = new Map<string, Job>();
  readonly #targets = new Map<string, Target>();
  /** Jobs by the time at which their response is late, or at which they may begin; targets by the time at which they are free. */
  readonly #late = new DueQueue();
  readonly #free = new DueQueue();

  /** The number of pairs of a zone and a target for which a response is missing. */
  get pending(): number {
    return this.#jobs.size;
  }

  /** When take() has something to do next; Infinity: never. */
  get nextAt(): number {
    return Math.min(this.#late.nextAt, this.#free.nextAt);
  }

  /** The zone has another serial, which the targets are to be told. Earlier serials need not be told any more. */
  add(zone: string, serial: number, targets: Iterable<string>, now: number): void {
    for (const target of targets) {
      const key = keyOf(zone, target);
      const before = this.#jobs.get(key);
      const job = before ?? { zone, target, serial, attempt: 0, isOut: false, sentAt: Number.NEGATIVE_INFINITY };
      if (before === undefined) this.#jobs.set(key, job);
      job.serial = serial;
      job.attempt = 0;
      if (job.isOut) this.#takeBack(job);
      const at = job.sentAt + REST;
      if (at > now) this.#late.set(key, at);
      else this.#wait(key, job, now);
    }
  }

  /** The messages that are to be sent now, and the failures: their targets are given up now. */
  take(now: number): { readonly due: readonly DueNotify[]; readonly failed: readonly NotifyFailure[] } {
    const failed: NotifyFailure[] = [];
    for (let key = this.#late.take(now); key !== undefined; key = this.#late.take(now)) {
      const job = this.#jobs.get(key);
      if (job === undefined) continue;
      if (job.isOut) this.#takeBack(job);
      if (job.attempt < PATIENCE.length) this.#wait(key, job, now);
      else {
        this.#jobs.delete(key);
        failed.push({ zone: job.zone, target: job.target, serial: job.serial });
      }
    }
    const due: DueNotify[] = [];
    for (let name = this.#free.take(now); name !== undefined; name = this.#free.take(now)) {
      const job = this.#next(name, now);
      if (job !== undefined) due.push(job);
    }
    return { due, failed };
  }

  /** The target has responded to the message about this serial, whatever it said. Returns whether the response was waited for. */
  answered(zone: string, target: string, serial: number, now: number): boolean {
    const key = keyOf(zone, target);
    const job = this.#jobs.get(key);
    if (job === undefined || !job.isOut || job.serial !== serial) return false;
    this.#takeBack(job);
    this.#jobs.delete(key);
    this.#late.delete(key);
    this.#look(target, now);
    return true;
  }

  /** The message could not be sent: there is no response to wait for. */
  unsent({ zone, target, serial }: NotifyFailure, now: number): void {
    const key = keyOf(zone, target);
    const job = this.#jobs.get(key);
    if (!job?.isOut || job.serial !== serial) return;
    // The missing thing, such as an address of a name, may be there soon.
    const wait = job.attempt < PATIENCE.length ? REST * 2 ** (job.attempt - 1) : REST;
    this.#late.set(key, now + wait);
  }

  /** From now on, only these targets are to be told about the zone; there may be none. */
  keep(zone: string, targets: ReadonlySet<string>): void {
    for (const [name, { queue }] of this.#targets) {
      const key = keyOf(zone, name);
      const job = targets.has(name) ? undefined : this.#jobs.get(key);
      if (job === undefined) continue;
      if (job.isOut) this.#takeBack(job);
      this.#jobs.delete(key);
      this.#late.delete(key);
      queue.delete(key);
    }
  }

  /** The job waits for its turn at the target. */
  #wait(key: string, job: Job, now: number): void {
    this.#late.delete(key);
    const target = this.#targets.get(job.target) ?? { outstanding: 0, freeAt: now, queue: new Set<string>() };
    this.#targets.set(job.target, target);
    target.queue.add(key);
    this.#look(job.target, now);
  }

  /** Ends the wait for the response to the job's message. */
  #takeBack(job: Job): void {
    job.isOut = false;
    this.#targets.get(job.target)!.outstanding--;
    this.#look(job.target, job.sentAt);
  }

  /** Notes when the target can take the next message, if one waits. */
  #look(name: string, now: number): void {
    const target = this.#targets.get(name);
    if (target === undefined || target.queue.size === 0 || target.outstanding >= MOST_OUTSTANDING) return;
    this.#free.set(name, Math.max(now, target.freeAt));
  }

  #next(name: string, now: number): DueNotify | undefined {
    const target = this.#targets.get(name);
    if (target === undefined || target.outstanding >= MOST_OUTSTANDING) return undefined;
    const [key] = target.queue;
    const job = key === undefined ? undefined : this.#jobs.get(key);
    if (key === undefined || job === undefined) return undefined;
    target.queue.delete(key);
    target.outstanding++;
    target.freeAt = now + PACE;
    this.#look(name, now);
    const { zone, serial, attempt } = job;
    job.isOut = true;
    job.sentAt = now;
    job.attempt++;
    this.#late.set(key, now + PATIENCE[attempt]!);
    return { zone, target: name, serial, attempt, overTcp: attempt === TCP_ATTEMPT };
  }
}

/** No name of a target has a line break. */
function keyOf(zone: string, target: string): string {
  return `${target}\n${zone}`;
}
