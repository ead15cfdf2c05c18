import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Libc, libc } from '../../src/transport/libc.js';
import { selfTest } from '../../src/transport/self-test.js';

const loaded = libc();
const system = loaded as Libc;

/** Where the code that is tested has its headers: its own words for struct mmsghdr and sockaddr, received ones first. */
const HEADER_WORDS = 16;
const BATCH = 64;
const LENGTH_WORD = 14;
const CONTROL_LENGTH_WORD = 10;
const PEERS_WORD = 2 * BATCH * HEADER_WORDS + 2 * BATCH * 4;
const PEER_WORDS = 8;

/**
 * The C library of a machine that lays things out differently: `received` and `sending` may change the words of the headers after
 * they were received, and before they are sent.
 */
function differing(change: { received?(words: Int32Array): void; sending?(words: Int32Array): void }): Libc {
  const headers = new Map<number, Int32Array>();
  return {
    ...system,
    address(octets, owner) {
      const address = system.address(octets, owner);
      headers.set(address, new Int32Array(octets.buffer));
      return address;
    },
    recvmmsg(fd, address, ...rest) {
      const count = system.recvmmsg(fd, address, ...rest);
      const words = headers.get(address);
      if (count > 1 && words) change.received?.(words);
      return count;
    },
    sendmmsg(fd, address, ...rest) {
      const words = headers.get(address - BATCH * HEADER_WORDS * 4);
      if (words) change.sending?.(words);
      return system.sendmmsg(fd, address, ...rest);
    },
  };
}

describe('the self-test', () => {
  it('finds nothing wrong on this machine, and leaves no descriptor open', () => {
    expect(selfTest()).toBeUndefined();
    const before = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 10; i++) expect(selfTest()).toBeUndefined();
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('notices a length that is told elsewhere', () => {
    const broken = differing({
      received(words) {
        words[LENGTH_WORD]!++;
      },
    });
    expect(selfTest(broken)).toMatch(/^a request is garbled \(asking 127\.0\.0\.1 of a socket on 127\.0\.0\.1\)/);
  });

  it('notices addresses of clients that are told elsewhere', () => {
    const broken = differing({
      received(words) {
        // The first two change places.
        const first = words.slice(PEERS_WORD, PEERS_WORD + PEER_WORDS);
        words.copyWithin(PEERS_WORD, PEERS_WORD + PEER_WORDS, PEERS_WORD + 2 * PEER_WORDS);
        words.set(first, PEERS_WORD + PEER_WORDS);
      },
    });
    expect(selfTest(broken)).toMatch(/^a response went to another client/);
  });

  it('notices source addresses that are not obeyed', () => {
    const broken = differing({
      sending(words) {
        for (let i = 0; i < BATCH; i++) words[(BATCH + i) * HEADER_WORDS + CONTROL_LENGTH_WORD] = 0;
      },
    });
    expect(selfTest(broken)).toMatch(/^a response came from another address than was asked \(asking 127\.0\.0\.2/);
  });

  it('notices calls that fail, and that do nothing', () => {
    const refused = { ...system, recvmmsg: () => -1, errorNumber: () => 38 };
    expect(selfTest(refused)).toMatch(/^receiving fails with error 38/);
    const idle = { ...system, sendmmsg: (_fd: number, _headers: number, count: number) => count };
    expect(selfTest(idle)).toMatch(/^\d responses did not arrive/);
  });

  it('leaves no descriptor open when it finds something', () => {
    const before = readdirSync('/proc/self/fd').length;
    selfTest({ ...system, recvmmsg: () => -1, errorNumber: () => 38 });
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });

  it('says why there is no C library', () => {
    expect(selfTest('the optional package koffi is not installed')).toBe('the optional package koffi is not installed');
  });
});
