/** Waiting in poll(2), outside of the event loop. */
import type { Libc } from './libc.js';

/** Waiting for one of several descriptors. */
export interface Wait {
  /** Waits until one is ready. Returns how many are; 0: none within `milliseconds`; -1: interrupted. */
  poll(milliseconds: number): number;
  /** Whether the last poll() found that the descriptor of this number is ready or has an error. */
  found(number: number): boolean;
}

/** Words of struct pollfd: the descriptor; events asked for, and found. */
const POLLFD_WORDS = 2;
const EVENTS = 1;
const POLLIN = 1;
const POLLOUT = 4;

/** `descriptors`: to wait for, until one is ready `to` be read or written. Waiting allocates nothing. */
export function createWait(system: Libc, descriptors: readonly number[], to: 'read' | 'write' = 'read'): Wait {
  const count = descriptors.length;
  const words = new Int32Array(new SharedArrayBuffer(count * POLLFD_WORDS * Int32Array.BYTES_PER_ELEMENT));
  descriptors.forEach((fd, number) => {
    words[number * POLLFD_WORDS] = fd;
    words[number * POLLFD_WORDS + EVENTS] = to === 'read' ? POLLIN : POLLOUT;
  });
  const wait: Wait = {
    poll: (milliseconds) => system.poll(address, count, milliseconds),
    found: (number) => words[number * POLLFD_WORDS + EVENTS]! >>> 16 !== 0,
  };
  const address = system.address(new Uint8Array(words.buffer), wait);
  return wait;
}
