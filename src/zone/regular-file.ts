/**
 * Reading the files that an operator names. In the place of a file there may be a named pipe that nobody writes to, or a device
 * without an end: reading that would hold up the whole program, for good. So only regular files are read, and within a limit.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { AdotdError, ErrorCode, systemReason } from '../errors.js';

/** Octets: a file of keys or the like beyond this is taken for something else. A guess: a hundred times a long chain. */
const MAX_SMALL = 1024 * 1024;

const CHUNK = 65_536;

/** The octets of a file with keys, rules or the like; `what` is what messages call it, if anything. Throws ADOTD_FILE. */
export function readSmallFile(file: string, what: string, maxOctets = MAX_SMALL): Buffer {
  try {
    return withRegularFile(file, maxOctets, (fd) => readAll(fd, maxOctets));
  } catch (error) {
    throw unreadable(file, what, error);
  }
}

/**
 * As readSmallFile, but it may be a pipe as well, as a shell makes it for `<(…)`: then this waits for who writes to it. Only
 * for what is read once, before anything is served.
 */
export function readFileOrPipe(file: string, what: string, maxOctets = MAX_SMALL): { octets: Buffer; pipe: boolean } {
  if (!isPipe(file)) return { octets: readSmallFile(file, what, maxOctets), pipe: false };
  try {
    const fd = openSync(file, constants.O_RDONLY);
    try {
      return { octets: readAll(fd, maxOctets), pipe: true };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw unreadable(file, what, error);
  }
}

/** Calls `read` with a regular file of at most `maxOctets`, open. Throws errors of the system, and such as say what it is. */
export function withRegularFile<T>(file: string, maxOctets: number, read: (fd: number) => T): T {
  // Before it is opened, too: some devices act when they are.
  needRegular(statSync(file), maxOctets);
  // Another file may have taken its place since: without O_NONBLOCK, opening a pipe waits for who writes to it.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    needRegular(fstatSync(fd), maxOctets);
    return read(fd);
  } finally {
    closeSync(fd);
  }
}

function needRegular(stat: Stats, maxOctets: number): void {
  if (stat.isDirectory()) throw new Error('it is a folder, no regular file');
  if (!stat.isFile()) throw new Error('it is no regular file');
  if (stat.size > maxOctets) throw new Error(`it has ${stat.size} octets, expected at most ${maxOctets}`);
}

function isPipe(file: string): boolean {
  try {
    return statSync(file).isFIFO();
  } catch {
    return false;
  }
}

function unreadable(file: string, what: string, cause: unknown): AdotdError {
  const named = what === '' ? file : `${what} ${file}`;
  return new AdotdError(ErrorCode.FILE, `cannot read ${named}: ${systemReason(cause)}`, { cause });
}

/** The size is no measure: files of /proc say 0, and any other may grow meanwhile. */
function readAll(fd: number, maxOctets: number): Buffer {
  const chunks: Buffer[] = [];
  let octets = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const count = readSync(fd, chunk, 0, CHUNK, null);
    if (count === 0) return Buffer.concat(chunks, octets);
    octets += count;
    if (octets > maxOctets) throw new Error(`it has more than ${maxOctets} octets`);
    chunks.push(chunk.subarray(0, count));
  }
}
