/**
 * node scripts/run-ts.mjs test/load/signing.ts [--rate 10000] [--seconds 20] [--rounds 2] [--names 100000]
 *
 * Whether a server answers as before while it signs: it runs on one CPU, the clients on another. Questions come at an even rate over UDP, TCP and
 * TLS, first without anything else, then while all signatures of a zone of so many names are made anew, again and again; this in rounds. Prints
 * a table; exit status 1 when an answer was lost, was wrong, or was older than one before. For a machine with nothing else to do.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { OTHER_CPU } from '../bench/servers.js';
import { MAIN } from '../support/cli.js';
import { freePort } from '../support/peers/server.js';
import { p99Lines, print, sayWhetherSound, start, writeZone } from './judged-server.js';
import { askSteadily, type Judged } from './steady-asker.js';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '2' },
    names: { type: 'string', default: '100000' },
  },
});
const [rate = 0, seconds = 0, rounds = 0, names = 0] = [values.rate, values.seconds, values.rounds, values.names].map(
  Number,
);
const SIGNED = 'signed.test';
const OTHER = 'other.test';
const QUESTIONS = [
  { name: `${OTHER}.`, type: 'SOA', isSoa: true },
  { name: `${SIGNED}.`, type: 'SOA', isSoa: true },
  { name: `host7.${SIGNED}.`, type: 'A', isSoa: false },
] as const;

const folder = mkdtempSync(join(tmpdir(), 'adotd-signing-'));
const socket = join(folder, 'ctl.sock');

/** Has all signatures made anew; fulfilled when they are served. */
async function sign(): Promise<void> {
  const words = [MAIN, 'ctl', 'dnssec', 'sign', SIGNED, '--socket', socket];
  const child = spawn('taskset', ['-c', OTHER_CPU, process.execPath, ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`adotd ctl dnssec sign ended with status ${status}`);
}

spawnSync('taskset', ['-a', '-c', '-p', OTHER_CPU, String(process.pid)]);
writeZone(join(folder, 'zones'), SIGNED, names);
writeZone(join(folder, 'zones'), OTHER, 1000);
const server = await start(
  join(folder, 'server'),
  'adotd',
  [SIGNED, OTHER],
  {
    control: { socket },
    zones: { folder: join(folder, 'zones'), policies: [{ zones: [SIGNED], dnssec: 'default' }] },
  },
  { port: await freePort() },
);
const [without, during]: [Judged[][], Judged[][]] = [[], []];
let signings = 0;
try {
  // The zone is signed for the first time, and code that has run for a while is compiled.
  await sign();
  await askSteadily(server, QUESTIONS, { rate, seconds: Math.min(seconds, 3) });
  for (let round = 0; round < rounds; round++) {
    without.push(await askSteadily(server, QUESTIONS, { rate, seconds }));
    let isOver = false;
    const work = (async () => {
      for (; !isOver; signings++) await sign();
    })();
    await wait(500);
    during.push(await askSteadily(server, QUESTIONS, { rate, seconds }));
    isOver = true;
    await work;
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}
print(`${rate} questions a second, nothing else`, without);
print(`the same while ${names} names were signed ${signings} times`, during);
for (const line of p99Lines(without, during)) console.log(line);
process.exitCode = sayWhetherSound([...without, ...during]) ? 0 : 1;
