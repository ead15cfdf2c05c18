/**
 * The clients of a day by transport, and those that are followed: sketches of 2^14 registers, with a standard error of 0.8 %. Addresses are
 * hashed with a key that the control thread changes every day, and are kept nowhere. Each thread has sketches of its own; the key is shared
 * by all.
 * Hot file: integers, no allocation in noteClient().
 */
import { Transport } from '../../answer/facts.js';
import { mergeSketches, noteHash } from '../../report/hyper-log-log.js';
import { clearFollowed, createFollowTable } from './followed-clients.js';

const INDEX_BITS = 14;
const REGISTERS = 1 << INDEX_BITS;
/** Octets of the sketches of all transports, one behind the other. */
const DAY_OCTETS = REGISTERS * Object.keys(Transport).length;
const KEY_OCTETS = 8;

/** Shared memory of a thread. */
export interface DayMemory {
  /** Two words; the same for all threads. */
  readonly key: Int32Array;
  /** DAY_OCTETS. */
  readonly registers: Uint8Array;
  /** Clients that are followed (followed-clients.ts); the same for all threads. */
  readonly followed: Int32Array;
}

/** Memory for as many threads as `threads`. */
export function createDayMemory(threads: number): DayMemory[] {
  const key = new Int32Array(new SharedArrayBuffer(KEY_OCTETS));
  const followed = createFollowTable();
  return Array.from({ length: threads }, () => ({
    key,
    followed,
    registers: new Uint8Array(new SharedArrayBuffer(DAY_OCTETS)),
  }));
}

/** Notes a client by the hash of its address with the key of the day. */
export function noteClient({ registers }: DayMemory, transport: Transport, hash: number): void {
  noteHash(registers, transport * REGISTERS, INDEX_BITS, hash);
}

/** The sketches of all threads as one. */
export function clientsOfDay(memory: readonly DayMemory[]): Uint8Array {
  const sum = new Uint8Array(DAY_OCTETS);
  for (const { registers } of memory) mergeSketches(sum, registers);
  return sum;
}

/**
 * Begins a day, with the `registers` that are known of it. Meanwhile a thread may still use the key before: each message in hand may then
 * count one client too many.
 */
export function beginDay(memory: readonly DayMemory[], key: Uint8Array, registers?: Uint8Array): void {
  const view = new DataView(key.buffer, key.byteOffset, KEY_OCTETS);
  if (memory[0] !== undefined) clearFollowed(memory[0].followed);
  for (const [index, { key: words, registers: own }] of memory.entries()) {
    words[0] = view.getInt32(0, true);
    words[1] = view.getInt32(4, true);
    if (index === 0 && registers !== undefined) own.set(registers);
    else own.fill(0);
  }
}
