/**
 * npm run bench -- peers: adotd beside the authoritative servers that are installed, in turns, each pinned to one CPU with
 * one worker, the load on another CPU. Nothing is installed, nothing leaves the machine.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { make } from '../tls/support.js';
import { LOAD_CPU } from './dnsperf.js';
import { likeness } from './likeness.js';
import { describeMachine, REPOSITORY } from './machine.js';
import { isInstalled, printTable } from './measure.js';
import { costsOf, LOADS, loadsFor, measure, type NamedLoad, warm } from './peers-loads.js';
import { renderPage } from './peers-page.js';
import type { Figure, Results, Section } from './peers-results.js';
import { tablesOf } from './peers-tables.js';
import { measureReloads } from './reload.js';
import type { Certificate, Given } from './server-configs.js';
import { type Contestant, isPresent, SERVERS, startServer, versionOf } from './servers.js';
import { ZONE } from './workload.js';
import {
  ANSWER_SIZES,
  type AnswerSize,
  answersOfSize,
  manyZones,
  millionRecords,
  QUICK_SIZES,
  SIZES,
  signedWorkload,
  type World,
  workload,
} from './worlds.js';

export interface PeersOptions {
  readonly turns: number;
  /** Of each load; may be a fraction. */
  readonly seconds: number;
  /** Names of servers; all that are installed when absent. */
  readonly servers: readonly string[] | undefined;
  /** Ids of loads or of parts; their transports too. All when absent. */
  readonly only: readonly string[] | undefined;
  /** Small zones, short loads, one turn: to see whether everything works. */
  readonly quick: boolean;
  /** Write the results and the page into the repository. */
  readonly write: boolean;
}

/** Parts of the comparison besides the loads, as --only knows them. */
const PARTS = ['mixed', 'reload', 'sizes', 'many', 'million'] as const;
type Part = (typeof PARTS)[number];

/** Parts beside the main ones take this share of their time for a load. */
const LESS = 0.6;
/** TCP connections that servers are made ready for. */
const CONNECTIONS = 2000;
/** Where the results are kept; neither is in the npm package. */
export const RESULTS_FILE = join('docs', 'benchmark.json');
export const PAGE_FILE = join('docs', 'benchmark.md');

interface Bench {
  readonly options: PeersOptions;
  readonly folder: string;
  readonly certificate: Certificate;
  /** The servers that take part. */
  readonly names: readonly string[];
  readonly results: Results;
}

/** Prints the tables, and writes them when asked to. Throws when the machine cannot run the comparison. */
export async function benchPeers(options: PeersOptions, words: readonly string[]): Promise<void> {
  const started = performance.now();
  checkMachine(options);
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  // Handlers of 'exit' stop the servers; signals alone would not run them.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  spawnSync('taskset', ['-acp', LOAD_CPU, String(process.pid)]);
  const asked = options.servers ?? Object.keys(SERVERS);
  const names = Object.keys(SERVERS).filter((name) => asked.includes(name) && isPresent(name));
  const failures = asked.filter((name) => !names.includes(name)).map((name) => `${name} is not installed`);
  const results: Results = {
    date: new Date().toISOString(),
    command: ['npm run bench -- peers', ...words].join(' '),
    machine: describeMachine(),
    versions: Object.fromEntries(names.map((name) => [name, versionOf(name)])),
    adotd: { command: '', config: '', plane: '' },
    turns: options.turns,
    seconds: options.seconds,
    sections: {},
    reloads: {},
    failures,
    elapsed: 0,
  };
  for (const failure of failures) console.log(failure);
  await runAll({ options, folder, certificate: await writeCertificate(folder), names, results });
  results.elapsed = (performance.now() - started) / 1000;
  report(results, folder, options.write);
}

function checkMachine({ servers }: PeersOptions): void {
  for (const program of ['dnsperf', 'taskset']) {
    if (!isInstalled(program)) throw new Error(`${program} is not installed: it is what this measures with`);
  }
  if (cpus().length < 2) throw new Error('found one CPU; expected one for the servers and another for the load');
  const unknown = servers?.find((name) => SERVERS[name] === undefined);
  if (unknown !== undefined) throw new Error(`--servers: ${unknown}; expected ${Object.keys(SERVERS).join(', ')}`);
}

async function writeCertificate(folder: string): Promise<Certificate> {
  const { cert, key } = await make({ names: [`ns1.${ZONE}`] });
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  return files;
}

