/**
 * The rounds of a UDP worker: in each of them it answers the queries that have come to its sockets, and waits when there are no more.
 *
 * It waits in poll(2), for its sockets and for the descriptor of its event loop together. When the event loop has something to do, it
 * gets a turn. So a query wakes the thread with one call, and orders to the thread, the one to end included, arrive at once. Koffi's
 * watcher, which waits in the event loop, is worse: Worker.terminate during its call ends the whole process.
 *
 * While queries come often to its only socket, it waits by receiving from it, which saves a call for each batch. It looks for orders
 * after each batch, and receiving gives up soon when nothing comes; then it waits in poll. While the batches are small, it takes the
 * datagrams one by one, which is the shortest way through the system. Measured, microseconds of CPU a query with poll, with receiving, and
 * of NSD, all three asked at once: 47, 38 and 40 at 1,000 queries a second; 30, 24 and 25 at 4,000.
 *
 * Hot file: no allocation per query, no exceptions for control flow.
 */
import { BATCH, MSG_DONTWAIT, MSG_WAITFORONE } from '../mmsg.js';
import { PATIENCE, type Sleep } from '../rest.js';
import { MESSAGES } from '../thread-words.js';
import type { Wait } from '../wait.js';

/** Answers the queries of a socket, batch by batch. */
export interface Answerer {
  /**
   * Receives up to `most` datagrams, 1 or BATCH, and answers them; returns the number of messages, 0: nothing came. `flags`:
   * MSG_DONTWAIT or MSG_WAITFORONE.
   */
  answer(flags: number, most: number): number;
}

/** Full batches after which the event loop always gets a turn: 30 ms. With few queries it gets one a second. */
const FULL_BATCHES = 128;

/**
 * Milliseconds that receiving waits, where waiting is done by receiving. An order comes so late at the most, if queries stop coming at
 * that moment.
 */
export const RECEIVING_TIME = 20;
/** Queries a second from which on waiting is done by receiving. At random distances, one of 20,000 keeps it waiting too long. */
const OFTEN = 500;
/**
 * Queries a second from which on batches are taken. Measured: at 5,000 a batch has one query, at 20,000 three; there, a call for each costs
 * 25 % more.
 */
const CROWDED = 10_000;
/** Of this many rounds that take one datagram, one takes a batch all the same. If that finds a backlog, batches are taken at once. */
const PROBE = 16;
const BACKLOG = 8;

/** The parts of the rounds. */
interface Rounds {
  readonly answerers: readonly Answerer[];
  /** `now`: the second of the batch answered last. */
  readonly facts: { readonly now: number };
  /** Of thread-words.ts. */
  readonly words: Int32Array;
  /** Waits by `wait`. */
  readonly sleep: Sleep;
  /** For the event loop, then for the sockets of `answerers` in their order. */
  readonly wait: Wait;
  /** Whether there is one socket, from which receiving waits no longer than RECEIVING_TIME. */
  readonly canBlock: boolean;
}

/** Returns a function that answers queries until the event loop has work or is due a turn. */
export function createRounds({ answerers, facts, words, sleep, wait, canBlock }: Rounds): () => void {
  const count = answerers.length;
  // Plain reads: the word is read anew after each call of the system, and Atomics.load is a call of its own.
  let read = words[MESSAGES]!;
  let second = facts.now;
  let answered = 0;
  let blocks = false;
  let oneByOne = false;
  let probe = 0;
  return () => {
    let all = true;
    for (let fullBatches = 0; fullBatches < FULL_BATCHES; ) {
      const flags = blocks ? MSG_WAITFORONE : MSG_DONTWAIT;
      probe = (probe + 1) % PROBE;
      const most = oneByOne && probe !== 0 ? 1 : BATCH;
      let came = 0;
      let full = false;
      for (let i = 0; i < count; i++) {
        if (!all && !wait.found(i + 1)) continue;
        const received = answerers[i]!.answer(flags, most);
        came += received;
        if (received === BATCH) full = true;
      }
      answered += came;
      if (came >= BACKLOG) oneByOne = false;
      const posted = words[MESSAGES]!;
      if (posted !== read) {
        read = posted;
        return;
      }
      if (facts.now !== second) {
        second = facts.now;
        blocks = canBlock && answered >= OFTEN;
        oneByOne = blocks && answered < CROWDED;
        answered = 0;
        return;
      }
      // A batch that is not full leaves nothing behind: to ask again would be a call in vain. After a full one on one socket the
      // others get their turn all the same.
      all = full || blocks;
      if (full) {
        fullBatches++;
        continue;
      }
      if (blocks && came > 0) continue;
      blocks = false;
      oneByOne = false;
      if (sleep(PATIENCE) <= 0 || wait.found(0)) return;
      all = false;
    }
  };
}
