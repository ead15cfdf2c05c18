/**
 * Standard output and standard error of a program that serves: a reader that stops reading stops neither its answers nor its end.
 *
 * Node's own `process.stdout` and `process.stderr` set O_NONBLOCK on files that others share. Many parts of Node use them: each new thread
 * does, and so does node:assert when it is loaded. So a program that serves has others in their place.
 */
import { Writable } from 'node:stream';
import { isError } from '../errors.js';
import { TextOutput } from './text-output.js';
import { unblockedWrites } from './unblocked-writes.js';

/** Octets of log lines that may wait until they can be written; further lines are lost. */
const ERROR_LIMIT = 1024 * 1024;

let errors: TextOutput | undefined;

/** Standard error. Text that a full disk or a broken pipe refuses waits as well. */
export function standardError(): TextOutput {
  errors ??= untilTheEnd(new TextOutput(unblockedWrites(2), { limit: ERROR_LIMIT }));
  return errors;
}

/** Replaces `process.stdout` and `process.stderr`. To be called before anything uses them. */
export function unblockStandardStreams(): void {
  replace('stdout', outputStream);
  replace('stderr', errorStream);
}

function replace(name: 'stdout' | 'stderr', make: () => Writable): void {
  let stream: Writable | undefined;
  const get = (): Writable => {
    stream ??= make();
    return stream;
  };
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get });
}

/** Loses nothing. It has an error and ends when the system refuses a write. */
function outputStream(): Writable {
  const failed = (error: unknown): void => void stream.destroy(isError(error) ? error : undefined);
  const output = untilTheEnd(new TextOutput(unblockedWrites(1, true), { failed }));
  const stream = new Writable({ write: (octets: Uint8Array, _, done) => output.write(octets, done) });
  return stream;
}

/** Shares the limit and the order of standardError(). */
function errorStream(): Writable {
  const write = (octets: Uint8Array, _: unknown, done: () => void): void => {
    standardError().write(octets);
    done();
  };
  return new Writable({ write });
}

function untilTheEnd(stream: TextOutput): TextOutput {
  process.once('exit', () => stream.finish());
  return stream;
}
