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
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Contestant, OTHER_CPU } from '../bench/servers.js';
import { freePort, LOOPBACK } from '../support/peers/server.js';
import { p99Lines, print, sayWhetherSound, start, writeZone } from './judged-server.js';
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
    { port: itsPort, cpu: OTHER_CPU },
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
    { port },
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
for (const line of p99Lines(without, during)) console.log(line);
process.exitCode = sayWhetherSound([...without, ...during]) ? 0 : 1;
