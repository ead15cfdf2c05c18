/** What a start costs above that of Node.js alone: commands, the import of the package, and a fixture until it is ready. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeMachine } from './machine.js';
import { median, printTable } from './measure.js';

interface Program {
  readonly name: string;
  readonly words: readonly string[];
  /** Milliseconds above Node.js alone that are asked for; undefined: no target. */
  readonly target?: number;
}

/** npm runs a script in the folder of the package. */
const ROOT = process.cwd();
const MAIN = join(ROOT, 'dist/cli/main.js');
const BARE: Program = { name: 'node alone', words: ['--eval', '0'] };
const ZONE = join(ROOT, 'zones/home.test.zone');
const imported = (file: string): string[] => [
  '--input-type=module',
  '--eval',
  `await import('${pathToFileURL(join(ROOT, file)).href}')`,
];
const PROGRAMS: readonly Program[] = [
  BARE,
  { name: 'adotd --version', words: [MAIN, '--version'], target: 60 },
  { name: 'adotd check, a small zone', words: [MAIN, 'check', ZONE], target: 115 },
  { name: "import 'adotd'", words: imported('dist/index.js'), target: 55 },
  { name: "import 'adotd/client'", words: imported('dist/client/index.js') },
  { name: 'adotd fixture, to its line of ports', words: [MAIN, 'fixture', '--zone', `home.test=${ZONE}`], target: 150 },
];

/** Prints medians of `turns` starts of each program, in turns, and how much each takes above Node.js alone. */
export async function benchStart(turns: number): Promise<void> {
  for (const [name, value] of Object.entries(describeMachine())) console.log(`${name}: ${value}`);
  console.log(`\nMilliseconds from the start of the process to its end; medians of ${turns} starts.\n`);
  const times = new Map<string, number[]>(PROGRAMS.map(({ name }) => [name, []]));
  // The first turn fills the caches of the file system.
  for (let turn = 0; turn <= turns; turn++)
    for (const program of PROGRAMS) {
      const time = await start(program);
      if (turn > 0) times.get(program.name)?.push(time);
    }
  const timeOf = (name: string): number => median(times.get(name) ?? []);
  const bare = timeOf(BARE.name);
  printTable([
    ['', 'ms', 'above node', 'target'],
    ...PROGRAMS.map(({ name, target }) => [
      name,
      timeOf(name).toFixed(0),
      name === BARE.name ? '' : (timeOf(name) - bare).toFixed(0),
      target === undefined ? '' : String(target),
    ]),
  ]);
}

/** Milliseconds until the program ends, or says its first line where it would go on. */
async function start({ name, words }: Program): Promise<number> {
  // Where NODE_EXTRA_CA_CERTS is set, Node.js 20 reads that file at every start: 40 ms that are none of ours.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const began = performance.now();
  const child = spawn(process.execPath, words, { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const exit = once(child, 'exit');
  let time: number | undefined;
  child.stdout.once('data', () => {
    if (!name.includes('fixture')) return;
    time = performance.now() - began;
    // The end of its standard input ends a fixture.
    child.stdin.end();
  });
  const [status] = await exit;
  if (status !== 0) throw new Error(`${name} ended with status ${status}`);
  return time ?? performance.now() - began;
}
