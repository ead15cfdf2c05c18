/**
 * Rest of a thread that answers. While it waits and has nothing to do, it rests: nobody expects it to beat. When all threads rest, the
 * one that controls them looks no more, and is told when one of them is awake again. So nobody wakes in an idle server, and a thread that
 * hangs is found as soon as in a busy one.
 *
 * Falling asleep and awaking may coincide. Each side writes its own word first and reads the other's then, by Atomics, which all
 * threads see in one order. So at least one of them sees what the other has written.
 */
import { RESTING, UNWATCHED } from './thread-words.js';

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
      Atomics.store(words, RESTING, 1);
    },
    end() {
      Atomics.store(words, RESTING, 0);
      if (Atomics.load(words, UNWATCHED) === 0) return;
      Atomics.store(words, UNWATCHED, 0);
      awake();
    },
  };
}

/** For the thread that controls: looks no more at the one with these words. Returns false when it does not rest, and is looked at. */
export function leaveResting(words: Int32Array): boolean {
  Atomics.store(words, UNWATCHED, 1);
  if (Atomics.load(words, RESTING) === 1) return true;
  lookAgain(words);
  return false;
}

/** The thread need not tell any more when it is awake: it is looked at again. */
export function lookAgain(words: Int32Array): void {
  Atomics.store(words, UNWATCHED, 0);
}
