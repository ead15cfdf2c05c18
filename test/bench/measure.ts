/** Runs programs and measures their time and memory. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cost {
  /** Seconds from start to exit. */
  readonly elapsed: number;
  /** Peak MiB (VmHWM). */
  readonly memory: number;
  readonly output: string;
}

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

/** Runs a program to its end; throws when it fails. */
export async function run(program: string, args: readonly string[]): Promise<Cost> {
  const started = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  let memory = 0;
  const watch = setInterval(() => {
    memory = Math.max(memory, highWater(child.pid));
  }, 5);
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(watch);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with status ${status}: ${output}`);
  return { elapsed: (performance.now() - started) / 1000, memory, output };
}

function highWater(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Nanoseconds of this process's CPU for each of `count`, since process.cpuUsage() returned `began`. */
export function nanosecondsEach(began: NodeJS.CpuUsage, count: number): number {
  const { user, system } = process.cpuUsage(began);
  return ((user + system) * 1000) / count;
}

/** The middle one of the values, or the mean of the two in the middle; NaN without any. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Prints rows of text in columns. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}
