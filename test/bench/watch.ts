/** Watching a folder of many zone files: what the start and a change cost, and how long it takes until a change is told. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeMachine } from './machine.js';
import { median, printTable } from './measure.js';

const ONCE = fileURLToPath(new URL('watch-once.js', import.meta.url));
const CHANGED = '0.test.zone';

interface Once {
  /** Milliseconds that update() takes. */
  readonly blocked: number;
  /** Milliseconds until a change is told that was made right after it. */
  readonly first: number;
  /** Milliseconds of CPU for the start and that change. */
  readonly start: number;
  /** Mebibytes. */
  readonly memory: number;
  readonly watches: number;
  /** Milliseconds from a later change until it is told. */
  readonly delays: readonly number[];
  /** Milliseconds of CPU for each of those. */
  readonly perChange: number;
}

/** Prints medians of `turns` processes that watch `zones` files in one folder. */
export function benchWatch(zones: number, turns: number): void {
  for (const [name, value] of Object.entries(describeMachine())) console.log(`${name}: ${value}`);
  console.log(`\nwatching ${zones} zone files; medians of ${turns} processes; settle is 10 ms`);
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-watch-'));
  try {
    for (let i = 0; i < zones; i++)
      writeFileSync(join(folder, `${i}.test.zone`), '@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n');
    const results: Once[] = [];
    for (let turn = 0; turn < turns; turn++)
      results.push(JSON.parse(execFileSync(process.execPath, [ONCE, folder, CHANGED], { encoding: 'utf8' })) as Once);
    const middle = (figure: (once: Once) => number): string => median(results.map(figure)).toFixed(1);
    printTable([
      ['start: blocks the thread, ms', middle(({ blocked }) => blocked)],
      ['start: CPU, ms', middle(({ start }) => start)],
      ['start: memory, MiB', middle(({ memory }) => memory)],
      ['inotify watches', middle(({ watches }) => watches)],
      ['a change right after the start is told after, ms', middle(({ first }) => first)],
      ['a later change is told after, ms', middle(({ delays }) => median(delays))],
      ['a later change: CPU, ms', middle(({ perChange }) => perChange)],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
