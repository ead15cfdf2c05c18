/**
 * The words that a thread which answers shares with the one that controls it: an Int32Array over shared memory, one a
 * thread. Each word has one writer, but for UNWATCHED.
 */

/**
 * Changed by the thread at every turn of its loop, at least ten times a second unless it rests. A thread that neither changes it nor rests
 * is stuck.
 */
export const HEARTBEAT = 0;
/** Generation of the catalog that the thread answers from now: it holds no earlier one any more. */
export const GENERATION = 1;
/** The thread's number in /proc/self/task. */
export const THREAD = 2;
/** Messages that the controlling thread has posted: a thread that blocks outside of its event loop returns to read them. */
export const MESSAGES = 3;
/** Written by the thread with each beat: its TLS handshakes under way. OpenSSL may compute for all of them before the next one. */
export const HANDSHAKES = 4;
/** Whether the thread waits and has nothing to do: one of Resting. */
export const RESTING = 5;
/** Set to 1 by the controlling thread when it looks no more; the thread sets it back when it says that it is awake (rest.ts). */
export const UNWATCHED = 6;

/** Values of RESTING. */
export const Resting = {
  NO: 0,
  /** As long as it likes (rest.ts). */
  YES: 1,
  /**
   * The thread rests, but not for long: it beats ten times a second all the same, so the controlling thread goes on looking, but less
   * often.
   */
  BRIEFLY: 2,
} as const;

/** Words of a thread; a cache line's worth, so that two threads do not write to the same one. */
const THREAD_WORDS = 16;

/** Words of a thread that has just been made. */
export function threadWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(THREAD_WORDS * Int32Array.BYTES_PER_ELEMENT));
}