async function runAll(bench: Bench): Promise<void> {
  const { options, folder } = bench;
  const sizes = options.quick ? QUICK_SIZES : SIZES;
  const place = (name: string): string => join(folder, name);
  const wanted = (part: Part): boolean => options.only?.includes(part) ?? true;
  const loads = LOADS.filter(
    ({ id, transport }) => options.only === undefined || options.only.includes(id) || options.only.includes(transport),
  );
  const unsigned = workload(place('unsigned'), sizes);
  if (loads.length > 0 || wanted('mixed') || wanted('reload')) {
    const title = 'Unsigned zone';
    await withServers(
      bench,
      'unsigned',
      title,
      describeWorld(unsigned),
      unsigned,
      undefined,
      async (servers, section) => {
        await takeTurns(bench, section, servers, unsigned, loads, options.seconds);
        if (wanted('mixed')) await mixed(bench, section, servers, unsigned);
        if (wanted('reload')) {
          for (const server of servers) {
            say(`reload: ${server.name}`);
            const failed = (error: unknown): [] => fail(bench, `${server.name}, reload: ${messageOf(error)}`) ?? [];
            bench.results.reloads[server.name] = await measureReloads(server, unsigned, options.quick ? 1 : 3).catch(
              failed,
            );
          }
        }
      },
    );
  }
  if (loads.length > 0) await signedPart(bench, unsigned, loads);
  if (wanted('sizes')) {
    for (const size of Object.keys(ANSWER_SIZES) as AnswerSize[]) {
      const world = answersOfSize(place(`size-${ANSWER_SIZES[size]}`), size);
      await udpOnly(bench, `size-${ANSWER_SIZES[size]}`, `Answers: ${size}`, world, 'plain');
    }
  }
  if (wanted('many')) {
    await emptyMemory(bench, answersOfSize(place('empty'), 'small'));
    const world = manyZones(place('many'), sizes);
    await udpOnly(bench, 'many', `${world.zones.length.toLocaleString('en')} zones`, world);
  }
  if (wanted('million')) {
    const world = millionRecords(place('million'), sizes);
    await udpOnly(bench, 'million', `${world.records.toLocaleString('en')} records in one zone`, world);
  }
}

async function signedPart(bench: Bench, unsigned: World, loads: readonly NamedLoad[]): Promise<void> {
  if (!isInstalled('dnssec-signzone')) return fail(bench, 'dnssec-signzone is not installed: no signed zone');
  say('signing the zone');
  const began = performance.now();
  const world = await signedWorkload(join(bench.folder, 'signed'), unsigned);
  const took = ((performance.now() - began) / 1000).toFixed(0);
  const note = `The same zone signed with ECDSAP256SHA256 and NSEC (in ${took} s); queries have DO set.`;
  const withDo = loads.map((load) => ({ ...load, edns: 'DO' as const }));
  await withServers(bench, 'signed', 'Signed zone, DO set', note, world, 'DO', (servers, section) =>
    takeTurns(bench, section, servers, world, withDo, bench.options.seconds),
  );
}

/** All transports at once, in the proportion in which they come to be answered. */
async function mixed(bench: Bench, section: Section, servers: readonly Contestant[], world: World): Promise<void> {
  const together: NamedLoad[] = [
    { id: 'mixed-udp', title: '', transport: 'udp', clients: 1, outstanding: 100 },
    { id: 'mixed-tcp', title: '', transport: 'tcp', clients: 20, outstanding: 100 },
    { id: 'mixed-tls', title: '', transport: 'tls', clients: 20, outstanding: 100 },
  ];
  const title = 'UDP, TCP and TLS at once, 100 outstanding on each';
  const able = servers.filter((server) => server.tls);
  for (const server of able) await attempt(bench, server, title, () => warm(server, world, together, 0.3));
  await turns(bench, async () => {
    for (const server of able) {
      await attempt(bench, server, title, async () => {
        const costs = await costsOf(server, together);
        note(section, 'mixed', title, server, await measure(server, world, together, bench.options.seconds, costs));
      });
    }
  });
}

/** UDP at saturation in a world of its own. */
async function udpOnly(bench: Bench, id: string, title: string, world: World, edns?: NamedLoad['edns']): Promise<void> {
  const loads = LOADS.filter((load) => load.id === 'udp').map((load) => ({ ...load, edns }));
  await withServers(bench, id, title, describeWorld(world), world, edns, (servers, section) =>
    takeTurns(bench, section, servers, world, loads, bench.options.seconds * LESS),
  );
}

async function emptyMemory(bench: Bench, world: World): Promise<void> {
  if (!bench.names.includes('adotd')) return;
  const server = await startServer('adotd', givenFor(bench, 'adotd', 'empty', world));
  bench.results.emptyMemory = server.memory('Pss');
  await server.stop();
}

