/**
 * Mutation test: puts mistakes into the engine, sessions and the client (mutants.ts), one at a time, and demands that the tests
 * catch each.
 *
 *     npm run test:mutants [-- --only TEXT] [--from 1] [--count 5000] [--keep]
 *
 * Works on a copy of the repository in a temporary folder. A mutant is judged by the tests of its area (stages.ts), one of the
 * engine by the differential test first, against answers of NSD, Knot and BIND that were recorded at the start; what caught it is
 * printed. Needs Debian's packages nsd, knot, bind9 and bind9-utils. `--only` runs the mutants whose name or file contains a
 * text, `--from` leaves out those before the Nth. Exit status 0 when all were caught; a mutant whose text is not found (exactly
 * once) is a failure, and so are sources that do not pass unchanged.
 *
 * Tests that do not end in time catch nothing: the machine may be busy. Such mutants are tried again at the end, with more
 * time; one that is late again is a failure.
 */
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
import { areaOf, MUTANTS, type Mutant, mutate } from './mutants.js';
import { Recorder, writeRecording } from './recording.js';
import { judge, type Verdict } from './stages.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    from: { type: 'string', default: '1' },
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
const COPIED = ['src', 'test', 'zones', 'package.json', 'tsconfig.json', 'tsconfig.test.json'];
/** Milliseconds that a stage may take. On a quiet machine of 2026 the longest takes 20 s. */
const PATIENCE = 120_000;
/** The same, at the second try. */
const MORE_PATIENCE = 600_000;

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

/** Puts the mutant into the copy and judges it; throws when its text does not occur exactly once. */
async function tryMutant(mutant: Mutant, patience: number): Promise<Verdict> {
  const path = join(copy, 'src', mutant.file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(path, mutate(mutant, source));
  try {
    return await judge(copy, areaOf(mutant), recording, patience);
  } finally {
    writeFileSync(path, source);
  }
}

const WORDS = { passed: 'SURVIVED', caught: 'caught  ', late: 'late    ' } as const;

/** Tries each mutant, prints what became of it and returns the late ones. */
async function tryAll(mutants: readonly Mutant[], patience: number): Promise<Mutant[]> {
  const late: Mutant[] = [];
  for (const mutant of mutants) {
    const began = performance.now();
    const verdict = await tryMutant(mutant, patience);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const by = verdict.kind === 'passed' ? '' : ` — ${verdict.by}`;
    console.log(`${WORDS[verdict.kind]} ${seconds.padStart(5)} s  ${mutant.file}: ${mutant.name}${by}`);
    if (verdict.kind === 'late') late.push(mutant);
    if (verdict.kind === 'passed') failed.push(`survived: ${mutant.name} (src/${mutant.file})`);
  }
  return late;
}

const failed: string[] = [];
try {
  for (const entry of COPIED) cpSync(join(repository, entry), join(copy, entry), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
  // Threads and commands run compiled modules: those of the mutant.
  for (const name of ['build', 'dist']) symlinkSync(join('.build', 'src'), join(copy, name));
  const named = MUTANTS.filter(({ name, file }) => `${file} ${name}`.includes(values.only));
  const chosen = named.slice(Number(values.from) - 1);
  const areas = new Set(chosen.map(areaOf));
  if (areas.has('engine')) await record();
  for (const area of areas) {
    const clean = await judge(copy, area, recording, MORE_PATIENCE);
    if (clean.kind !== 'passed') throw new Error(`without any mutant the tests (${area}) do not pass: ${clean.by}`);
  }
  const late = await tryAll(chosen, PATIENCE);
  for (const { name, file } of await tryAll(late, MORE_PATIENCE)) failed.push(`late twice: ${name} (src/${file})`);
  console.log(`\n${chosen.length - failed.length} of ${chosen.length} mutants caught`);
} catch (error) {
  failed.push(error instanceof Error ? error.message : String(error));
} finally {
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
}
for (const line of failed) console.log(`FAILED: ${line}`);
process.exitCode = failed.length > 0 ? 1 : 0;
