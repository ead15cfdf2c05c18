/** Shared by the parts of the comparison: starting all servers in a world, and measuring them in turns. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { likeness } from './likeness.js';
import { loadsFor, measure, type NamedLoad, warm } from './peers-loads.js';
import type { Figure, Results, Section, Start } from './peers-results.js';
import type { Certificate, Given } from './server-configs.js';
import { type Contestant, startServer } from './servers.js';
import type { World } from './worlds.js';

export interface Bench {
  readonly turns: number;
  /** Of each load; may be a fraction. */
  readonly seconds: number;
  /** For temporary files. */
  readonly folder: string;
  readonly certificate: Certificate;
  /** The servers that take part. */
  readonly names: readonly string[];
  readonly results: Results;
}

/** A world that all servers are started in. */
export interface Stage {
  readonly id: string;
  readonly title: string;
  readonly world: World;
  /** How its answers are compared. */
  readonly edns: NamedLoad['edns'];
  /** Whether it is worth showing how long servers take to start in it. */
  readonly keepStart: boolean;
}

/** Seconds that a server is given more for its connections when they were not up in time. */
const PATIENCE = 3;
/** TCP connections that servers are made ready for. */
const CONNECTIONS = 2000;

/** A section of the results, which is made when it is not there. */
export function sectionOf({ results }: Bench, id: string, title: string): Section {
  return (results.sections[id] ??= { title, notes: [], rows: {}, likeness: [] });
}

/** Starts all servers, compares their answers, has `act` measure those that have started, and stops them. */
export async function onStage(
  bench: Bench,
  section: Section,
  stage: Stage,
  act: (servers: readonly Contestant[]) => Promise<void>,
): Promise<void> {
  const { id, title, world, edns } = stage;
  const servers: Contestant[] = [];
  const starts: Record<string, Start> = {};
  if (stage.keepStart) bench.results.starts[id] = { title, servers: starts };
  try {
    for (const name of bench.names) {
      say(`${title}: starting ${name}`);
      const given = givenFor(bench, name, stage);
      const server = await startServer(name, given).catch((error) => fail(bench, `${title}: ${messageOf(error)}`));
      if (server === undefined) continue;
      servers.push(server);
      starts[name] = { loading: server.loading, memory: server.memory('Pss') };
      if (name === 'adotd' && bench.results.adotd.command === '') await describeOwn(bench, server, given);
    }
    const alike = await likeness(servers, world.sample, edns).catch((error) => {
      fail(bench, `${title}: answers were not compared: ${messageOf(error)}`);
      return [];
    });
    for (const { server, different, asked, example } of alike) {
      if (different > 0) fail(bench, `${title}: ${different} of ${asked} answers of ${server} differ: ${example}`);
    }
    section.likeness.push(...alike);
    await act(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

export function givenFor(bench: Bench, name: string, { id, world }: Pick<Stage, 'id' | 'world'>): Given {
  const { zonesFolder, zones, signed } = world;
  const folder = join(bench.folder, id, name);
  mkdirSync(folder, { recursive: true });
  return { folder, zonesFolder, zones, signed, certificate: bench.certificate, connections: CONNECTIONS };
}

async function describeOwn({ results }: Bench, server: Contestant, { folder }: Given): Promise<void> {
  const command = server.command.map((word) => (word === process.execPath ? 'node' : word)).join(' ');
  const config = readFileSync(join(folder, 'adotd.yaml'), 'utf8').trimEnd();
  results.adotd = { command, config, plane: (await server.statistics())?.plane ?? '' };
}

/**
 * Milliseconds between warming up and loads with a pace. Measured: after a load without one, V8 collects garbage in the background for
 * up to 16 s, which is 5 µs a query at 1,000 queries a second; a server at such a pace has had it behind it for long.
 */
const SETTLING = 20_000;

/** Warms all servers up, then measures them in turns: one after the other under each load. */
export async function takeTurns(
  bench: Bench,
  section: Section,
  servers: readonly Contestant[],
  world: World,
  loads: readonly NamedLoad[],
  seconds: number,
): Promise<void> {
  const rows = loads.map((load) => ({ id: load.id, title: load.title, loads: [load] }));
  for (const server of servers) {
    say(`${section.title}: warming ${server.name} up`);
    await attempt(bench, server, section.title, () => warm(server, world, loadsFor(server, loads), seconds / 2));
  }
  if (loads.some(({ rate }) => rate !== undefined)) await wait(SETTLING);
  await turns(bench, section, servers, world, rows, seconds);
}

/** A row of a table: loads that are put on a server at once. */
export interface LoadRow {
  readonly id: string;
  readonly title: string;
  readonly loads: readonly NamedLoad[];
}

/** Measures servers that are warm. Those that cannot take one of a row's loads are left out of it. */
export async function turns(
  bench: Bench,
  section: Section,
  servers: readonly Contestant[],
  world: World,
  rows: readonly LoadRow[],
  seconds: number,
): Promise<void> {
  for (let turn = 0; turn < bench.turns; turn++) {
    say(`${section.title}: turn ${turn + 1} of ${bench.turns}`);
    for (const { id, title, loads } of rows) {
      for (const server of servers) {
        if (loadsFor(server, loads).length < loads.length) continue;
        await attempt(bench, server, `${section.title}, ${title}`, async () => {
          const length = seconds * Math.max(...loads.map(({ longer = 1 }) => longer));
          const figure = await measure(server, world, loads, length)
            // A second time: SYNs that found no room (Knot's listen backlog is 10) are sent again after a second or more.
            .catch(() => measure(server, world, loads, length, PATIENCE));
          note(bench, section, { id, title, loads }, server, figure);
        });
      }
    }
  }
}

function note(bench: Bench, section: Section, { id, title }: LoadRow, { name }: Contestant, figure: Figure): void {
  const row = (section.rows[id] ??= { title, figures: {} });
  (row.figures[name] ??= []).push(figure);
  if (figure.reconnections > 0) {
    fail(bench, `${section.title}, ${title}: ${name} closed ${figure.reconnections} connections too early`);
  }
}

/** A failure of one server under one load is reported, and the others go on. */
export async function attempt(
  bench: Bench,
  { name }: Contestant,
  what: string,
  act: () => Promise<void>,
): Promise<void> {
  await act().catch((error) => fail(bench, `${what}, ${name}: ${messageOf(error)}`));
}

/** Reports a failure, now and in the results. */
export function fail({ results }: Bench, message: string): undefined {
  results.failures.push(message);
  console.error(message);
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Shows progress on a terminal. */
export function say(line: string): void {
  if (process.stderr.isTTY) console.error(line);
}
