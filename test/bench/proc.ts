/**
 * CPU, waits and memory of a process and its descendants, from /proc. CPU is by schedstat, in nanoseconds: the ticks of /proc/PID/stat are
 * hundredths of a second, and a server that works for 30 µs at a time is hardly ever met by one.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** CPU used so far, to be compared with a later reading. */
export interface CpuReading {
  /** Microseconds, of all threads, by the scheduler's own clock. */
  readonly total: number;
  /** Ticks of the system's clock; coarse, but they tell user from system. */
  readonly userTicks: number;
  readonly systemTicks: number;
  /** Times that a thread has begun to wait, so that it had to be woken again. */
  readonly waits: number;
}

/** Microseconds of CPU, and how often threads were woken. */
interface CpuTime {
  readonly total: number;
  readonly user: number;
  readonly system: number;
  readonly wakeUps: number;
}

/** Fields of /proc/PID/stat that matter here (proc_pid_stat(5)). */
interface Stat {
  readonly parent: number;
  readonly userTicks: number;
  readonly systemTicks: number;
}

/** Hundredths of a second: USER_HZ is 100 on all of Linux' architectures that Node runs on. */
const MICROSECONDS_PER_TICK = 10_000;

/** The text of /proc/PID/stat; the name of the program may hold blanks and parentheses. */
export function parseStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), userTicks: Number(fields[11]), systemTicks: Number(fields[12]) };
}

/** Microseconds on a CPU: the first number of /proc/PID/task/TID/schedstat, which is in nanoseconds. */
export function parseSchedstat(text: string): number {
  return Number(text.split(' ')[0]) / 1000;
}

/** Times that a thread gave the CPU back to wait, from /proc/PID/task/TID/status; 0 when it is not told. */
export function parseWaits(text: string): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(text)?.[1] ?? 0);
}

/** Octets of a line such as `Pss:  1234 kB` of smaps_rollup or status; 0 when there is none. */
export function parseKilobytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
}

/** The CPU time between two readings. User and system have the ticks' proportion of the exact total. */
export function cpuBetween(before: CpuReading, after: CpuReading): CpuTime {
  const total = after.total - before.total;
  const user = after.userTicks - before.userTicks;
  const system = after.systemTicks - before.systemTicks;
  const share = user + system > 0 ? user / (user + system) : Number.NaN;
  return { total, user: total * share, system: total * (1 - share), wakeUps: after.waits - before.waits };
}

/** CPU of a process, its threads, and the processes that it has started. Threads that have ended are forgotten. */
export function readCpu(pid: number): CpuReading {
  const reading = { total: 0, userTicks: 0, systemTicks: 0, waits: 0 };
  for (const member of family(pid)) {
    const stat = statOf(member);
    if (stat === undefined) continue;
    reading.userTicks += stat.userTicks;
    reading.systemTicks += stat.systemTicks;
    // The ticks miss short runs between them, and count in hundredths of a second: the scheduler's clock does not.
    const threads = readThreads(member);
    reading.total += threads?.scheduled ?? (stat.userTicks + stat.systemTicks) * MICROSECONDS_PER_TICK;
    reading.waits += threads?.waits ?? 0;
  }
  return reading;
}

/** `Pss`: pages that processes share, as after fork(), count once in all; `VmRSS`: once for each; `VmHWM`: the most of that so far. */
export type MemoryKind = 'Pss' | 'VmRSS' | 'VmHWM';

/** Octets in memory of a process and those that it has started. */
export function readMemory(pid: number, kind: MemoryKind): number {
  const file = kind === 'Pss' ? 'smaps_rollup' : 'status';
  return family(pid).reduce((sum, member) => sum + parseKilobytes(textOf(`/proc/${member}/${file}`) ?? '', kind), 0);
}

/** Has `VmHWM` begin anew at what is in memory now (proc_pid_clear_refs(5)). */
export function resetPeak(pid: number): void {
  for (const member of family(pid)) writeFileSync(`/proc/${member}/clear_refs`, '5');
}

/** A process and those that it has started. */
function family(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    const stat = /^\d+$/.test(entry) ? statOf(Number(entry)) : undefined;
    if (stat !== undefined) parents.set(Number(entry), stat.parent);
  }
  const members = [pid];
  for (const member of members) for (const [child, parent] of parents) if (parent === member) members.push(child);
  return members;
}

function statOf(pid: number): Stat | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/** Microseconds and waits of all threads; undefined when the process has ended. */
function readThreads(pid: number): { readonly scheduled: number; readonly waits: number } | undefined {
  const folder = `/proc/${pid}/task`;
  const sum = { scheduled: 0, waits: 0 };
  try {
    for (const task of readdirSync(folder)) {
      sum.scheduled += parseSchedstat(readFileSync(`${folder}/${task}/schedstat`, 'latin1'));
      sum.waits += parseWaits(readFileSync(`${folder}/${task}/status`, 'latin1'));
    }
  } catch {
    return undefined;
  }
  return sum;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined;
  }
}
