/**
 * The high-water mark: the octets of the ledger that were on disk when its last change was acknowledged. It tells lost octets from octets
 * that were never acknowledged. Two copies are written in turn, so that one is whole whenever the process ends.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { codeOf } from '../errors.js';
import { checksum } from './entry.js';
import { FILE_MODE, systemError } from './folder.js';
import { readPart } from './scan.js';

/** The copies lie in two sectors of a disk. */
const COPY = 512;
const USED = 28;
const MAGIC = 0xad0d5a30;

interface Mark {
  /** Number of the ledger's newest file. */
  readonly file: number;
  /** Octets of that file that are on disk. */
  readonly octets: number;
}

export class HighWater {
  readonly #path: string;
  readonly #fd: number;
  #count = 0;
  /** The mark that was found when the file was opened; undefined: none; 'damaged': it cannot be read. */
  readonly found: Mark | 'damaged' | undefined;

  constructor(path: string) {
    this.#path = path;
    try {
      const [fd, isNew] = openOrMake(path);
      this.#fd = fd;
      this.found = isNew ? undefined : this.#read();
    } catch (error) {
      throw systemError(path, error);
    }
  }

  #read(): Mark | 'damaged' {
    const newest = newestCopy(this.#fd);
    if (newest === undefined) return 'damaged';
    this.#count = newest.count;
    return newest.mark;
  }

  /** Moves the mark. It is not on disk itself when this returns: after a loss of power an older mark does no harm. */
  set({ file, octets }: Mark): void {
    const out = Buffer.alloc(USED);
    this.#count++;
    out.writeUInt32BE(MAGIC, 0);
    out.writeUIntBE(this.#count, 4, 6);
    out.writeUInt32BE(file, 10);
    out.writeUIntBE(octets, 14, 6);
    out.writeUInt32BE(checksum(out.subarray(0, USED - 4)), USED - 4);
    try {
      writeSync(this.#fd, out, 0, USED, (this.#count % 2) * COPY);
    } catch (error) {
      throw systemError(this.#path, error);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The newer copy of a mark; undefined: none is whole. */
function newestCopy(fd: number): { readonly count: number; readonly mark: Mark } | undefined {
  const octets = readPart(fd, 0, COPY + USED);
  let newest: { count: number; mark: Mark } | undefined;
  for (const at of [0, COPY]) {
    if (at + USED > octets.length || octets.readUInt32BE(at) !== MAGIC) continue;
    if (checksum(octets.subarray(at, at + USED - 4)) !== octets.readUInt32BE(at + USED - 4)) continue;
    const count = octets.readUIntBE(at + 4, 6);
    if (newest !== undefined && count < newest.count) continue;
    newest = { count, mark: { file: octets.readUInt32BE(at + 10), octets: octets.readUIntBE(at + 14, 6) } };
  }
  return newest;
}

/** The mark in a file that a server may be writing; undefined: there is none, or none that can be read. Throws ADOTD_STATE. */
export function readMark(path: string): Mark | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw systemError(path, error);
  }
  try {
    return newestCopy(fd)?.mark;
  } catch (error) {
    throw systemError(path, error);
  } finally {
    closeSync(fd);
  }
}

function openOrMake(path: string): [fd: number, isNew: boolean] {
  try {
    return [openSync(path, 'r+'), false];
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return [openSync(path, 'wx+', FILE_MODE), true];
  }
}
