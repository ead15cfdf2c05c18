/**
 * Two lanes for work on zones: small jobs are done in place at once, large ones in a thread, one after the other. So a small zone never
 * waits for a large one, and the control thread is not kept busy for long.
 */
import { Worker } from 'node:worker_threads';
import { signInPlace } from '../../../dnssec/signing/signer.js';
import { AdotdError, type ErrorCode } from '../../../errors.js';
import type { Clock, Timer } from '../../../session/clock.js';
import { LANE_WORKER } from '../../thread-programs.js';
import { type JobResult, type JobResults, ownedBy, runJob, sizeOfJob, type ZoneJob } from './zone-jobs.js';

export interface LaneRequest {
  readonly number: number;
  readonly job: ZoneJob;
}

export interface LaneReply {
  readonly number: number;
  readonly result?: JobResult;
  readonly failure?: { readonly code: ErrorCode | undefined; readonly message: string };
}

/** Octets of images up to which a job is done in place. */
const IN_PLACE_OCTETS = 256 * 1024;
/** Milliseconds without a job after which the thread ends. A guess: a zone that changes often keeps it, and its compiled code. */
const IDLE = 60_000;

interface Waiting {
  resolve(result: JobResult): void;
  reject(error: Error): void;
}

/** Does jobs. */
export type Lane = Pick<LoaderLane, 'run'>;

export class LoaderLane {
  readonly #idle: Timer;
  /** Whether a thread may be used: not in a server within another program. */
  readonly #threaded: boolean;
  #worker: Worker | undefined;
  #number = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(clock: Clock, threaded: boolean) {
    this.#idle = clock.timer(() => this.close());
    this.#threaded = threaded;
  }

  /** Does a job. Throws AdotdError as runJob() does, and the error that ends the thread. */
  async run<J extends ZoneJob>(job: J): Promise<JobResults[J['kind']]> {
    if (!this.#threaded || sizeOfJob(job) <= IN_PLACE_OCTETS) return runJob(job, signInPlace) as JobResults[J['kind']];
    return (await this.#post(job)) as JobResults[J['kind']];
  }

  /** Ends the thread; jobs that wait are given up. */
  close(): void {
    this.#idle.clear();
    void this.#worker?.terminate();
    this.#worker = undefined;
  }

  #post(job: ZoneJob): Promise<JobResult> {
    this.#idle.clear();
    this.#worker ??= this.#start();
    const number = ++this.#number;
    const result = new Promise<JobResult>((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
    });
    this.#worker.ref();
    this.#worker.postMessage({ number, job } satisfies LaneRequest, ownedBy(job));
    return result;
  }

  #start(): Worker {
    const worker = new Worker(LANE_WORKER);
    worker.on('message', (reply: LaneReply) => this.#take(reply));
    worker.on('error', (error) => this.#ended(worker, error));
    worker.on('exit', () => this.#ended(worker, new Error('the loader thread ended before its work was done')));
    return worker;
  }

  #take({ number, result, failure }: LaneReply): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (result !== undefined) waiting?.resolve(result);
    else waiting?.reject(errorOf(failure));
    if (this.#waiting.size > 0) return;
    this.#worker?.unref();
    this.#idle.set(IDLE);
  }

  #ended(worker: Worker, error: unknown): void {
    if (this.#worker === worker) this.#worker = undefined;
    const given = error instanceof Error ? error : new Error(String(error));
    for (const { reject } of this.#waiting.values()) reject(given);
    this.#waiting.clear();
  }
}

function errorOf(failure: LaneReply['failure']): Error {
  const { code, message = 'the loader thread gave no result' } = failure ?? {};
  return code === undefined ? new Error(message) : new AdotdError(code, message);
}
