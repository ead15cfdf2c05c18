/**
 * Files of large values: an entry that describes the value, then the value in chunks, each an entry with a checksum. So neither writing nor
 * reading keeps the event loop waiting for long.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { codeOf } from '../errors.js';
import { checksum, type Entry, EntryType, encodeEntry, entryAt, type FoundEntry } from './entry.js';
import { systemError, writeFileDurably } from './folder.js';
import { readPart } from './scan.js';

/** Octets of a chunk. */
const CHUNK = 128 * 1024;
/** Octets that are read between two turns of the event loop. */
const TURN = 4 << 20;
/** Octets of headers that are read together with a chunk. */
const HEADERS = 8192;
const NOTHING = new Uint8Array(0);

/** The subject of a file: the name of the value, and numbers that its owner gives a meaning. */
type ValueHeader = Pick<Entry, 'name' | 'fields'>;

/** Octets in chunks. */
export function* piecesOf(...octets: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const part of octets) for (let at = 0; at < part.length; at += CHUNK) yield part.subarray(at, at + CHUNK);
}

/** Writes a value durably (folder.ts); fulfilled with its octets. Rejects with ADOTD_STATE. */
export async function writeChunkFile(path: string, header: ValueHeader, pieces: Iterable<Uint8Array>): Promise<number> {
  let octets = 0;
  function* entries(): Generator<Uint8Array> {
    yield encodeEntry({ ...header, type: EntryType.VALUE, isRemoval: false, sequence: 0 }, NOTHING).octets;
    let index = 0;
    for (const piece of pieces) {
      octets += piece.length;
      const chunk = { type: EntryType.CHUNK, isRemoval: false, name: '', fields: [index++], sequence: 0 };
      yield encodeEntry(chunk, piece).octets;
    }
  }
  await writeFileDurably(path, entries());
  return octets;
}

/** A value that is read, or the reason why it cannot be read. */
export type ReadValue = { readonly octets: Uint8Array } | { readonly damage: string };

/**
 * Reads a value. `allocate` gets the entry that the file begins with, and returns memory of the value's length, or why the value is not
 * wanted. A small value is read at once.
 */
export async function readChunkFile(
  path: string,
  allocate: (header: FoundEntry) => Uint8Array | string,
): Promise<ReadValue> {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    return { damage: codeOf(error) === 'ENOENT' ? 'the file is missing' : systemError(path, error).message };
  }
  try {
    const steps = readSteps(fd, fstatSync(fd).size, allocate);
    for (;;) {
      const { value, done } = steps.next();
      if (done) return value;
      await turn();
    }
  } catch (error) {
    return { damage: systemError(path, error).message };
  } finally {
    closeSync(fd);
  }
}

/** Reads a value; yields between parts of it. */
function* readSteps(
  fd: number,
  size: number,
  allocate: (header: FoundEntry) => Uint8Array | string,
): Generator<undefined, ReadValue> {
  let window: Buffer = Buffer.alloc(0);
  let from = 0;
  const entryIn = (at: number): FoundEntry | undefined => {
    if (at + CHUNK + HEADERS > from + window.length && from + window.length < size) {
      window = readPart(fd, at, Math.min(TURN, size - at));
      from = at;
    }
    const entry = entryAt(window, at - from);
    return entry !== undefined && at + entry.length <= from + window.length ? entry : undefined;
  };
  const first = entryIn(0);
  if (first?.type !== EntryType.VALUE) return { damage: 'octet 0 begins no value' };
  const octets = allocate(first);
  if (typeof octets === 'string') return { damage: octets };
  let used = 0;
  let at = first.length;
  for (let index = 0; used < octets.length; index++) {
    const [before, entry] = [from, entryIn(at)];
    if (entry?.type !== EntryType.CHUNK || entry.fields[0] !== index || used + entry.payloadLength > octets.length)
      return { damage: `octet ${at} begins no chunk ${index}` };
    const start = at - from + entry.headerLength;
    const payload = window.subarray(start, start + entry.payloadLength);
    if (checksum(payload) !== entry.payloadCrc) return { damage: `the chunk at octet ${at} has another checksum` };
    octets.set(payload, used);
    used += payload.length;
    at += entry.length;
    if (from !== before) yield;
  }
  return { octets };
}
