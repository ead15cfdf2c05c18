/** The priority of threads that work beside those that answer. */
import { getPriority, setPriority } from 'node:os';

/** Niceness: under load such a thread gets a tenth of what a thread gets that answers. */
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
