/**
 * epoll(7): waiting for many descriptors at once, and learning which of them are ready. Level-triggered: octets that are not read stay
 * ready.
 *
 * Hot file: typed arrays and integers, every offset has a name; nothing is allocated once an instance exists. Addresses are kept as
 * constants, so that each call passes the same number.
 */
import { AdotdError, ErrorCode } from '../../errors.js';
import type { Libc } from '../libc.js';

/** Events, asked for or found. The system reports ERROR and HANGUP without being asked. */
export const Ready = {
  READ: 0x1,
  WRITE: 0x4,
  ERROR: 0x8,
  HANGUP: 0x10,
} as const;

/** Numbers of Linux (linux/eventpoll.h). */
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

/** Descriptors that one wait reports at the most. The others come first in the next wait, so that none is left out for long. */
const MOST = 64;

/** struct epoll_event: the events, then 64 bits of ours. It is packed on x64 only (epoll_ctl(2)). Counted in words. */
const STRIDE = process.arch === 'x64' ? 3 : 4;
const DESCRIPTOR = STRIDE - 2;
const GENERATION = STRIDE - 1;

/**
 * An instance of epoll. `generation` tells descriptors apart that had the same number one after the other: an event that was found for
 * the earlier one is not taken for one of the later one.
 */
export interface Epoll {
  readonly fd: number;
  /** Watches a descriptor. Returns false when the system has no room for it. */
  add(fd: number, generation: number, events: number): boolean;
  /** Watches it for other events. */
  change(fd: number, generation: number, events: number): void;
  /** Watches it no longer. Needed before a descriptor with duplicates is closed: otherwise epoll would go on to watch it. */
  remove(fd: number): void;
  /** Waits until a descriptor is ready, and returns how many are; 0 or less: none within `milliseconds`. */
  wait(milliseconds: number): number;
  /** A finding of the last wait: that of the number `i`, counted from 0. */
  descriptorOf(i: number): number;
  generationOf(i: number): number;
  eventsOf(i: number): number;
}

/** A new instance; its descriptor is the caller's to close. Throws ADOTD_LISTEN when the system gives none. */
export function createEpoll(system: Libc): Epoll {
  const fd = system.epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw new AdotdError(ErrorCode.LISTEN, `cannot make an epoll instance: ${system.errno()}`);
  const words = new Int32Array(new SharedArrayBuffer((MOST + 1) * STRIDE * Int32Array.BYTES_PER_ELEMENT));
  const found = system.address(new Uint8Array(words.buffer), words);
  /** Behind those that are found stands the one that epoll_ctl reads. */
  const one = MOST * STRIDE;
  const oneAddress = found + one * Int32Array.BYTES_PER_ELEMENT;
  const control = (operation: number, watched: number, generation: number, events: number): boolean => {
    words[one] = events;
    words[one + DESCRIPTOR] = watched;
    words[one + GENERATION] = generation;
    return system.epoll_ctl(fd, operation, watched, oneAddress) === 0;
  };
  return {
    fd,
    add: (watched, generation, events) => control(EPOLL_CTL_ADD, watched, generation, events),
    change: (watched, generation, events) => void control(EPOLL_CTL_MOD, watched, generation, events),
    remove: (watched) => void control(EPOLL_CTL_DEL, watched, 0, 0),
    wait: (milliseconds) => system.epoll_wait(fd, found, MOST, milliseconds),
    descriptorOf: (i) => words[i * STRIDE + DESCRIPTOR]!,
    generationOf: (i) => words[i * STRIDE + GENERATION]!,
    eventsOf: (i) => words[i * STRIDE]!,
  };
}
