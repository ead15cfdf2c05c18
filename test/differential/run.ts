/** One differential run: makes the world, asks the questions, collects the differences. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBind } from '../support/peers/bind.js';
import { startKnot } from '../support/peers/knot.js';
import { startNsd } from '../support/peers/nsd.js';
import { classOf, compare, isAgainstUs, type Verdict } from './compare.js';
import { type Path, startEngine, startOurs, startThreaded } from './engine.js';
import { Restarting } from './exchange.js';
import { SIGNINGS } from './model.js';
import { type Query, Questioner } from './queries.js';
import { Random } from './random.js';
import { Table } from './table.js';
import { makeWorld, servedByAll, type WorldZone } from './world.js';

/** Questions under way at once: enough to keep four servers busy, few enough not to overrun a socket's buffer. */
const IN_FLIGHT = 64;
/** Examples kept of each class of difference. */
const EXAMPLES = 3;

export interface Finding {
  readonly zone: WorldZone;
  readonly verdict: Verdict;
}

export interface Difference {
  count: number;
  readonly againstUs: boolean;
  readonly examples: Finding[];
}

export interface Result {
  readonly seed: number;
  /** Which path of ours answered. */
  readonly path: string;
  readonly questions: number;
  readonly zones: number;
  /** Zones that were not asked about, with the messages of the signer, the peers and our server. */
  readonly unsignable: readonly string[];
  readonly refused: readonly string[];
  /** How often each peer had to be started again. */
  readonly restarts: readonly (readonly [string, number])[];
  readonly table: Table;
  /** How many questions all peers answered as we did. */
  readonly agreed: number;
  /** Questions for which each rule forgave something. */
  readonly rules: ReadonlyMap<string, number>;
  /** By class. */
  readonly differences: ReadonlyMap<string, Difference>;
}

interface Options {
  readonly seed: number;
  readonly count: number;
  /** Families of zones for each way of signing. */
  readonly families?: number;
  /** Where zones and configurations go; a temporary folder, removed afterwards, when absent. */
  readonly folder?: string;
  /** Which path of ours to ask; respond() in this process when absent. */
  readonly path?: Path;
}

export async function runDifferential(options: Options): Promise<Result> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'adotd-differential-'));
  const random = new Random(options.seed);
  const world = await makeWorld(random, options.families ?? defaultFamilies(options.count), folder);
  const peers: Restarting[] = [];
  let stop = async (): Promise<void> => {};
  try {
    peers.push(...(await startPeers(folder, world.zones)));
    const refused: string[] = [];
    const starting = {
      engine: () => startEngine(world.zones, refused),
      embedded: () => startOurs(world.zones),
      threads: () => startThreaded(world.zones),
    };
    const ours = await starting[options.path ?? 'engine']();
    stop = () => ours.stop();
    const zones = await servedByAll(world.zones, [ours, ...peers], refused);
    const ask = (query: Query): Promise<Verdict> => compare(ours, peers, query);
    const asked = await askAbout(zones, ask, random.fork(1_000_000), options.count);
    const restarts = peers.map((peer) => [peer.name, peer.restarts] as const);
    const path = ours.path();
    const { seed } = options;
    return { seed, path, zones: zones.length, restarts, unsignable: world.unsignable, refused, ...asked };
  } catch (error) {
    const logs = peers.map((peer) => `${peer.name}: ${peer.log().slice(-500)}`);
    throw new Error(`seed ${options.seed}:\n${logs.join('\n')}`, { cause: error });
  } finally {
    await stop();
    for (const peer of peers) await peer.stop();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts NSD, Knot and BIND on the zones; all of them or none. */
export async function startPeers(folder: string, zones: readonly WorldZone[]): Promise<Restarting[]> {
  const programs = [
    ['nsd', startNsd],
    ['knot', startKnot],
    ['bind', startBind],
  ] as const;
  const peers: Restarting[] = [];
  try {
    for (const [name, start] of programs) peers.push(await Restarting.open(() => start(join(folder, name), zones)));
  } catch (error) {
    for (const peer of peers) await peer.stop();
    throw error;
  }
  return peers;
}

function defaultFamilies(count: number): number {
  return Math.min(80, 8 + Math.floor(count / 1500));
}

type Asking = Pick<Result, 'questions' | 'table' | 'agreed' | 'rules' | 'differences'>;

/** Asks `count` questions about the zones, all outcomes equally often, and collects the verdicts. */
export async function askAbout(
  zones: readonly WorldZone[],
  ask: (query: Query) => Promise<Verdict>,
  random: Random,
  count: number,
): Promise<Asking> {
  const table = new Table();
  // Steers the questions. It counts no answers: so a seed gives the same questions in whatever order answers come.
  const asked = new Table();
  const rules = new Map<string, number>();
  const differences = new Map<string, Difference>();
  // Zones take turns by signing, so that all columns of the table fill alike.
  const columns = SIGNINGS.map((signing) => zones.filter((zone) => zone.model.signing === signing));
  const bySigning = columns.filter((column) => column.length > 0);
  const questioners = new Map(zones.map((zone, i) => [zone, new Questioner(random.fork(i), zone.model)]));
  let questions = 0;
  let agreed = 0;
  const worker = async (): Promise<void> => {
    while (questions < count) {
      const turn = questions++;
      const column = bySigning[turn % bySigning.length] ?? [];
      const zone = column[Math.floor(turn / bySigning.length) % column.length];
      const questioner = zone && questioners.get(zone);
      if (zone === undefined || questioner === undefined) throw new Error('all servers together serve no zone');
      const { signing } = zone.model;
      const wanted = random.chance(0.85) ? asked.thinnest(signing) : undefined;
      const query = questioner.ask(wanted);
      const outcomes = zone.model.classify(query.name, query.type);
      for (const outcome of outcomes) asked.add(outcome, signing);
      // Nearly every question meant to be truncated is.
      if (wanted === 'truncated') asked.add('truncated', signing);
      const verdict = await ask(query);
      for (const outcome of outcomes) table.add(outcome, signing);
      if (verdict.truncated) table.add('truncated', signing);
      for (const rule of verdict.rules) rules.set(rule, (rules.get(rule) ?? 0) + 1);
      const kind = classOf(verdict);
      if (kind === '') {
        agreed++;
        continue;
      }
      let difference = differences.get(kind);
      if (difference === undefined) {
        differences.set(kind, (difference = { count: 0, againstUs: isAgainstUs(verdict), examples: [] }));
      }
      difference.count++;
      if (difference.examples.length < EXAMPLES) difference.examples.push({ zone, verdict });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return { questions, table, agreed, rules, differences };
}
