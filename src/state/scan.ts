/** Finds the entries of a file again, also behind octets that are damaged. */
import { readSync } from 'node:fs';
import { ALIGNMENT, entryAt, entryBefore, type FoundEntry, nextEntry } from './entry.js';

/** Octets read at once. */
const WINDOW = 1 << 20;
/** Octets of the longest header, with room to spare. */
const HEADER = 4096;

/** A part of a file that has no entry that can be read. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** The largest sequence number of the entries before it, and the number of the first one behind it; 0: there is none. */
  readonly before: number;
  readonly behind: number;
}

interface Scan {
  /** Where the last sound entry ends. The octets behind it belong to an entry that was not written to its end. */
  readonly end: number;
  readonly gaps: readonly Gap[];
}

/** Reads at most `length` octets of a file from `at` on; less where it ends. */
export function readPart(fd: number, at: number, length: number): Buffer {
  const octets = Buffer.allocUnsafeSlow(length);
  let used = 0;
  while (used < length) {
    const read = readSync(fd, octets, used, length - used, at + used);
    if (read === 0) break;
    used += read;
  }
  return octets.subarray(0, used);
}

/**
 * Calls `visit` with each entry of a file of `size` octets and the octet at which it begins. Payloads are not looked at. An entry whose
 * first header is damaged is found by its second one; a part that no header tells of is a gap.
 */
export function scanFile(fd: number, size: number, visit: (entry: FoundEntry, at: number) => void): Scan {
  const gaps: (Gap & { behind: number })[] = [];
  const window = new Window(fd, size);
  let at = 0;
  let sequence = 0;
  const take = (entry: FoundEntry, at: number): void => {
    sequence = Math.max(sequence, entry.sequence);
    const last = gaps.at(-1);
    if (last?.behind === 0) last.behind = entry.sequence;
    visit(entry, at);
  };
  while (at < size) {
    const entry = window.entryAt(at);
    if (entry !== undefined && at + entry.length <= size) {
      take(entry, at);
      at += entry.length;
      continue;
    }
    // With a sound header, the file ends in the middle of the entry.
    const next = entry === undefined ? window.nextEntry(at) : -1;
    const end = next < 0 ? size - (size % ALIGNMENT) : next;
    const found = entry === undefined ? entriesBetween(window, at, end) : [];
    const first = found[0]?.at ?? end;
    if (next < 0 && found.length === 0) return { end: at, gaps };
    if (first > at) gaps.push({ from: at, to: first, before: sequence, behind: 0 });
    for (const { entry, at } of found) take(entry, at);
    at = end;
  }
  return { end: at, gaps };
}

/** The entries that end at `end` one behind the other, by their second headers, in their order. */
function entriesBetween(window: Window, from: number, end: number): { entry: FoundEntry; at: number }[] {
  const found: { entry: FoundEntry; at: number }[] = [];
  for (let to = end; ; ) {
    const entry = window.entryBefore(to);
    const at = entry === undefined ? -1 : to - entry.length;
    if (entry === undefined || at < from) return found.reverse();
    found.push({ entry, at });
    to = at;
  }
}

/** A part of the file in memory. It moves on with the reads. */
class Window {
  readonly #fd: number;
  readonly #size: number;
  #octets: Buffer = Buffer.alloc(0);
  #from = 0;

  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.#size = size;
  }

  entryAt(at: number): FoundEntry | undefined {
    if (at < this.#from || Math.min(at + HEADER, this.#size) > this.#from + this.#octets.length) {
      this.#octets = readPart(this.#fd, at, Math.min(WINDOW, this.#size - at));
      this.#from = at;
    }
    return entryAt(this.#octets, at - this.#from);
  }

  entryBefore(end: number): FoundEntry | undefined {
    const from = Math.max(0, end - HEADER);
    const octets = readPart(this.#fd, from, end - from);
    return entryBefore(octets, octets.length);
  }

  /** Where the next sound header begins behind octet `at`; -1: nowhere. */
  nextEntry(at: number): number {
    for (let from = at + ALIGNMENT; from < this.#size; from += WINDOW) {
      const octets = readPart(this.#fd, from, Math.min(WINDOW + HEADER, this.#size - from));
      const found = nextEntry(octets, 0);
      if (found >= 0) return from + found;
    }
    return -1;
  }
}
