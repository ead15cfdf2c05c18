/**
 * node scripts/run-ts.mjs test/load/answering.ts [--rate 10000] [--seconds 20] [--rounds 2] [--records 100000]
 *
 * Whether a server answers as before while zones change and are transferred: it runs on one CPU, the clients on another. Questions come at an
 * even rate over UDP, TCP and TLS, first without anything else, then while a zone of so many records is transferred out again and again,
 * one of the same size is changed by IXFR from a primary every second, and 20 clients send UPDATE as fast as they are answered; this in
 * rounds. Prints a table; exit status 1 when an answer was lost, was wrong, or was older than one before. For a machine with nothing else
 * to do.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { largeZone } from '../bench/load.js';
import { median, printTable } from '../bench/measure.js';
import { launchOwn, ownConfig } from '../bench/server-configs.js';
import { type Contestant, OTHER_CPU, startLaunch } from '../bench/servers.js';
import { freePort, LOOPBACK } from '../support/peers/server.js';
import { askSteadily, type Judged } from './steady-asker.js';
import { LARGE, TAKEN, UPDATED, type ZoneWork } from './zone-work.js';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '2' },
    records: { type: 'string', default: '100000' },
  },
});
const [rate, seconds, rounds, records] = [values.rate, values.seconds, values.rounds, values.records].map(Number) as [
  number,
  number,
  number,
  number,
];
/** Records of the zone that is updated. */
const UPDATED_RECORDS = 1000;
/** What works beside the asker on its CPU comes after it. */
const BESIDE = ['nice', '-n', '10', 'taskset', '-c', OTHER_CPU];
const WORK = fileURLToPath(new URL('./zone-work.js', import.meta.url));
const QUESTIONS = [
  { name: `${UPDATED}.`, type: 'SOA', isSoa: true },
  { name: `${TAKEN}.`, type: 'SOA', isSoa: true },
  { name: `host7.${LARGE}.`, type: 'A', isSoa: false },
] as const;

const HERE = { name: 'here', addresses: [LOOPBACK] };

async function start(
  folder: string,
  name: string,
  zones: readonly string[],
  config: object,
  port: number,
): Promise<Contestant> {
  mkdirSync(folder, { recursive: true });
  const ports = { port, tlsPort: await freePort() };
  const state = { folder: join(folder, 'state') };
  const launch = launchOwn(folder, { ...ownConfig(ports), state, ...config });
  const cpu = name === 'primary' ? OTHER_CPU : undefined;
  return startLaunch({ name, tls: true, ports, zones, launch, ...(cpu && { cpu }) });
}

function writeZone(folder: string, name: string, size: number): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.zone`), largeZone(size).replace(/^\$ORIGIN .*\n/, ''));
}

const changed = (zone: string, more: object = {}): object => ({
  zones: [zone],
  update: [{ remote: 'here', allow: [{ subdomain: zone }] }],
  ...more,
});

/** The server, and the primary of one of its zones. */
async function startServers(folder: string): Promise<{ server: Contestant; primary: Contestant }> {
  const [own, its] = [join(folder, 'zones'), join(folder, 'primary-zones')];
  writeZone(own, LARGE, records);
  writeZone(own, UPDATED, UPDATED_RECORDS);
  writeZone(its, TAKEN, records);
  const transfer = { to: ['here'] };
  const [port, itsPort] = [await freePort(), await freePort()];
  const told = { name: 'told', addresses: [LOOPBACK], port };
  const primary = await start(
    join(folder, 'primary'),
    'primary',
    [TAKEN],
    {
      remotes: [HERE, told],
      zones: { folder: its, policies: [changed(TAKEN, { transfer, notify: ['told'] })] },
    },
    itsPort,
  );
  const server = await start(
    join(folder, 'server'),
    'adotd',
    [LARGE, UPDATED, TAKEN],
    {
      remotes: [HERE, { name: 'primary', addresses: [LOOPBACK], port: primary.port }],
      zones: {
        folder: own,
        secondary: [{ zones: [TAKEN], from: ['primary'] }],
        policies: [{ zones: [LARGE], transfer }, changed(UPDATED)],
      },
    },
    port,
  );
  return { server, primary };
}

async function endWork(work: ChildProcess): Promise<ZoneWork> {
  let printed = '';
  work.stdout?.on('data', (text) => {
    printed += text;
  });
  work.stdin?.end();
  await once(work, 'close');
  return JSON.parse(printed);
}

function print(title: string, all: readonly (readonly Judged[])[]): void {
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

const folder = mkdtempSync(join(tmpdir(), 'adotd-answering-'));
spawnSync('taskset', ['-a', '-c', '-p', OTHER_CPU, String(process.pid)]);
const { server, primary } = await startServers(folder);
const [without, during]: [Judged[][], Judged[][]] = [[], []];
const done: ZoneWork = { transfers: 0, updates: 0, changes: 0 };
try {
  // Code that has run for a while is compiled.
  await askSteadily(server, QUESTIONS, { rate, seconds: Math.min(seconds, 3) });
  for (let round = 0; round < rounds; round++) {
    without.push(await askSteadily(server, QUESTIONS, { rate, seconds }));
    const [program = '', ...words] = [...BESIDE, process.execPath, WORK, String(server.port), String(primary.port)];
    const work = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    during.push(await askSteadily(server, QUESTIONS, { rate, seconds }));
    const { transfers, updates, changes } = await endWork(work);
    done.transfers += transfers;
    done.updates += updates;
    done.changes += changes;
  }
} finally {
  await server.stop();
  await primary.stop();
  rmSync(folder, { recursive: true });
}
print(`${rate} questions a second, nothing else`, without);
print(
  `the same beside ${done.transfers} transfers of ${records} records, ${done.updates} updates, ${done.changes} changes of a zone of ${records} records by IXFR`,
  during,
);
const p99 = (all: readonly (readonly Judged[])[], i: number): number =>
  median(all.map((one) => one[i]?.p99 ?? Number.NaN));
for (const [i, { transport }] of (during[0] ?? []).entries())
  console.log(`${transport}: p99 ${(p99(during, i) / p99(without, i)).toFixed(2)} x`);
const isSound = [...without, ...during].flat().every(({ lost, wrong, older }) => lost + wrong + older === 0);
console.log(isSound ? 'nothing was lost, wrong or older' : 'answers were lost, wrong or older');
process.exitCode = isSound ? 0 : 1;
