/**
 * Differential test: adotd's engine against NSD, Knot and BIND on random zones.
 *
 *     npm run test:differential -- --count 100000 [--seed 1] [--families 40] [--path engine|embedded|threads] [--folder DIR]
 *         [--examples 3] [--quiet]
 *
 * Needs Debian's packages nsd, knot, bind9 and bind9-utils. Exit status 0 when no answer of ours is faulty by itself or
 * has all peers that can judge it (two at least) against it, and no cell of the table is thin. A seed gives the same zones
 * and questions (signatures differ); `--folder` keeps the files. `--path`: respond() in the process (default), or a server over
 * sockets, embedded or with threads. Peers run on free loopback ports and are stopped at the end.
 */
import { parseArgs } from 'node:util';
import type { Path } from './engine.js';
import { failures, showDifferences, summary } from './report.js';
import { runDifferential } from './run.js';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    families: { type: 'string' },
    folder: { type: 'string' },
    path: { type: 'string', default: 'engine' },
    examples: { type: 'string', default: '2' },
    quiet: { type: 'boolean', default: false },
  },
});

/** Throws for another word. */
function pathOf(word: string): Path {
  if (word === 'engine' || word === 'embedded' || word === 'threads') return word;
  throw new Error(`--path ${word}: expected engine, embedded or threads`);
}

const result = await runDifferential({
  seed: Number(values.seed),
  count: Number(values.count),
  path: pathOf(values.path),
  ...(values.families === undefined ? {} : { families: Number(values.families) }),
  ...(values.folder === undefined ? {} : { folder: values.folder }),
});
for (const line of [...result.unsignable, ...result.refused]) console.log(`not asked about: ${line}`);
if (!values.quiet) console.log(`\nSome agree with us:\n${showDifferences(result, false, Number(values.examples))}`);
console.log(`\nNone agrees with us:\n${showDifferences(result, true, Number(values.examples))}`);
console.log(`\n${summary(result)}`);
const failed = failures(result);
for (const line of failed) console.log(`FAILED: ${line}`);
process.exitCode = failed.length > 0 ? 1 : 0;
