/**
 * npm run bench -- loops: the loops that a UDP worker can run (udp-loop-kinds.ts), beside NSD and Knot where they are installed:
 * CPU per query, queries a batch, and how soon a thread obeys. Each in turn, pinned to one core, dnsperf on
 * the other.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runDnsperf } from './dnsperf.js';
import { median, printTable } from './measure.js';
import { writeCertificate } from './peers.js';
import { type CpuReading, cpuBetween, readCpu } from './proc.js';
import { isPresent, startServer } from './servers.js';
import { LOOPS } from './udp-loop-kinds.js';
import { SIZES, type World, workload } from './worlds.js';

interface LoopsOptions {
  readonly turns: number;
  /** Of each measurement. */
  readonly seconds: number;
  /** Keys of LOOPS, and names of servers; all loops, NSD and Knot by default. */
  readonly contestants?: readonly string[];
}

/** Queries a second; all that are answered, at first. */
const RATES = [Number.POSITIVE_INFINITY, 100_000, 20_000] as const;
const SERVER_CPU = '0';

/** A running contestant. */
interface Running {
  readonly port: number;
  cpu(): CpuReading;
  /** Batches received so far; NaN for other servers. */
  batches(): Promise<number>;
  /** Milliseconds until the thread has published a catalog. */
  publish(): Promise<number>;
  /** Ends it; milliseconds until the thread has ended. */
  stop(): Promise<number>;
}

/** Microseconds of CPU a query, and the rest of a row. */
interface Figures {
  readonly total: number;
  readonly user: number;
  readonly perBatch: number;
  readonly perSecond: number;
  readonly lost: number;
}

/** Prints two tables. */
export async function benchLoops({ turns, seconds, contestants }: LoopsOptions): Promise<void> {
  const names =
    contestants ?? ['NSD', 'Knot', ...Object.keys(LOOPS)].filter((name) => name in LOOPS || isPresent(name));
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  const running = new Map<string, Running>();
  const figures = new Map<string, Figures[]>();
  const published = new Map<string, number[]>(names.map((name) => [name, []]));
  const stopped = new Map<string, number>();
  try {
    const world = workload(folder, SIZES);
    for (const name of names) {
      running.set(name, await (name in LOOPS ? startLoop(name) : startPeer(name, folder, world)));
    }
    // The first turn is not counted: everything is compiled in it.
    for (let turn = 0; turn <= turns; turn++) {
      for (const rate of RATES) {
        for (const [name, server] of running) {
          const publishing = wait((seconds * 1000) / 2).then(() => server.publish());
          const found = await measure(server, world.queries, rate, seconds);
          published.get(name)?.push(await publishing);
          const key = `${name} ${rate}`;
          if (turn > 0) figures.set(key, [...(figures.get(key) ?? []), found]);
        }
      }
    }
  } finally {
    for (const [name, server] of running) stopped.set(name, await server.stop());
    rmSync(folder, { recursive: true });
  }
  const rows = RATES.flatMap((rate) => names.map((name) => row(name, rate, figures.get(`${name} ${rate}`) ?? [])));
  printTable([['', 'queries/s', 'us CPU', '(user)', 'least', 'most', 'per batch', 'answered/s', 'lost'], ...rows]);
  const loops = names.filter((name) => name in LOOPS);
  const ms = (value: number): string => value.toFixed(1);
  printTable([
    ['', 'published after ms, median', 'at the most', 'stopped after ms'],
    ...loops.map((name) => {
      const all = published.get(name) ?? [];
      return [name, ms(median(all)), ms(Math.max(...all)), ms(stopped.get(name) ?? Number.NaN)];
    }),
  ]);
}

async function measure(server: Running, file: string, rate: number, seconds: number): Promise<Figures> {
  const load = { transport: 'udp', clients: 1, outstanding: 500, ...(Number.isFinite(rate) ? { rate } : {}) } as const;
  const before = { cpu: server.cpu(), batches: await server.batches() };
  const { completed, perSecond, lost } = await runDnsperf(load, server.port, file, seconds);
  const { total, user } = cpuBetween(before.cpu, server.cpu());
  const perBatch = completed / ((await server.batches()) - before.batches);
  return { total: total / completed, user: user / completed, perBatch, perSecond, lost };
}

function row(name: string, rate: number, figures: readonly Figures[]): string[] {
  const all = (field: keyof Figures): number[] => figures.map((one) => one[field]);
  const total = all('total');
  const perBatch = median(all('perBatch'));
  return [
    name,
    Number.isFinite(rate) ? String(rate) : 'all',
    ...[median(total), median(all('user')), Math.min(...total), Math.max(...total)].map((value) => value.toFixed(2)),
    Number.isNaN(perBatch) ? '' : perBatch.toFixed(1),
    median(all('perSecond')).toFixed(0),
    String(all('lost').reduce((sum, lost) => sum + lost, 0)),
  ];
}

async function startLoop(name: string): Promise<Running> {
  const child = fork(fileURLToPath(new URL('./udp-loop-server.js', import.meta.url)), [name]);
  const pid = child.pid ?? 0;
  const port = await ask(child, 'port');
  // All its threads; those that it starts later too.
  spawnSync('taskset', ['-a', '-p', '-c', SERVER_CPU, String(pid)]);
  return {
    port,
    cpu: () => readCpu(pid),
    batches: () => ask(child, 'batches'),
    publish: () => ask(child, 'publish'),
    async stop() {
      const milliseconds = await ask(child, 'stop');
      child.disconnect();
      await once(child, 'exit');
      return milliseconds;
    },
  };
}

/** One question at a time, and others while a catalog is being published: answers come in any order then. */
let asking: Promise<unknown> = Promise.resolve();
function ask(child: ChildProcess, what: string): Promise<number> {
  const answer = asking.then(async () => {
    child.send(what);
    const [value] = (await once(child, 'message')) as [number];
    return value;
  });
  asking = answer;
  return answer;
}

async function startPeer(name: string, folder: string, { zonesFolder, zones, signed }: World): Promise<Running> {
  const own = join(folder, name);
  mkdirSync(own);
  const certificate = await writeCertificate(own);
  const given = { folder: own, zonesFolder, zones, signed, certificate, connections: 100 };
  const server = await startServer(name, given);
  return {
    port: server.port,
    cpu: () => server.cpu(),
    batches: async () => Number.NaN,
    publish: async () => Number.NaN,
    async stop() {
      await server.stop();
      return Number.NaN;
    },
  };
}
