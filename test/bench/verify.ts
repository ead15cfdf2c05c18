/** Verifying a signed zone: `adotd check` beside dnssec-verify, kzonecheck and ldns-verify-zone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cost, isInstalled, median, printTable, run } from './measure.js';
import { ZONE } from './workload.js';
import { SIZES, signedWorkload, workload } from './worlds.js';

/** As Cost, with seconds of CPU of all threads. */
export interface CpuCost extends Cost {
  readonly cpu: number;
}

/** Runs a program; the shell says what CPU it took. */
export async function timed(command: string, args: readonly string[]): Promise<CpuCost> {
  const script = 'TIMEFORMAT="%U %S"; time "$@"';
  const cost = await run('bash', ['-c', script, 'bash', command, ...args]);
  const [user, system] = cost.output.trimEnd().split('\n').at(-1)!.split(' ').map(Number);
  return { ...cost, cpu: user! + system! };
}

/** Prints CPU and time of verifying a zone of `names` names, signed with NSEC and ECDSAP256SHA256. */
export async function benchVerify(names: number, turns: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  try {
    const sizes = { ...SIZES, names, delegations: Math.ceil(names / 100) };
    const { zonesFolder } = await signedWorkload(join(folder, 'signed'), workload(join(folder, 'unsigned'), sizes));
    const file = join(zonesFolder, `${ZONE}.zone`);
    const adotd = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
    const all = [
      { name: 'adotd check', command: process.execPath, args: [adotd, 'check', file] },
      { name: 'dnssec-verify', command: 'dnssec-verify', args: ['-q', '-z', '-o', ZONE, file] },
      { name: 'kzonecheck', command: 'kzonecheck', args: ['-o', ZONE, file] },
      { name: 'ldns-verify-zone', command: 'ldns-verify-zone', args: [file] },
    ];
    const present = all.filter(({ command }) => command === process.execPath || isInstalled(command));
    for (const { name } of all.filter((one) => !present.includes(one))) console.log(`${name} is not installed`);
    const costs = new Map<string, CpuCost[]>(present.map(({ name }) => [name, []]));
    for (let turn = 0; turn < turns; turn++) {
      for (const { name, command, args } of present) costs.get(name)!.push(await timed(command, args));
    }
    const middle = (name: string, field: 'cpu' | 'elapsed'): number =>
      median(costs.get(name)?.map((cost) => cost[field]) ?? []);
    const bind = middle('dnssec-verify', 'cpu');
    console.log(`\n${names} names, median of ${turns} turns, whole processes`);
    printTable([
      ['program', 'CPU seconds', 'x dnssec-verify', 'seconds'],
      ...present.map(({ name }) => [
        name,
        middle(name, 'cpu').toFixed(2),
        (middle(name, 'cpu') / bind).toFixed(2),
        middle(name, 'elapsed').toFixed(2),
      ]),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
