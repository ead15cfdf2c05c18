/** The thread of a loader lane: does one job after the other, and stays for the next one. */
import { parentPort } from 'node:worker_threads';
import { AdotdError, messageOf } from '../../../errors.js';
import { nameThread } from '../../../transport/thread-name.js';
import { lowerPriority } from '../../process/thread-priority.js';
import { signWithThreads } from '../../signing/signing-threads.js';
import type { LaneReply, LaneRequest } from './loader-lane.js';
import { runJob } from './zone-jobs.js';

const chooseSigner = signWithThreads();

nameThread('adotd-loader');
lowerPriority();

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
