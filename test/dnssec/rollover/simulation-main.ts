/**
 * node scripts/run-ts.mjs test/dnssec/rollover/simulation-main.ts [--runs 100000] [--first 0] [--shared 0]
 *
 * Runs the simulation with so many seeds, and that of two signers with `--shared` many; prints how many were run, and each seed of which a zone
 * became bogus or insecure; exit status 1 then.
 */
import { parseArgs } from 'node:util';
import { simulate } from './simulation.js';
import { simulateTwoSigners } from './two-signers.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    first: { type: 'string', default: '0' },
    shared: { type: 'string', default: '0' },
  },
});
const first = Number(values.first);
/** Runs after which it says how far it is. */
const REPORT = 500;
let [keys, dsChanges, clockSets] = [0, 0, 0];
const began = performance.now();

function report(title: string, done: number, more: string): void {
  console.log(
    `${title}: ${done} runs, seeds ${first} to ${first + done - 1}, ${Math.round((performance.now() - began) / 1000)} s${more}`,
  );
}

for (let done = 1; done <= Number(values.runs); done++) {
  const seed = first + done - 1;
  const outcome = simulate(seed);
  keys += outcome.keys;
  dsChanges += outcome.dsChanges;
  clockSets += outcome.clockSets;
  const wrong = outcome.bogus ?? outcome.insecure;
  if (wrong !== undefined) {
    console.log(`seed ${seed}: ${wrong}`);
    process.exitCode = 1;
  }
  if (done % REPORT === 0 || done === Number(values.runs))
    report('one signer', done, `; ${keys} keys, ${dsChanges} changes of DS records, clocks set ${clockSets} times`);
}
for (let done = 1; done <= Number(values.shared); done++) {
  const seed = first + done - 1;
  const { bogus } = simulateTwoSigners(seed);
  if (bogus !== undefined) {
    console.log(`two signers, seed ${seed}: ${bogus}`);
    process.exitCode = 1;
  }
  if (done % REPORT === 0 || done === Number(values.shared)) report('two signers', done, '');
}
