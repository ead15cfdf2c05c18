/**
 * The words that a thread which answers shares with the one that controls it: an Int32Array over shared memory, one a
 * thread. Each word has one writer.
 */

/** Changed by the thread at every turn of its loop, at least ten times a second. Who does not see it change for long acts. */
export const HEARTBEAT = 0;
/** Generation of the catalog that the thread answers from now: it holds no earlier one any more. */
export const GENERATION = 1;
/** The thread's number in /proc/self/task. */
export const THREAD = 2;
/** Changed by the controlling thread after it has posted a message: who blocks outside of the event loop goes to read it. */
export const MAIL = 3;
/** Written by tests: what the thread shall do wrong after it has received the next batch. A value of Mischief. */
export const MISCHIEF = 4;

/** Written by the thread with each beat: its TLS handshakes under way. OpenSSL may compute for all of them before the next one. */
export const HANDSHAKES = 5;

/** Words of a thread; a cache line's worth, so that two threads do not write to the same one. */
const THREAD_WORDS = 16;

/** What a thread can be made to do wrong, so that tests see that it is noticed. */
export const Mischief = {
  NONE: 0,
  /** Throw an error that nobody catches. */
  THROW: 1,
  /** Loop for ever. */
  SPIN: 2,
} as const;
export type Mischief = (typeof Mischief)[keyof typeof Mischief];

/** Words of a thread that has just been made. */
export function threadWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(THREAD_WORDS * Int32Array.BYTES_PER_ELEMENT));
}
