/** The order of threads: first those that answer, then those that work beside them. */
import { getPriority, setPriority } from 'node:os';
import { libc } from '../../transport/libc.js';

/** Niceness: under load such a thread gets a tenth of the CPU time of a thread that answers. */
const LOWER = 10;

/**
 * Has the calling thread, and those that it starts, wait for threads that answer. On Linux niceness is a thread's, and 0 stands for the calling
 * one (setpriority(2)); elsewhere it is the process's, and stays. It stays, too, where a sandbox forbids the call.
 */
export function lowerPriority(
  system: { getPriority(pid: number): number; setPriority(pid: number, priority: number): void } = {
    getPriority,
    setPriority,
  },
): void {
  if (process.platform !== 'linux') return;
  try {
    // A thread that is lower already may not be raised, and need not.
    if (system.getPriority(0) < LOWER) system.setPriority(0, LOWER);
  } catch {
    // Answers come in time without it on machines that have room.
  }
}

/** Nanoseconds. The system takes 0.1 to 100 ms (sched(7)). */
const SHORT = 100_000;
/** The number of sched_setattr(2), which the C library of many systems has no function for. */
const SCHED_SETATTR: Readonly<Record<string, number>> = { x64: 314, arm64: 274, riscv64: 274 };
/** struct sched_attr in its first version: size, policy, flags, nice, priority, runtime, deadline, period. */
const SIZE = 48;
const [NICE_AT, RUNTIME_AT] = [16, 24];

/**
 * Asks for short turns of the calling thread: when it has something to do, the system then takes the CPU from threads with longer turns at
 * once. Its share of the CPU stays as it was. Linux does so since 6.12, and takes no notice before. Returns whether the system took it: a
 * sandbox may forbid the call.
 */
export function takeShortTurns(): boolean {
  const system = libc();
  const number = SCHED_SETATTR[process.arch];
  if (typeof system === 'string' || number === undefined) return false;
  const attributes = Buffer.alloc(SIZE);
  attributes.writeUInt32LE(SIZE, 0);
  attributes.writeInt32LE(getPriority(0), NICE_AT);
  attributes.writeBigUInt64LE(BigInt(SHORT), RUNTIME_AT);
  return system.schedSetattr(number, 0, attributes, 0) === 0;
}
