/**
 * Calls of the C library that node does not offer. Where they are not available `libc()` says why, and its users take another way.
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
  /** Returns the number of octets that were sent. */
  sendto(fd: number, octets: Uint8Array, length: number, flags: number, to: Uint8Array, toLength: number): number;
  /** `headers`: address of an array of struct mmsghdr; `timeout`: of a struct timespec. Returns the number of messages. */
  recvmmsg(fd: number, headers: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, headers: number, count: number, flags: number): number;
  /** `descriptors`: address of an array of struct pollfd; `timeout` in milliseconds. */
  poll(descriptors: number, count: number, timeout: number): number;
  /** Changes which signals the calling thread blocks. Returns 0, or the number of the error. */
  pthread_sigmask(how: number, set: Uint8Array, before: Uint8Array | null): number;
  /** `text`: for options that take one. */
  prctl(option: number, text: string, third: number, fourth: number, fifth: number): number;
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
      sendto: own.func('long sendto(int, void*, unsigned long, int, void*, uint32_t)'),
      recvmmsg: own.func('int recvmmsg(int, uintptr_t, uint32_t, int, uintptr_t)'),
      sendmmsg: own.func('int sendmmsg(int, uintptr_t, uint32_t, int)'),
      poll: own.func('int poll(uintptr_t, unsigned long, int)'),
      pthread_sigmask: own.func('int pthread_sigmask(int, void*, void*)'),
      prctl: own.func('int prctl(int, const char*, unsigned long, unsigned long, unsigned long)'),
      gettid: own.func('int gettid()'),
      address: addressOf,
      errno: () => getSystemErrorName(-koffi.errno()),
      errorNumber: () => koffi.errno(),
      eventLoop: () => eventLoopDescriptor(koffi, own),
    };
  } catch (error) {
    return `the C library cannot be called: ${messageOf(error)}`;
  }
}

/** By calls that node provides for add-ons. */
function eventLoopDescriptor(koffi: typeof import('koffi'), own: import('koffi').LibraryHandle): number {
  try {
    const eventLoopOf = own.func('napi_get_uv_event_loop', 'int', ['void*', '_Out_ void**']);
    const backendDescriptor = own.func('uv_backend_fd', 'int', ['void*']);
    const loop: unknown[] = [null];
    return eventLoopOf(koffi.node.env, loop) === 0 ? backendDescriptor(loop[0]) : -1;
  } catch {
    return -1;
  }
}
