/**
 * Calls of the C library that node does not offer. If they are not available, `libc()` returns the reason, and its users take another way.
 */

import { getSystemErrorName } from 'node:util';
import { messageOf } from '../errors.js';
import { native } from '../native/koffi.js';
import { addressOf } from '../native/memory.js';

/** A call that fails returns -1, and `errno()` tells why. Addresses are integers, 0 is NULL. */
export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  listen(fd: number, backlog: number): number;
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  fcntl(fd: number, command: number, argument: number): number;
  close(fd: number): number;
  /** `address`, `length`: addresses of room for the client's address, and of its length, an int. Returns a descriptor. */
  accept4(fd: number, address: number, length: number, flags: number): number;
  shutdown(fd: number, how: number): number;
  /** `octets`: their address. Return the number of octets that were received or sent; recv returns 0 when the peer has ended. */
  recv(fd: number, octets: number, length: number, flags: number): number;
  send(fd: number, octets: number, length: number, flags: number): number;
  epoll_create1(flags: number): number;
  /** `event`: address of a struct epoll_event. */
  epoll_ctl(epoll: number, operation: number, fd: number, event: number): number;
  /** `events`: address of an array of struct epoll_event. Returns how many are filled in. */
  epoll_wait(epoll: number, events: number, most: number, milliseconds: number): number;
  /** Returns the number of octets that were sent. */
  sendto(fd: number, octets: Uint8Array, length: number, flags: number, to: Uint8Array, toLength: number): number;
  /** The same with addresses of memory. */
  sendtoAt(fd: number, octets: number, length: number, flags: number, to: number, toLength: number): number;
  /** `octets`: address of their room; `from`, `fromLength`: of that for the sender's address, and of its length, an int. */
  recvfrom(fd: number, octets: number, length: number, flags: number, from: number, fromLength: number): number;
  /** `headers`: address of an array of struct mmsghdr; `timeout`: of a struct timespec. Returns the number of messages. */
  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, headers: number, count: number, flags: number): number;
  /** `descriptors`: address of an array of struct pollfd; `timeout` in milliseconds. */
  poll(descriptors: number, count: number, timeout: number): number;
  /** Changes which signals the calling thread blocks. Returns 0, or the number of the error. */
  pthread_sigmask(how: number, set: Uint8Array, before: Uint8Array | null): number;
  /** `text`: for options that take one. */
  prctl(option: number, text: string, third: number, fourth: number, fifth: number): number;
  /** syscall(2) with the number of sched_setattr(2); `thread` 0: the calling one. Returns 0, or -1. */
  schedSetattr(number: number, thread: number, attributes: Uint8Array, flags: number): number;
  /** The number of the calling thread, as in /proc/self/task. */
  gettid(): number;
  /** `addressOf()` of the module that hands out addresses: the octets live as long as `owner`. */
  address(octets: Uint8Array, owner: object): number;
  /** Why the last call of this thread failed: `EAGAIN`. */
  errno(): string;
  /** The same as a number, as in `constants.errno` of node:os; without making a string. */
  errorNumber(): number;
  /**
   * The descriptor that becomes readable when this thread's event loop has something to do, timers apart; -1, which poll() ignores,
   * when this build of node does not tell it.
   */
  eventLoop(): number;
  /** Milliseconds until the next timer of this thread's event loop; Infinity: it has none; 0 when this build of node does not tell it. */
  nextTimer(): number;
}

let found: Libc | string | undefined;

/** The calls, or why they are not available here. */
export function libc(): Libc | string {
  found ??= load();
  return found;
}

