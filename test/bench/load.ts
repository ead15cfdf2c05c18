/** Loading: one large zone and many small ones, beside nsd-checkzone, named-checkzone and kzonecheck. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cost, isInstalled, median, printTable, run } from './measure.js';
import { smallZoneText } from './workload.js';

const ORIGIN = 'big.test';

/** A zone of about `records` records: 98 % addresses, the rest delegations with glue. */
export function largeZone(records: number): string {
  const delegations = Math.floor(records / 100);
  const lines = [`$ORIGIN ${ORIGIN}.`, '$TTL 3600', '@ IN SOA ns1 host 1 7200 900 1209600 300', '@ IN NS ns1'];
  lines.push('ns1 IN A 192.0.2.1');
  for (let i = 0; i < records; i++) lines.push(`host${i} 300 IN A 10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`);
  for (let i = 0; i < delegations; i++) lines.push(`sub${i} IN NS ns.sub${i}`, `ns.sub${i} IN A 192.0.2.7`);
  return `${lines.join('\n')}\n`;
}

interface Contestant {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** Prints time and memory of loading, and their ratios to nsd-checkzone. */
export async function benchLoad(records: number, zones: number, turns: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  try {
    const file = join(folder, `${ORIGIN}.zone`);
    writeFileSync(file, largeZone(records));
    const worker = fileURLToPath(new URL('./load-one.js', import.meta.url));
    const all: Contestant[] = [
      { name: 'adotd', command: process.execPath, args: [worker, file] },
      { name: 'nsd-checkzone', command: 'nsd-checkzone', args: [ORIGIN, file] },
      { name: 'named-checkzone', command: 'named-checkzone', args: ['-i', 'none', ORIGIN, file] },
      { name: 'kzonecheck', command: 'kzonecheck', args: ['-o', ORIGIN, file] },
    ];
    const present = all.filter(({ command }) => isInstalled(command));
    for (const { name } of all.filter((one) => !present.includes(one))) console.log(`${name} is not installed`);
    const costs = new Map<string, Cost[]>(present.map(({ name }) => [name, []]));
    for (let turn = 0; turn < turns; turn++) {
      for (const { name, command, args } of present) costs.get(name)!.push(await run(command, args));
    }
    const middle = (name: string, field: 'elapsed' | 'memory') =>
      median(costs.get(name)?.map((cost) => cost[field]) ?? []);
    const nsd = middle('nsd-checkzone', 'elapsed');
    console.log(`\n${records} records, median of ${turns} turns, whole processes`);
    printTable([
      ['program', 'seconds', 'x nsd-checkzone', 'peak MiB'],
      ...present.map(({ name }) => [
        name,
        middle(name, 'elapsed').toFixed(2),
        (middle(name, 'elapsed') / nsd).toFixed(2),
        middle(name, 'memory').toFixed(0),
      ]),
    ]);
    console.log(`adotd: ${costs.get('adotd')!.at(-1)!.output.trim()}`);
    await benchMany(folder, zones);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function benchMany(folder: string, zones: number): Promise<void> {
  const many = join(folder, 'many');
  mkdirSync(many);
  for (let i = 0; i < zones; i++) writeFileSync(join(many, `zone${i}.test.zone`), smallZoneText(i));
  const worker = fileURLToPath(new URL('./load-many.js', import.meta.url));
  const { elapsed, output } = await run(process.execPath, [worker, many]);
  console.log(`\n${zones} zones of 11 records: ${output.trim()}; the process took ${elapsed.toFixed(2)} s`);
}