function describeWorld({ records, zones }: World): string {
  const many = (count: number, what: string): string =>
    `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
  return `${many(records, 'record')} in ${many(zones.length, 'zone')}.`;
}

function givenFor(bench: Bench, name: string, id: string, world: World): Given {
  const { zonesFolder, zones, signed } = world;
  const own = join(bench.folder, id, name);
  mkdirSync(own, { recursive: true });
  return { folder: own, zonesFolder, zones, signed, certificate: bench.certificate, connections: CONNECTIONS };
}

/** Starts all servers in a world, compares their answers, and has `act` measure them. */
async function withServers(
  bench: Bench,
  id: string,
  title: string,
  describe: string,
  world: World,
  edns: NamedLoad['edns'],
  act: (servers: readonly Contestant[], section: Section) => Promise<void>,
): Promise<void> {
  const servers: Contestant[] = [];
  const starts: Section['starts'] = {};
  try {
    for (const name of bench.names) {
      say(`${title}: starting ${name}`);
      const given = givenFor(bench, name, id, world);
      const server = await startServer(name, given).catch((error) => fail(bench, `${title}: ${messageOf(error)}`));
      if (server === undefined) continue;
      servers.push(server);
      starts[name] = { loading: server.loading, memory: server.memory('Pss') };
      if (name === 'adotd') await describeOwn(bench, server, given);
    }
    const alike = await likeness(servers, world.sample, edns);
    for (const { server, different, asked, example } of alike) {
      if (different > 0) fail(bench, `${title}: ${different} of ${asked} answers of ${server} differ: ${example}`);
    }
    const section: Section = { title, note: describe, rows: {}, starts, likeness: alike };
    bench.results.sections[id] = section;
    await act(servers, section);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function describeOwn({ results }: Bench, server: Contestant, { folder }: Given): Promise<void> {
  results.adotd.command = server.command.map((word) => (word === process.execPath ? 'node' : word)).join(' ');
  results.adotd.config = readFileSync(join(folder, 'adotd.yaml'), 'utf8').trimEnd();
  results.adotd.plane = (await server.statistics())?.plane ?? '';
}

/** Warms all servers up, then measures them in turns: one after the other under each load. */
async function takeTurns(
  bench: Bench,
  section: Section,
  servers: readonly Contestant[],
  world: World,
  loads: readonly NamedLoad[],
  seconds: number,
): Promise<void> {
  for (const server of servers) {
    say(`${section.title}: warming ${server.name} up`);
    await attempt(bench, server, section.title, () => warm(server, world, loadsFor(server, loads), seconds / 2));
  }
  await turns(bench, async (turn) => {
    say(`${section.title}: turn ${turn + 1} of ${bench.options.turns}`);
    const costs = new Map<Contestant, Awaited<ReturnType<typeof costsOf>>>();
    for (const server of servers) {
      await attempt(bench, server, section.title, async () => {
        costs.set(server, await costsOf(server, loadsFor(server, loads)));
      });
    }
    for (const load of loads) {
      for (const server of servers) {
        const cost = costs.get(server);
        if (cost === undefined || loadsFor(server, [load]).length === 0) continue;
        await attempt(bench, server, `${section.title}, ${load.title}`, async () => {
          note(section, load.id, load.title, server, await measure(server, world, [load], seconds, cost));
        });
      }
    }
  });
}

async function turns({ options }: Bench, act: (turn: number) => Promise<void>): Promise<void> {
  for (let turn = 0; turn < options.turns; turn++) await act(turn);
}

/** A failure of one server under one load is reported, and the others go on. */
async function attempt(bench: Bench, { name }: Contestant, what: string, act: () => Promise<void>): Promise<void> {
  await act().catch((error) => fail(bench, `${what}, ${name}: ${messageOf(error)}`));
}

function note(section: Section, id: string, title: string, server: Contestant, figure: Figure): void {
  const row = (section.rows[id] ??= { title, figures: {} });
  (row.figures[server.name] ??= []).push(figure);
}

function fail({ results }: Bench, message: string): undefined {
  results.failures.push(message);
  console.error(message);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Progress, on standard error. */
function say(line: string): void {
  if (process.stderr.isTTY) console.error(line);
}

/** Tables and page come from what is written, so that they can be made from it again. */
function report(results: Results, folder: string, write: boolean): void {
  const json = JSON.stringify(results, null, 1).replaceAll(folder, 'FOLDER').replaceAll(REPOSITORY, '');
  const written = JSON.parse(json) as Results;
  for (const { title, note: text, rows } of tablesOf(written)) {
    console.log(`\n${title}`);
    if (text !== '') console.log(text);
    printTable(rows);
  }
  console.log(`\n${results.turns} turns; all took ${results.elapsed.toFixed(0)} s`);
  if (!write) return;
  mkdirSync(join(REPOSITORY, 'docs'), { recursive: true });
  writeFileSync(join(REPOSITORY, RESULTS_FILE), `${json}\n`);
  writeFileSync(join(REPOSITORY, PAGE_FILE), renderPage(written));
  console.log(`written: ${RESULTS_FILE}, ${PAGE_FILE}`);
}