function load(): Libc | string {
  const found = native();
  if (typeof found === 'string') return found;
  const { koffi, own } = found;
  try {
    return {
      socket: own.func('int socket(int, int, int)'),
      bind: own.func('int bind(int, void*, uint32_t)'),
      connect: own.func('int connect(int, void*, uint32_t)'),
      listen: own.func('int listen(int, int)'),
      getsockname: own.func('int getsockname(int, void*, void*)'),
      setsockopt: own.func('int setsockopt(int, int, int, void*, uint32_t)'),
      getsockopt: own.func('int getsockopt(int, int, int, void*, void*)'),
      fcntl: own.func('int fcntl(int, int, int)'),
      close: own.func('int close(int)'),
      accept4: own.func('int accept4(int, uintptr_t, uintptr_t, int)'),
      shutdown: own.func('int shutdown(int, int)'),
      recv: own.func('long recv(int, uintptr_t, unsigned long, int)'),
      send: own.func('long send(int, uintptr_t, unsigned long, int)'),
      epoll_create1: own.func('int epoll_create1(int)'),
      epoll_ctl: own.func('int epoll_ctl(int, int, int, uintptr_t)'),
      epoll_wait: own.func('int epoll_wait(int, uintptr_t, int, int)'),
      sendto: own.func('long sendto(int, void*, unsigned long, int, void*, uint32_t)'),
      sendtoAt: own.func('sendto', 'long', ['int', 'uintptr_t', 'unsigned long', 'int', 'uintptr_t', 'uint32_t']),
      recvfrom: own.func('long recvfrom(int, uintptr_t, unsigned long, int, uintptr_t, uintptr_t)'),
      recvmmsg: own.func('int recvmmsg(int, uintptr_t, uint32_t, int, uintptr_t)'),
      sendmmsg: own.func('int sendmmsg(int, uintptr_t, uint32_t, int)'),
      poll: own.func('int poll(uintptr_t, unsigned long, int)'),
      pthread_sigmask: own.func('int pthread_sigmask(int, void*, void*)'),
      prctl: own.func('int prctl(int, const char*, unsigned long, unsigned long, unsigned long)'),
      schedSetattr: own.func('syscall', 'long', ['long', 'int', 'void*', 'unsigned int']),
      gettid: own.func('int gettid()'),
      address: addressOf,
      errno: () => getSystemErrorName(-koffi.errno()),
      errorNumber: () => koffi.errno(),
      ...eventLoopCalls(koffi, own),
    };
  } catch (error) {
    return `the C library cannot be called: ${messageOf(error)}`;
  }
}

/** Handles of libuv: the number of timers among their kinds (uv_handle_type). */
const UV_TIMER = 13;

/** Calls about the event loop that node provides for add-ons. */
function eventLoopCalls(
  koffi: typeof import('koffi'),
  own: import('koffi').LibraryHandle,
): Pick<Libc, 'eventLoop' | 'nextTimer'> {
  try {
    const eventLoopOf = own.func('napi_get_uv_event_loop', 'int', ['void*', '_Out_ void**']);
    const found: unknown[] = [null];
    if (eventLoopOf(koffi.node.env, found) !== 0) throw new Error('napi_get_uv_event_loop');
    const [loop] = found;
    const backendDescriptor = own.func('uv_backend_fd', 'int', ['void*']);
    return { eventLoop: () => backendDescriptor(loop), nextTimer: timersOf(loop, koffi, own) };
  } catch {
    return { eventLoop: () => -1, nextTimer: () => 0 };
  }
}

/**
 * Not by uv_backend_timeout: it says 0 while an immediate is waiting or being run, and a caller in an immediate always sees that. Measured:
 * 4 µs a call.
 */
function timersOf(loop: unknown, koffi: typeof import('koffi'), own: import('koffi').LibraryHandle): () => number {
  const visitor = koffi.proto('void', ['uintptr_t', 'uintptr_t']);
  const walk = own.func('uv_walk', 'void', ['void*', koffi.pointer(visitor), 'uintptr_t']);
  const update = own.func('uv_update_time', 'void', ['void*']);
  const kindOf = own.func('uv_handle_get_type', 'int', ['uintptr_t']);
  const isActive = own.func('uv_is_active', 'int', ['uintptr_t']);
  const dueIn = own.func('uv_timer_get_due_in', 'uint64_t', ['uintptr_t']);
  let next = 0;
  const visit = (handle: number): void => {
    if (kindOf(handle) === UV_TIMER && isActive(handle) !== 0) next = Math.min(next, dueIn(handle));
  };
  return () => {
    next = Number.POSITIVE_INFINITY;
    update(loop);
    walk(loop, visit, 0);
    return next;
  };
}
