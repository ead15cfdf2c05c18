/** `RUNS [SEED]`: kills a process that stores changes so many times; exit status 1 when something is lost, or a start fails. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAgainAndAgain } from './killed-stores.js';

const [runs = '1000', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
console.log(`seed ${seed}, ${runs} processes`);
const folder = join(mkdtempSync(join(tmpdir(), 'adotd-crash-')), 'state');
const { wrong, tally } = await killAgainAndAgain(folder, Number(runs), Number(seed));
for (const fault of wrong) console.log(fault);
console.log(
  `${tally.acknowledged} changes acknowledged, ${tally.early} killed before they had opened, ${wrong.length} faults`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
