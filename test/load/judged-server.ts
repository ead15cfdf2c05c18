/** A server whose answers are judged (steady-asker.ts), and what is printed of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { largeZone } from '../bench/load.js';
import { median, printTable } from '../bench/measure.js';
import { launchOwn, ownConfig } from '../bench/server-configs.js';
import { type Contestant, startLaunch } from '../bench/servers.js';
import { freePort } from '../support/peers/server.js';
import type { Judged } from './steady-asker.js';

/** Starts adotd with state on one CPU. `config`: what it has besides. */
export async function start(
  folder: string,
  name: string,
  zones: readonly string[],
  config: object,
  { port, cpu }: { readonly port: number; readonly cpu?: string },
): Promise<Contestant> {
  mkdirSync(folder, { recursive: true });
  const ports = { port, tlsPort: await freePort() };
  const state = { folder: join(folder, 'state') };
  const launch = launchOwn(folder, { ...ownConfig(ports), state, ...config });
  return startLaunch({ name, tls: true, ports, zones, launch, ...(cpu && { cpu }) });
}

/** Writes a file of so many records. */
export function writeZone(folder: string, name: string, size: number): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.zone`), largeZone(size).replace(/^\$ORIGIN .*\n/, ''));
}

/** Prints a table of rounds. */
export function print(title: string, all: readonly (readonly Judged[])[]): void {
  const numbers = (field: 'asked' | 'lost' | 'wrong' | 'older' | 'olderAcross' | 'versions', i: number): string =>
    String(all.reduce((sum, one) => sum + (one[i]?.[field] ?? 0), 0));
  const time = (field: 'median' | 'p99' | 'latest', i: number): string =>
    median(all.map((one) => one[i]?.[field] ?? Number.NaN)).toFixed(2);
  console.log(`\n${title}`);
  printTable([
    [
      'transport',
      'asked',
      'lost',
      'wrong',
      'older',
      'older than of others',
      'versions',
      'median ms',
      'p99 ms',
      'latest ms',
    ],
    ...(all[0] ?? []).map(({ transport }, i) => [
      transport,
      ...(['asked', 'lost', 'wrong', 'older', 'olderAcross', 'versions'] as const).map((field) => numbers(field, i)),
      ...(['median', 'p99', 'latest'] as const).map((field) => time(field, i)),
    ]),
  ]);
}

/** How many times as long the slowest hundredth of answers took, by transport. */
export function p99Lines(without: readonly (readonly Judged[])[], during: readonly (readonly Judged[])[]): string[] {
  const p99 = (all: readonly (readonly Judged[])[], i: number): number =>
    median(all.map((one) => one[i]?.p99 ?? Number.NaN));
  return (during[0] ?? []).map(
    ({ transport }, i) => `${transport}: p99 ${(p99(during, i) / p99(without, i)).toFixed(2)} x`,
  );
}

export function sayWhetherSound(all: readonly (readonly Judged[])[]): boolean {
  const isSound = all.flat().every(({ lost, wrong, older }) => lost + wrong + older === 0);
  console.log(isSound ? 'nothing was lost, wrong or older' : 'answers were lost, wrong or older');
  return isSound;
}
