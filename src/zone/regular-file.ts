/**
 * Reads files that an operator names. The path may lead to a named pipe without a writer, or to an endless device, which
 * would block the whole program for ever. So only regular files are read, up to a limit.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { AdotdError, ErrorCode, systemReason } from '../errors.js';

/** Octets of a small file, such as one of keys; a larger file is refused. A guess: a hundred times a long chain. */
const MAX_SMALL = 1024 * 1024;

const CHUNK = 65_536;

/** The octets of a small file; messages call it `what`, unless that is empty. Throws ADOTD_FILE. */
export function readSmallFile(file: string, what: string, maxOctets = MAX_SMALL): Buffer {
  try {
    return withRegularFile(file, maxOctets, (fd) => readAll(fd, maxOctets));
  } catch (error) {
    throw unreadable(file, what, error);
  }
}

/**
 * As readSmallFile, but the file may also be a pipe, as a shell makes for `<(…)`: this then waits for the writer. Only for
 * files that are read once, before anything is served.
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

/** Opens a regular file of at most `maxOctets` and calls `read`. Throws system errors, or an error that names the kind of file. */
export function withRegularFile<T>(file: string, maxOctets: number, read: (fd: number) => T): T {
  // Checked before opening too: some devices act on being opened.
  needRegular(statSync(file), maxOctets);
  // Another file may be there by now: without O_NONBLOCK, opening a pipe waits for its writer.
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

/** Reads to the end. The size is no guide: files of /proc have size 0, and others may grow meanwhile. */
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
