import type { WorkerSpawns } from '../../src/server/plane/thread-messages.js';
import type { Misdeed } from './misdeed.mjs';

export interface MisbehavingWorkers {
  readonly spawn: WorkerSpawns;
  /** `number`: from 0. The thread that is started again behaves well. */
  misbehave(kind: 'udp' | 'stream', number: number, misdeed: Misdeed): void;
}

export function misbehavingWorkers(): MisbehavingWorkers;
