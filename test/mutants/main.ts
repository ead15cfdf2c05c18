/**
 * Mutation test: puts mistakes into the engine (mutants.ts), one at a time, and demands that the tests catch each.
 *
 *     npm run test:mutants [-- --only TEXT] [--count 5000] [--keep]
 *
 * Works on a copy of the repository in a temporary folder. A mutant is judged by the differential test, against answers
 * of NSD, Knot and BIND that were recorded at the start, and if it survives that, by the reference, conformance and unit
 * tests of the engine. Needs Debian's packages nsd, knot, bind9 and bind9-utils. `--only` runs the mutants whose name or
 * file contains a text. Exit status 0 when all were caught; a mutant whose text is not found (exactly once) is a failure,
 * and so is an unchanged engine that does not pass.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare } from '../differential/compare.js';
import { startEngine } from '../differential/engine.js';
import type { Query } from '../differential/queries.js';
import { Random } from '../differential/random.js';
import { askAbout, startPeers } from '../differential/run.js';
import { makeWorld, servedByAll } from '../differential/world.js';
import { MUTANTS, type Mutant } from './mutants.js';
import { Recorder, writeRecording } from './recording.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    count: { type: 'string', default: '5000' },
    keep: { type: 'boolean', default: false },
  },
});

/** This file runs from .build/test/mutants. */
const repository = resolve(fileURLToPath(import.meta.url), '../../../..');
const folder = mkdtempSync(join(tmpdir(), 'adotd-mutants-'));
const copy = join(folder, 'copy');
const recording = join(folder, 'recording.json');
const SEED = 7;
const FAMILIES = 14;
const COPIED = ['src', 'test', 'zones', 'package.json', 'tsconfig.json', 'tsconfig.test.json', 'vitest.config.ts'];
/** Tests of the engine besides the differential one. */
const TESTS = ['test/reference', 'test/conformance', 'test/answer', 'test/image'];
/** Milliseconds after which a mutant that does not end is caught. */
const TIMEOUT = 120_000;

interface Ended {
  readonly passed: boolean;
  readonly output: string;
}

function run(args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const options = { cwd: copy, timeout: TIMEOUT, killSignal: 'SIGKILL', maxBuffer: 64 << 20 } as const;
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      done({ passed: error === null, output: stdout + stderr });
    });
  });
}

async function record(): Promise<void> {
  const random = new Random(SEED);
  const world = await makeWorld(random, FAMILIES, join(folder, 'world'));
  const peers = await startPeers(join(folder, 'world'), world.zones);
  try {
    const refused: string[] = [];
    const ours = startEngine(world.zones, refused);
    const zones = await servedByAll(world.zones, [ours, ...peers], refused);
    const recorders = peers.map((peer) => new Recorder(peer));
    const queries: Query[] = [];
    const ask = (query: Query) => {
      queries.push(query);
      return compare(ours, recorders, query);
    };
    await askAbout(zones, ask, random.fork(1), Number(values.count));
    writeRecording(recording, zones, queries, recorders);
  } finally {
    for (const peer of peers) await peer.stop();
  }
}

const compiled = join('.build', 'test', 'mutants', 'judge.js');
const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
const vitest = join('node_modules', 'vitest', 'vitest.mjs');

/** What catches the engine in the copy as it stands, or undefined when it passes everything. */
async function judge(): Promise<string | undefined> {
  const built = await run([tsc, '-p', 'tsconfig.test.json', '--noEmit', 'false', '--noCheck', '--outDir', '.build']);
  if (!built.passed) return `compiler: ${firstLine(built.output)}`;
  const differential = await run([compiled, recording]);
  if (!differential.passed) return `differential: ${firstLine(differential.output)}`;
  const unit = await run([vitest, 'run', '--bail', '1', ...TESTS]);
  if (!unit.passed)
    return `unit: ${firstLine(
      unit.output
        .split('\n')
        .filter((line) => /FAIL|Error/.test(line))
        .join('\n'),
    )}`;
  return undefined;
}

function firstLine(text: string): string {
  const lines = text.trim().split('\n');
  const telling = lines.find((line) => /Error/.test(line)) ?? lines[0] ?? '';
  return (telling.trim() || 'no output').slice(0, 160);
}

/** Puts the mutant into the copy and judges it; throws when its text does not occur exactly once. */
async function tryMutant({ name, file, find, replace }: Mutant): Promise<string | undefined> {
  const path = join(copy, 'src', file);
  const source = readFileSync(path, 'utf8');
  if (source.split(find).length !== 2) {
    throw new Error(
      `mutant "${name}": its text occurs ${source.split(find).length - 1} times in src/${file}, not once`,
    );
  }
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  try {
    return await judge();
  } finally {
    writeFileSync(path, source);
  }
}

const failed: string[] = [];
try {
  for (const entry of COPIED) cpSync(join(repository, entry), join(copy, entry), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
  // Threads run compiled modules: those of the mutant.
  symlinkSync(join('.build', 'src'), join(copy, 'dist'));
  await record();
  const clean = await judge();
  if (clean !== undefined) throw new Error(`the engine without any mutant does not pass: ${clean}`);
  const chosen = MUTANTS.filter(({ name, file }) => `${file} ${name}`.includes(values.only));
  for (const mutant of chosen) {
    try {
      const catcher = await tryMutant(mutant);
      if (catcher === undefined) failed.push(`survived: ${mutant.name} (src/${mutant.file})`);
      console.log(`${catcher === undefined ? 'SURVIVED' : 'caught  '} ${mutant.name}${catcher ? ` — ${catcher}` : ''}`);
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error));
    }
  }
  console.log(`\n${chosen.length - failed.length} of ${chosen.length} mutants caught`);
} catch (error) {
  failed.push(error instanceof Error ? error.message : String(error));
} finally {
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
}
for (const line of failed) console.log(`FAILED: ${line}`);
process.exitCode = failed.length > 0 ? 1 : 0;
