// A worker of the data plane that throws or loops on demand: a UDP worker when it has received its next batch, a stream worker between
// two turns of its event loop.
import { workerData } from 'node:worker_threads';
import { systemClock } from '../../build/session/clock.js';
import { Misdeed } from './misdeed.mjs';

const { kind, program, misdeed } = workerData;

function misbehave() {
  const wanted = Atomics.load(misdeed, 0);
  if (wanted === Misdeed.THROW) throw new Error('made to throw');
  while (wanted === Misdeed.SPIN);
}

if (kind === 'stream') {
  setInterval(misbehave, 50).unref();
} else {
  // The time is read once for each batch, behind the call that receives it.
  const { seconds } = systemClock;
  systemClock.seconds = () => {
    misbehave();
    return seconds();
  };
}
await import(program);
