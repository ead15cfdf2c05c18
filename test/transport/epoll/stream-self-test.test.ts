import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { streamsObstacle } from '../../../src/transport/epoll/stream-self-test.js';
import { type Libc, libc } from '../../../src/transport/libc.js';

const system = libc() as Libc;
const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('the self-test of epoll', () => {
  it('finds nothing wrong on this machine, and leaves no descriptor open', () => {
    expect(streamsObstacle()).toBeUndefined();
    const before = descriptors();
    for (let i = 0; i < 10; i++) expect(streamsObstacle()).toBeUndefined();
    expect(descriptors()).toBe(before);
  });

  it.each<[what: string, change: Partial<Libc>, says: RegExp]>([
    ['a node that does not tell its event loop', { eventLoop: () => -1 }, /does not tell the descriptor/],
    ['no epoll', { epoll_create1: () => -1 }, /cannot make an epoll instance/],
    ['sockets that cannot be watched', { epoll_ctl: () => -1 }, /a socket cannot be watched/],
    ['events that never come', { epoll_wait: () => 0 }, /a connection did not arrive/],
    [
      'events of another layout',
      { epoll_wait: (epoll, events, most, wait) => system.epoll_wait(epoll, events + 4, most, wait) },
      /a connection did not arrive/,
    ],
    ['connections that cannot be accepted', { accept4: () => -1 }, /a connection cannot be accepted/],
    [
      'addresses that are written elsewhere',
      { accept4: (fd, address, length, flags) => system.accept4(fd, address + 2, length, flags) },
      /the address of a client is garbled/,
    ],
    [
      'octets that are written elsewhere',
      { recv: (fd, octets, length, flags) => system.recv(fd, octets - 1, length, flags) },
      /octets are garbled/,
    ],
    ['an end that is not told', { shutdown: () => 0 }, /an end did not arrive/],
  ])('notices %s, and leaves no descriptor open', (_what, change, says) => {
    const before = descriptors();
    expect(streamsObstacle({ ...system, errno: () => 'ENOSYS', ...change })).toMatch(says);
    expect(descriptors()).toBe(before);
  });

  it('passes on why there is no C library', () => {
    expect(streamsObstacle('the optional package koffi is not installed')).toBe(
      'the optional package koffi is not installed',
    );
  });
});
