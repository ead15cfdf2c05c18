/**
 * Writes to a descriptor that this program shares with others, such as standard error, without ever waiting for its reader. The thread
 * that writes also answers, or hears signals, and a pipe that nobody reads would stop it for ever.
 *
 * O_NONBLOCK belongs to the open file, which the shell and other programs use too, and they would fail with EAGAIN. So poll(2) is asked
 * for room before each write, and no write has more octets than a pipe with room takes at once.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { codeOf } from '../errors.js';
import { libc } from '../transport/libc.js';
import { createWait } from '../transport/wait.js';

/** PIPE_BUF of Linux: octets that a pipe with room takes at once (pipe(7)). */
const PIECE = 4096;

/** Writes the first of these octets. Returns how many; 0: there is no room now. Throws errors of the system. */
export type Write = (octets: Uint8Array) => number;

/**
 * How to write to a descriptor. The other way is to open its file a second time, with an O_NONBLOCK of its own: for terminals,
 * which may have less room than PIECE when poll() says that there is some, for pipes where there is no koffi, and `withoutKoffi` for
 * pipes that are written once in a while (measured: koffi takes 16 ms to load). It fails for sockets, and for a pipe of another user, such
 * as the one that Docker gives a container. Where neither way is possible, a write may wait.
 */
export function unblockedWrites(fd: number, withoutKoffi = false): Write {
  const found = fstatSync(fd);
  if (isatty(fd) || (withoutKoffi && found.isFIFO())) return openedAgain(fd) ?? polled(fd) ?? plain(fd);
  // A file, and a device such as /dev/null, take everything at once.
  if (!found.isFIFO() && !found.isSocket()) return plain(fd);
  return polled(fd) ?? openedAgain(fd) ?? plain(fd);
}

function plain(fd: number): Write {
  return (octets) => tried(fd, octets, octets.length);
}

function polled(fd: number): Write | undefined {
  const system = libc();
  if (typeof system === 'string') return undefined;
  const wait = createWait(system, [fd], 'write');
  return (octets) => (wait.poll(0) > 0 ? tried(fd, octets, Math.min(PIECE, octets.length)) : 0);
}

function openedAgain(fd: number): Write | undefined {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return plain(openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY));
  } catch {
    return undefined;
  }
}

function tried(fd: number, octets: Uint8Array, length: number): number {
  try {
    return writeSync(fd, octets, 0, length);
  } catch (error) {
    // Somebody else has set O_NONBLOCK.
    if (codeOf(error) === 'EAGAIN') return 0;
    throw error;
  }
}
