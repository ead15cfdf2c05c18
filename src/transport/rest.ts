/**
 * Rest of a thread that answers. While it waits and has nothing to do, it rests: nobody expects it to beat. When all threads rest, the
 * one that controls them looks no more, and is told when one of them is awake again. So nobody wakes in an idle server, and a thread that
 * hangs is found as soon as in a busy one.
 *
 * Falling asleep and awaking may coincide. Each side first writes its own word and then reads the other's, by Atomics, which all
 * threads see in one order. So at least one of them sees the word of the other.
 *
 * Hot file: a thread under load waits after every batch.
 */
import { performance } from 'node:perf_hooks';
import type { Libc } from './libc.js';
import { RESTING, Resting, UNWATCHED } from './thread-words.js';

/** For the thread that rests. */
export interface Rest {
  /** It waits from now on. */
  begin(): void;
  /** It may have something to do; tells so, if nobody looks. */
  end(): void;
}

/** `awake`: tells the thread that controls this one. */
export function createRest(words: Int32Array, awake: () => void): Rest {
  return {
    begin() {
      Atomics.store(words, RESTING, Resting.YES);
    },
    end() {
      Atomics.store(words, RESTING, Resting.NO);
      if (Atomics.load(words, UNWATCHED) === 0) return;
      Atomics.store(words, UNWATCHED, 0);
      awake();
    },
  };
}

/** For the thread that controls: looks no more at the one with these words. Returns false when it does not rest, and is looked at. */
export function leaveResting(words: Int32Array): boolean {
  Atomics.store(words, UNWATCHED, 1);
  if (Atomics.load(words, RESTING) === Resting.YES) return true;
  lookAgain(words);
  return false;
}

/** The thread need not tell any more when it is awake: it is looked at again. */
export function lookAgain(words: Int32Array): void {
  Atomics.store(words, UNWATCHED, 0);
}

/** Milliseconds after which a waiting thread gives its event loop a turn: timers do not wake it. */
export const PATIENCE = 50;
/**
 * The same for a thread that nothing has come to for PATIENCE: it waits until its next timer, but no longer than this. All else that it
 * might have to do wakes it; the limit is for cases that we have not thought of.
 */
const LONGEST_PATIENCE = 60_000;

/**
 * Waits as long as there is nothing to do, `milliseconds` at least: PATIENCE, or less where something is due before. Returns how many
 * descriptors are ready, 0 or less: none. With 0 or less, and when the event loop's descriptor is ready, the event loop has to have its
 * turn.
 */
export type Sleep = (milliseconds: number) => number;

/** Waiting by `poll`, which waits for the event loop's descriptor (Libc.eventLoop) among others. */
export function createSleep(system: Libc, rest: Rest, poll: (milliseconds: number) => number): Sleep {
  let quiet = false;
  let handled = -1;
  const longer = (): number => {
    const before = handled;
    handled = performance.nodeTiming.uvMetricsInfo.events;
    // If the event loop has begun to watch something while it handled an event, its descriptor shows that only after its next turn.
    return handled === before ? Math.max(PATIENCE, Math.min(system.nextTimer(), LONGEST_PATIENCE)) : PATIENCE;
  };
  return (milliseconds) => {
    // Under load it never comes to look for timers.
    const patience = quiet && milliseconds >= PATIENCE ? longer() : milliseconds;
    rest.begin();
    const found = poll(patience);
    rest.end();
    quiet = found === 0;
    return found;
  };
}
