/** The thread of a loader lane: does one job after the other, and stays for the next one. */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { AdotdError, messageOf } from '../../../errors.js';
import { libc } from '../../../transport/libc.js';
import { nameThread } from '../../../transport/thread-name.js';
import { signWithThreads } from '../../signing/signing-threads.js';
import type { LaneReply, LaneRequest } from './loader-lane.js';
import { runJob } from './zone-jobs.js';

/** Niceness: threads that answer come first. */
const LOWER = 10;

const chooseSigner = signWithThreads();

nameThread('adotd-loader');
const system = libc();
// Linux takes the number of a thread here.
if (typeof system !== 'string') setPriority(system.gettid(), LOWER);

parentPort?.on('message', ({ number, job }: LaneRequest) => {
  parentPort?.postMessage(replyTo(number, job));
});

function replyTo(number: number, job: LaneRequest['job']): LaneReply {
  try {
    return { number, result: runJob(job, chooseSigner) };
  } catch (error) {
    const code = error instanceof AdotdError ? error.code : undefined;
    return { number, failure: { code, message: messageOf(error) } };
  }
}
