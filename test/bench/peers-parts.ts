/** The parts of the comparison, each in worlds of its own. */
import { join } from 'node:path';
import { isInstalled } from './measure.js';
import {
  attempt,
  type Bench,
  fail,
  givenFor,
  type LoadRow,
  messageOf,
  onStage,
  type Stage,
  say,
  sectionOf,
  takeTurns,
  turns,
} from './peers-bench.js';
import { measureIdle } from './peers-idle.js';
import { LOADS, loadsFor, MIXED, type NamedLoad, PACED, warm } from './peers-loads.js';
import type { Section } from './peers-results.js';
import { measureReloads } from './reload.js';
import { type Contestant, startServer } from './servers.js';
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

/** The parts to measure: ids or transports of loads, and names of other parts. All when undefined. */
export type Only = readonly string[] | undefined;

/** The parts other than loads, by their words for --only. */
const PARTS = ['paced', 'mixed', 'reload', 'idle', 'sizes', 'many', 'million'] as const;

/** All words that --only knows. */
export const SELECTABLE: readonly string[] = [
  ...new Set([...[...LOADS, ...PACED].flatMap(({ id, transport }) => [transport, id]), ...PARTS]),
];

/** Parts beside the main ones take this share of their time for a load. */
const LESS = 0.6;
/** Reloads of the zone by each server. */
const RELOADS = 3;
/** Of the times of the part `idle`, where it is only to be seen whether it works. */
const QUICK_IDLE = 0.1;
/** Seconds of each load before all transports come at once. */
const WARM_MIXED = 0.3;

/** Measures the parts in `only`. `quick`: with small zones. */
export async function measureAll(bench: Bench, only: Only, quick: boolean): Promise<void> {
  const sizes = quick ? QUICK_SIZES : SIZES;
  const place = (name: string): string => join(bench.folder, 'worlds', name);
  const wanted = (part: (typeof PARTS)[number]): boolean => only?.includes(part) ?? true;
  const chosen = ({ id, transport }: NamedLoad): boolean =>
    only === undefined || only.includes(id) || only.includes(transport);
  const loads = LOADS.filter(chosen);
  const paced = PACED.filter((load) => wanted('paced') || chosen(load));
  const unsigned = workload(place('unsigned'), sizes);
  if (loads.length + paced.length > 0 || wanted('mixed') || wanted('reload')) {
    const section = sectionOf(bench, 'unsigned', 'Unsigned zone');
    section.notes.push(describe(unsigned));
    const stage: Stage = { id: 'unsigned', title: section.title, world: unsigned, edns: undefined, keepStart: true };
    await onStage(bench, section, stage, async (servers) => {
      await takeTurns(bench, section, servers, unsigned, [...loads, ...paced], bench.seconds);
      if (wanted('mixed')) await mixed(bench, section, servers, unsigned);
      // Last: the zone is changed.
      if (wanted('reload')) await reload(bench, servers, unsigned, quick ? 1 : RELOADS);
    });
  }
  if (loads.length > 0) await signed(bench, place('signed'), unsigned, loads);
  if (wanted('idle')) await idle(bench, answersOfSize(place('idle'), 'small'), quick);
  if (wanted('sizes')) {
    for (const size of Object.keys(ANSWER_SIZES) as AnswerSize[]) {
      const id = `size-${ANSWER_SIZES[size]}`;
      const world = answersOfSize(place(id), size);
      await udpOnly(bench, sectionOf(bench, 'sizes', 'Answer sizes'), {
        id,
        title: `Answers: ${size}`,
        world,
        edns: 'plain',
        keepStart: false,
      });
    }
  }
  const scale = (): Section => sectionOf(bench, 'scale', 'Many zones, many records');
  if (wanted('many')) {
    await emptyMemory(bench, answersOfSize(place('empty'), 'small'));
    const world = manyZones(place('many'), sizes);
    await udpOnly(bench, scale(), { id: 'many', title: describe(world), world, edns: undefined, keepStart: true });
  }
  if (wanted('million')) {
    const world = millionRecords(place('million'), sizes);
    await udpOnly(bench, scale(), { id: 'million', title: describe(world), world, edns: undefined, keepStart: true });
  }
}

async function signed(bench: Bench, folder: string, unsigned: World, loads: readonly NamedLoad[]): Promise<void> {
  if (!isInstalled('dnssec-signzone')) return fail(bench, 'dnssec-signzone is not installed: no signed zone');
  say('signing the zone');
  const world = await signedWorkload(folder, unsigned);
  const section = sectionOf(bench, 'signed', 'Signed zone, DO set');
  section.notes.push('The same zone signed with ECDSAP256SHA256 and NSEC; queries have DO set');
  const withDo = loads.map((load) => ({ ...load, edns: 'DO' as const }));
  await onStage(bench, section, { id: 'signed', title: section.title, world, edns: 'DO', keepStart: true }, (servers) =>
    takeTurns(bench, section, servers, world, withDo, bench.seconds),
  );
}

async function mixed(bench: Bench, section: Section, servers: readonly Contestant[], world: World): Promise<void> {
  const row: LoadRow = { id: 'mixed', title: 'UDP, TCP, TLS at once, 100 outstanding on each', loads: MIXED };
  const able = servers.filter((server) => server.tls);
  for (const server of able) await attempt(bench, server, row.title, () => warm(server, world, MIXED, WARM_MIXED));
  await turns(bench, section, able, world, [row], bench.seconds);
}

/** Servers that have answered for a moment, and are left alone then. */
async function idle(bench: Bench, world: World, quick: boolean): Promise<void> {
  const section = sectionOf(bench, 'idle', 'Idle');
  const stage: Stage = { id: 'idle', title: 'Idle', world, edns: undefined, keepStart: false };
  await onStage(bench, section, stage, async (servers) => {
    for (const server of servers) {
      await attempt(bench, server, 'idle', () => warm(server, world, loadsFor(server, MIXED), WARM_MIXED));
    }
    say('idle: watching servers that nobody asks');
    bench.results.idle = await measureIdle(servers, bench.turns, quick ? QUICK_IDLE : 1);
  });
}

async function reload(bench: Bench, servers: readonly Contestant[], world: World, times: number): Promise<void> {
  for (const server of servers) {
    say(`reload: ${server.name}`);
    await attempt(bench, server, 'reload', async () => {
      bench.results.reloads[server.name] = await measureReloads(server, world, times);
    });
  }
}

/** UDP at saturation in a world of its own; a row of the section. */
async function udpOnly(bench: Bench, section: Section, stage: Stage): Promise<void> {
  const { id, title, world, edns } = stage;
  const loads = LOADS.filter((load) => load.id === 'udp').map((load) => ({ ...load, id, title, edns }));
  await onStage(bench, section, stage, (servers) =>
    takeTurns(bench, section, servers, world, loads, bench.seconds * LESS),
  );
}

/** The memory of adotd with one small zone. */
async function emptyMemory(bench: Bench, world: World): Promise<void> {
  if (!bench.names.includes('adotd')) return;
  try {
    const server = await startServer('adotd', givenFor(bench, 'adotd', { id: 'empty', world }));
    bench.results.emptyMemory = server.memory('Pss');
    await server.stop();
  } catch (error) {
    fail(bench, `with one small zone: ${messageOf(error)}`);
  }
}

function describe({ records, zones }: World): string {
  const zonesText = zones.length === 1 ? 'one zone' : `${zones.length.toLocaleString('en')} zones`;
  return `${records.toLocaleString('en')} records in ${zonesText}`;
}
