/**
 * The descriptors that a thread has opened through the C library. Node closes none of them when the thread ends, however it ends. So
 * they stand in shared memory. Once the thread is gone, the thread that started it closes the descriptors that are left.
 */
import { libc } from '../libc.js';

/** Descriptors from this number on are not entered: the table would be larger than it is worth. */
const MOST = 0x10_0000;
const BITS = 32;

/** A table for descriptors below `limit`, the limit on open files; empty. */
export function descriptorTable(limit: number): Int32Array {
  const words = Math.ceil(Math.min(limit, MOST) / BITS);
  return new Int32Array(new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT));
}

/** Enters a descriptor that has just been opened. */
export function ownDescriptor(table: Int32Array, fd: number): void {
  if (fd < table.length * BITS) table[fd >>> 5]! |= 1 << (fd & 31);
}

/** Strikes a descriptor out. It is closed behind that: between the two, another thread could get its number. */
export function disownDescriptor(table: Int32Array, fd: number): void {
  if (fd < table.length * BITS) table[fd >>> 5]! &= ~(1 << (fd & 31));
}

/** Closes the descriptors that a thread has left open, which must have ended; returns how many. */
export function closeOwned(table: Int32Array): number {
  const system = libc();
  if (typeof system === 'string') return 0;
  let closed = 0;
  for (let word = 0; word < table.length; word++) {
    for (let bit = 0; table[word] !== 0; bit++) {
      const fd = word * BITS + bit;
      if ((table[word]! & (1 << bit)) === 0) continue;
      disownDescriptor(table, fd);
      system.close(fd);
      closed++;
    }
  }
  return closed;
}
