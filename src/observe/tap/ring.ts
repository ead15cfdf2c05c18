/**
 * A ring of entries over shared memory: one thread writes, one reads, and neither waits for the other. An entry that does not fit is
 * dropped and counted, so a slow reader never stops the thread that answers.
 * Hot file: integers, no allocation. Atomics only where one thread publishes to the other (the two positions).
 *
 * Positions count all octets ever written, modulo 2^32; their low bits are the place. Each position has one writer and a cache line
 * of its own.
 */

/** Octets of a ring; a power of two. 20 ms of 250,000 queries a second at 200 octets each. */
export const RING_OCTETS = 1 << 20;

/** Words before the entries. */
const HEAD = 0;
const TAIL = 16;
const DROPPED = 32;
const CONTROL_WORDS = 48;
const CONTROL_OCTETS = CONTROL_WORDS * Int32Array.BYTES_PER_ELEMENT;

/** The first word of an entry is its length. This value says that the rest up to the end is empty. */
const FILLER = -1;
/** Entries begin at multiples of this, so that they may hold a Float64. */
const ALIGNMENT = 8;

/** Memory for a ring, to be shared by its writer and its reader. */
export function createRing(octets: number = RING_OCTETS): SharedArrayBuffer {
  if (octets < ALIGNMENT || (octets & (octets - 1)) !== 0) throw new RangeError(`${octets} octets are no power of two`);
  return new SharedArrayBuffer(CONTROL_OCTETS + octets);
}

/** The entries of a ring as octets, words, and floating-point numbers; places are offsets in octets. */
class RingMemory {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly floats: Float64Array;
  protected readonly control: Int32Array;
  protected readonly capacity: number;

  constructor(memory: SharedArrayBuffer) {
    this.control = new Int32Array(memory, 0, CONTROL_WORDS);
    this.bytes = new Uint8Array(memory, CONTROL_OCTETS);
    this.words = new Int32Array(memory, CONTROL_OCTETS);
    this.floats = new Float64Array(memory, CONTROL_OCTETS);
    this.capacity = this.bytes.length;
  }
}

/** The writing end. When a thread has died, the one that replaces it opens the writing end again. */
export class RingWriter extends RingMemory {
  #head: number;
  /** The reader's position when it was last looked at. */
  #tail: number;
  /** The position behind the entry that is being written. */
  #next: number;

  constructor(memory: SharedArrayBuffer) {
    super(memory);
    this.#head = Atomics.load(this.control, HEAD);
    this.#tail = Atomics.load(this.control, TAIL);
    this.#next = this.#head;
  }

  /** Place of a new entry of `octets`, its first word included; -1: it does not fit, and is counted as dropped. */
  reserve(octets: number): number {
    const { capacity } = this;
    const size = (octets + ALIGNMENT - 1) & -ALIGNMENT;
    const place = this.#head & (capacity - 1);
    const rest = capacity - place;
    const needed = size <= rest ? size : rest + size;
    if (needed > capacity - ((this.#head - this.#tail) | 0)) {
      this.#tail = Atomics.load(this.control, TAIL);
      if (needed > capacity - ((this.#head - this.#tail) | 0)) {
        this.control[DROPPED]!++;
        return -1;
      }
    }
    this.#next = (this.#head + needed) | 0;
    if (size <= rest) {
      this.words[place >> 2] = size;
      return place;
    }
    this.words[place >> 2] = FILLER;
    this.words[0] = size;
    return 0;
  }

  /** Gives the reserved entry to the reader. */
  commit(): void {
    this.#head = this.#next;
    Atomics.store(this.control, HEAD, this.#head);
  }
}

/** The reading end. */
export class RingReader extends RingMemory {
  #tail: number;
  #next: number;
  /** Entries dropped at the last call of takeDropped(). */
  #dropped: number;

  constructor(memory: SharedArrayBuffer) {
    super(memory);
    this.#tail = Atomics.load(this.control, TAIL);
    this.#next = this.#tail;
    this.#dropped = Atomics.load(this.control, DROPPED);
  }

  /** Octets of the last entry of next(), its first word included. */
  size = 0;

  /**
   * Place of the oldest entry that was not released; -1: there is none. When the memory holds no valid entry (a thread died while
   * writing), everything up to the writer's position is skipped.
   */
  next(): number {
    const head = Atomics.load(this.control, HEAD);
    if (head === this.#tail) return -1;
    let place = this.#tail & (this.capacity - 1);
    let skipped = 0;
    if (this.words[place >> 2] === FILLER) {
      skipped = this.capacity - place;
      place = 0;
    }
    this.size = this.words[place >> 2]!;
    const filled = (head - this.#tail) | 0;
    const sound = this.size >= ALIGNMENT && this.size % ALIGNMENT === 0 && place + this.size <= this.capacity;
    if (!sound || skipped + this.size > filled || filled > this.capacity) {
      this.#next = head;
      this.release();
      return -1;
    }
    this.#next = (this.#tail + skipped + this.size) | 0;
    return place;
  }

  /** Gives the memory of the last entry of next() back to the writer. */
  release(): void {
    this.#tail = this.#next;
    Atomics.store(this.control, TAIL, this.#tail);
  }

  /** Entries that did not fit since this was last asked. */
  takeDropped(): number {
    const dropped = Atomics.load(this.control, DROPPED);
    const since = (dropped - this.#dropped) >>> 0;
    this.#dropped = dropped;
    return since;
  }
}
