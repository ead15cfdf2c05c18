/**
 * Batches appended to a file, one write at a time, beside the event loop. When the file was moved away (logrotate), a new
 * one is begun. A file that cannot be written, say on a full disk, is reported once. Its batch is lost and counted, no half of
 * it stays in the file, and the next batch is tried again.
 *
 * Not by sonic-boom 4.2 (pino's). Tried with /dev/full: it keeps the text that it cannot write, so end() never ends, and destroy() throws
 * the lines away without a `drop` event, so that nobody can count them. It reports every write that fails, and leaves it to us to
 * see that the file was moved, to set an older file aside, and to write the beginning and the end of dnstap's files.
 */
import {
  closeSync,
  constants,
  fstat,
  ftruncate,
  openSync,
  renameSync,
  type Stats,
  stat,
  statSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { AdotdError, codeOf, ErrorCode, systemReason } from '../../errors.js';
import type { Clock } from '../../session/clock.js';
import type { Log } from '../log.js';
import { type Batch, Outbox, type Sink } from './outbox.js';

const statFile = promisify(stat);
const statDescriptor = promisify(fstat);
const truncate = promisify(ftruncate);
const writeOctets = promisify(write);

/** Of new files: not everyone may read which client asks for which name. */
export const LOG_MODE = 0o640;
/** O_NONBLOCK: a thread that waits for the reader of a pipe would keep the process from ending. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
/** Milliseconds between checks whether the file was moved away. */
const LOOK_INTERVAL = 1000;

interface FileSinkOptions {
  readonly path: string;
  /** The name of the file in messages, such as "the query log". */
  readonly what: string;
  readonly log: Log;
  readonly clock: Clock;
  /** The first and last octets of every file. With `opening`, an existing file that is not empty is set aside first. */
  readonly opening?: Uint8Array;
  readonly closing?: Uint8Array;
}

/** Opens the file. Throws ADOTD_FILE. */
export function openFileSink(options: FileSinkOptions): Sink {
  return new FileSink(options);
}

class FileSink implements Sink {
  readonly #options: FileSinkOptions;
  readonly #outbox = new Outbox();
  #fd: number;
  #pumping: Promise<void> | undefined;
  #lookAgain = Number.NEGATIVE_INFINITY;
  /** Records lost since writing began to fail; undefined while it succeeds. */
  #failing: number | undefined;
  /** Whether the file was moved away, and a new one cannot be begun. */
  #orphaned = false;

  constructor(options: FileSinkOptions) {
    this.#options = options;
    try {
      this.#fd = open(options);
    } catch (error) {
      const { path, what } = options;
      const remedy =
        codeOf(error) === 'EACCES' ? '; let the user that the server runs as write it, and its folder' : '';
      const message = `${what} ${path} cannot be written: ${systemReason(error)}${remedy}`;
      throw new AdotdError(ErrorCode.FILE, message, { cause: error });
    }
  }

  get hasRoom(): boolean {
    return this.#outbox.hasRoom;
  }

  write(batch: Batch): void {
    this.#outbox.put(batch);
    this.#pumping ??= this.#pump();
  }

  lose(records: number): void {
    this.#outbox.lose(records);
  }

  takeLost(): number {
    return this.#outbox.takeLost();
  }

  async close(): Promise<void> {
    await this.#pumping;
    close(this.#fd, this.#options.closing);
  }

  async #pump(): Promise<void> {
    for (let batch = this.#outbox.take(); batch; batch = this.#outbox.take()) {
      await this.#follow();
      await this.#append(batch);
    }
    this.#pumping = undefined;
  }

  async #append({ octets, records }: Batch): Promise<void> {
    let written = 0;
    try {
      while (written < octets.length) written += (await writeOctets(this.#fd, octets, written)).bytesWritten;
    } catch (error) {
      await this.#takeBack(written);
      this.#outbox.lose(records);
      this.#failed(error, records);
      return;
    }
    if (this.#failing === undefined) return;
    const { path, what, log } = this.#options;
    log.info({ path, lost: this.#failing }, `${what} ${path} is written again`);
    this.#failing = undefined;
  }

  #failed(error: unknown, records: number): void {
    const { path, what, log } = this.#options;
    if (this.#failing === undefined) {
      log.error(
        { path },
        `${what} ${path} cannot be written: ${systemReason(error)}; queries are answered, not logged`,
      );
    }
    this.#failing = (this.#failing ?? 0) + records;
  }

  /** Removes the last octets of the file: the part of a batch that was written before the disk was full. */
  async #takeBack(octets: number): Promise<void> {
    if (octets === 0) return;
    try {
      const { size } = await statDescriptor(this.#fd);
      await truncate(this.#fd, Math.max(0, size - octets));
    } catch {
      // Not a regular file, or no longer ours: nothing can be done.
    }
  }

  /** Begins a new file when the path no longer leads to ours. */
  async #follow(): Promise<void> {
    const now = this.#options.clock.milliseconds();
    if (now < this.#lookAgain) return;
    this.#lookAgain = now + LOOK_INTERVAL;
    const own = await statDescriptor(this.#fd).catch(() => undefined);
    const there = await statFile(this.#options.path).catch(() => undefined);
    if (own && there && isSame(own, there)) return;
    try {
      const next = open(this.#options);
      close(this.#fd, this.#options.closing);
      this.#fd = next;
      this.#orphaned = false;
    } catch (error) {
      // The old file is better than none.
      const { path, what, log } = this.#options;
      if (!this.#orphaned)
        log.error({ path }, `${what} ${path} cannot be begun anew: ${systemReason(error)}; the old one is written on`);
      this.#orphaned = true;
    }
  }
}

/** Renames a file that is not empty: its name gets the time. Throws errors of the system. */
export function setAside(path: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isFile() && there.size > 0) renameSync(path, `${path}.${there.mtime.toISOString().replace(/[-:.]/g, '')}`);
}

/** Opens the file, with its beginning; throws errors of the system. */
function open({ path, opening }: FileSinkOptions): number {
  if (opening !== undefined) setAside(path);
  const fd = openSync(path, FLAGS, LOG_MODE);
  try {
    if (opening !== undefined) writeSync(fd, opening);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function close(fd: number, closing: Uint8Array | undefined): void {
  try {
    if (closing !== undefined) writeSync(fd, closing);
  } catch {
    // The disk is full: readers also accept the end of the file as the end.
  }
  closeSync(fd);
}

function isSame(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}
