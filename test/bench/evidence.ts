/**
 * The cost of the evidence (`report.enabled`): CPU a query of a server that records and of one that does not, over UDP and inside TLS, in turns;
 * and the nanoseconds of the calls themselves for clients of many addresses, which the load of the first part does not have.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFacts, createOutcome, Kind, Transport } from '../../src/answer/facts.js';
import { beginDay, createDayMemory } from '../../src/observe/clients/day-clients.js';
import { narrow } from '../../src/observe/clients/followed-clients.js';
import { Counters } from '../../src/observe/counters/counters.js';
import { Type } from '../../src/protocol/iana.js';
import { emptyCatalog } from '../support/catalog.js';
import { median, nanosecondsEach, printTable } from './measure.js';
import { writeCertificate } from './peers.js';
import { LOADS, measure, warm } from './peers-loads.js';
import type { Certificate, Given } from './server-configs.js';
import { type Contestant, startServer } from './servers.js';
import { QUICK_SIZES, SIZES, type World, workload } from './worlds.js';

interface EvidenceBench {
  readonly turns: number;
  /** Of each load in each turn. */
  readonly seconds: number;
  /** A small zone: to see whether it works. */
  readonly quick: boolean;
}

/** What is asked for: the most that the evidence may add, by the id of the load. */
const ASKED: Readonly<Record<string, string>> = { udp: '2 %', tls: '3 %' };
/** Addresses that clients have in turn: more than the caches of a CPU hold, and than the table of clients has places. */
const ADDRESSES = [1, 1000, 100_000, 1_000_000];
const MESSAGES = 2_000_000;
/** Turns that are not measured; a server narrows the table once a minute. */
const NARROWINGS = 6;

export async function benchEvidence(options: EvidenceBench): Promise<void> {
  printTable([
    ['clients', 'count(), ns a message', 'with evidence', 'more'],
    ...ADDRESSES.map((count) => calls(count, options.turns)),
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'adotd-evidence-'));
  const servers: Contestant[] = [];
  try {
    const world = workload(folder, options.quick ? QUICK_SIZES : SIZES);
    const certificate = await writeCertificate(folder);
    for (const enabled of [false, true]) servers.push(await start(folder, world, certificate, enabled));
    printTable([
      ['load', 'without, µs a query', 'with evidence', 'more', 'asked'],
      ...(await compare(servers, world, options)),
    ]);
  } finally {
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The medians of the turns of both servers, which take turns, so that other programs disturb both alike. */
async function compare(
  servers: readonly Contestant[],
  world: World,
  { turns, seconds }: EvidenceBench,
): Promise<string[][]> {
  const rows: string[][] = [];
  for (const load of LOADS.filter(({ id }) => id in ASKED)) {
    for (const server of servers) await warm(server, world, [load], seconds);
    const costs = servers.map((): number[] => []);
    for (let turn = 0; turn < turns; turn++)
      for (const [index, server] of servers.entries())
        costs[index]!.push((await measure(server, world, [load], seconds)).cpu);
    const [without, recording] = costs.map(median) as [number, number];
    rows.push([
      load.title,
      without.toFixed(3),
      recording.toFixed(3),
      percent(recording / without - 1),
      ASKED[load.id] ?? '',
    ]);
  }
  return rows;
}

function start(folder: string, world: World, certificate: Certificate, enabled: boolean): Promise<Contestant> {
  const own = join(folder, `report-${enabled}`);
  mkdirSync(own);
  const { zonesFolder, zones, signed } = world;
  const config = `report: { enabled: ${enabled} }\n`;
  const given: Given = { folder: own, zonesFolder, zones, signed, certificate, connections: 2000, config };
  return startServer('adotd', given);
}

/** Counting messages of `count` clients in turn, without and with the evidence. */
function calls(count: number, turns: number): string[] {
  const days = createDayMemory(1);
  beginDay(days, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  const counters = [new Counters(), new Counters(undefined, days[0])];
  const facts = createFacts(emptyCatalog());
  facts.transport = Transport.UDP;
  const outcome = { ...createOutcome(), kind: Kind.ANSWER, qtype: Type.A };
  const times = counters.map((): number[] => []);
  for (let turn = 0; turn < NARROWINGS + turns; turn++) {
    for (const [index, one] of counters.entries()) {
      const began = process.cpuUsage();
      for (let i = 0; i < MESSAGES; i++) {
        const client = i % count;
        facts.client[0] = client >>> 16;
        facts.client[1] = client >>> 8;
        facts.client[2] = client;
        one.count(facts, outcome, 40, 100);
      }
      // The first turns are for the compiler, and for the table to become as narrow as the control thread would have made it.
      if (turn >= NARROWINGS) times[index]!.push(nanosecondsEach(began, MESSAGES));
    }
    narrow(days[0]!.followed);
  }
  const [without, recording] = times.map(median) as [number, number];
  return [count.toLocaleString('en'), without.toFixed(1), recording.toFixed(1), (recording - without).toFixed(1)];
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
