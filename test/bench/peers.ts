/**
 * npm run bench -- peers: adotd beside the authoritative servers that are installed, in turns, each pinned to one CPU with
 * one worker, the load on another CPU. Nothing is installed, nothing leaves the machine.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { make } from '../tls/support.js';
import { LOAD_CPU } from './dnsperf.js';
import { describeMachine, REPOSITORY } from './machine.js';
import { isInstalled, printTable } from './measure.js';
import { fail } from './peers-bench.js';
import { renderPage } from './peers-page.js';
import { measureAll, type Only, SELECTABLE } from './peers-parts.js';
import type { Results } from './peers-results.js';
import { tablesOf } from './peers-tables.js';
import type { Certificate } from './server-configs.js';
import { isPresent, SERVERS, versionOf } from './servers.js';
import { ZONE } from './workload.js';

interface PeersOptions {
  readonly turns: number;
  /** Of each load; may be a fraction. */
  readonly seconds: number;
  /** Names of servers; all that are installed when undefined. */
  readonly servers: readonly string[] | undefined;
  readonly only: Only;
  /** Small zones: to see whether everything works. */
  readonly quick: boolean;
  /** Write the results and the page into the repository. */
  readonly write: boolean;
  /** The words of the command line, as they were typed. */
  readonly words: readonly string[];
}

/** Where the results are kept, from the repository's folder; neither is in the npm package. */
const RESULTS_FILE = join('docs', 'benchmark.json');
const PAGE_FILE = join('docs', 'benchmark.md');

/** Prints the tables, and writes them when asked to. Throws when the machine cannot run the comparison. */
export async function benchPeers(options: PeersOptions): Promise<void> {
  check(options);
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  // Handlers of 'exit' stop the servers; a signal alone would not run them.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  spawnSync('taskset', ['-acp', LOAD_CPU, String(process.pid)]);
  const asked = options.servers ?? Object.keys(SERVERS);
  const names = Object.keys(SERVERS).filter((name) => asked.includes(name) && isPresent(name));
  const { turns, seconds } = options;
  const results: Results = {
    date: new Date().toISOString(),
    command: ['npm run bench -- peers', ...options.words].join(' '),
    machine: describeMachine(),
    versions: Object.fromEntries(names.map((name) => [name, versionOf(name)])),
    adotd: { command: '', config: '', plane: '' },
    turns,
    seconds,
    sections: {},
    starts: {},
    reloads: {},
    failures: [],
    elapsed: 0,
  };
  const bench = { turns, seconds, folder, certificate: await writeCertificate(folder), names, results };
  for (const name of asked.filter((one) => !names.includes(one))) fail(bench, `${name} is not installed`);
  await measureAll(bench, options.only, options.quick);
  results.elapsed = (performance.now() - started) / 1000;
  report(results, folder, options.write);
}

function check({ servers, only }: PeersOptions): void {
  for (const program of ['dnsperf', 'taskset']) {
    if (!isInstalled(program)) throw new Error(`${program} is not installed: it is what this measures with`);
  }
  if (cpus().length < 2) throw new Error('found one CPU; expected one for the servers and another for the load');
  for (const [option, words, known] of [
    ['--servers', servers, Object.keys(SERVERS)],
    ['--only', only, SELECTABLE],
  ] as const) {
    const unknown = words?.find((word) => !known.includes(word));
    if (unknown !== undefined) throw new Error(`${option}: found ${unknown}; expected some of ${known.join(',')}`);
  }
}

/** Makes a certificate for the workload's nameserver; its files are in the folder. */
export async function writeCertificate(folder: string): Promise<Certificate> {
  const { cert, key } = await make({ names: [`ns1.${ZONE}`] });
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  return files;
}

/** Tables and page are made from the written JSON, so that they can be made again. */
function report(results: Results, folder: string, write: boolean): void {
  // Nobody else has these folders.
  const json = JSON.stringify(results, null, 1).replaceAll(folder, 'FOLDER').replaceAll(`${REPOSITORY}/`, '');
  const written = JSON.parse(json) as Results;
  for (const { title, note, rows } of tablesOf(written)) {
    console.log(`\n${title}`);
    if (note !== '') console.log(note);
    printTable(rows);
  }
  console.log(`\nturns: ${results.turns}; all took ${results.elapsed.toFixed(0)} s`);
  if (!write) return;
  mkdirSync(join(REPOSITORY, 'docs'), { recursive: true });
  writeFileSync(join(REPOSITORY, RESULTS_FILE), `${json}\n`);
  writeFileSync(join(REPOSITORY, PAGE_FILE), renderPage(written));
  console.log(`written: ${RESULTS_FILE}, ${PAGE_FILE}`);
}
