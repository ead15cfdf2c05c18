/** The heartbeat of a thread that lives in node's event loop. */
import { HANDSHAKES, HEARTBEAT, MISCHIEF, Mischief } from '../../transport/thread-words.js';

/** Milliseconds between two beats: who watches waits for several. */
const INTERVAL = 50;

/** Beats until stopped; keeps the thread alive. `handshakes`: those under way. */
export function beat(words: Int32Array, handshakes: () => number): { stop(): void } {
  const timer = setInterval(() => {
    words[HANDSHAKES] = handshakes();
    words[HEARTBEAT] = (words[HEARTBEAT]! + 1) | 0;
    misbehave(Atomics.load(words, MISCHIEF));
  }, INTERVAL);
  return { stop: () => clearInterval(timer) };
}

/** What tests ask for. */
function misbehave(mischief: number): void {
  if (mischief === Mischief.THROW) throw new Error('made to throw');
  while (mischief === Mischief.SPIN);
}
