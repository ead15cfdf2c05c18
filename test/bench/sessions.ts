/**
 * Stream sessions, beside NSD and BIND: server CPU of a connection (full handshake, resumed, STARTTLS, plain), of a query on
 * sessions that are up, and memory of an idle TLS session. Server on core 0; this process, and dnsperf, on core 1.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.js';
import { type Client, openClient, type SessionKind, sourceAddress } from '../load/client.js';
import { several } from '../load/scenarios.js';
import { connectionCost, questionAt } from './connections.js';
import { runDnsperf } from './dnsperf.js';
import { median, printTable } from './measure.js';
import { writeCertificate } from './peers.js';
import { cpuBetween } from './proc.js';
import type { Given } from './server-configs.js';
import { type Contestant, isPresent, startServer } from './servers.js';
import { queries, randomFrom, ZONE, zoneText } from './workload.js';

interface SessionBenchOptions {
  readonly turns: number;
  /** Idle TLS sessions. */
  readonly idle: number;
  /** Connections of each kind per turn. */
  readonly connections: number;
  /** Seconds of queries per measurement. */
  readonly seconds: number;
  /** Profile adotd: a .cpuprofile is left in the working directory. */
  readonly profile: boolean;
}

/** Row → server → a figure per turn. */
type Figures = Map<string, Map<string, number[]>>;

const SEED = 7;
/** The servers that have TLS. */
const SERVERS = ['adotd', 'NSD', 'BIND'];
/** Connections of the two loads, and queries outstanding on all of them. */
const LOADS = [
  ['20 connections, 500 outstanding', 20, 500],
  ['400 connections, 1 outstanding each', 400, 400],
] as const;

/** Prints the tables. */
export async function benchSessions(options: SessionBenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  try {
    const certificate = await writeCertificate(folder);
    const lines = queries(100_000, randomFrom(SEED)).map((question) => question.join(' '));
    writeFileSync(join(folder, 'queries'), `${lines.join('\n')}\n`);
    const zonesFolder = join(folder, 'zones');
    mkdirSync(zonesFolder);
    writeFileSync(join(zonesFolder, `${ZONE}.zone`), zoneText());
    const given: Given = {
      folder,
      zonesFolder,
      zones: [ZONE],
      signed: false,
      certificate,
      connections: (options.idle + 1000) * 3,
      // Idle sessions stay until they are measured, and there is room for them.
      config: `sessions: { idle_timeout: 120, idle_timeout_min: 120, max: ${Math.max(10_000, options.idle + 1000)} }`,
      node: options.profile ? ['--cpu-prof'] : [],
    };
    spawnSync('taskset', ['-cp', '1', String(process.pid)]);
    const present = SERVERS.filter(isPresent);
    for (const name of SERVERS) if (!present.includes(name)) console.log(`${name} is not installed`);
    const figures: Figures = new Map();
    for (let turn = 0; turn < options.turns; turn++) {
      for (const name of present) {
        await oneTurn(name, given, options, figures).catch((cause) => {
          throw new Error(`${name}: ${messageOf(cause)}`, { cause });
        });
      }
    }
    const load = loadavg().map((value) => value.toFixed(1));
    console.log(`\nmedian of ${options.turns} turns, load average ${load.join(' ')}`);
    print(figures, present);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function oneTurn(name: string, given: Given, options: SessionBenchOptions, figures: Figures): Promise<void> {
  const note = (row: string, value: number): void => {
    const rows = figures.get(row) ?? new Map<string, number[]>();
    figures.set(row, rows);
    rows.set(name, [...(rows.get(name) ?? []), value]);
  };
  const server = await startServer(name, given);
  try {
    // Memory first, on a server that has not had sessions yet; it has the code in memory that they need.
    await connectionCost(server, 'tls', 50);
    note('KiB per idle TLS session', await idleMemory(server, options.idle));
    const kinds: SessionKind[] = name === 'adotd' ? ['tcp', 'tls', 'starttls'] : ['tcp', 'tls'];
    const cost = { tcp: 0, tls: 0, starttls: 0 };
    for (const kind of kinds) {
      // Measured: Node's CPU per connection falls by 40 % over the first 4,000, as their code is compiled.
      await connectionCost(server, kind, 2 * options.connections);
      cost[kind] = await connectionCost(server, kind, options.connections);
      note(`CPU µs per ${kind} connection`, cost[kind]);
    }
    const resumed = await connectionCost(server, 'tls', options.connections, true);
    if (Number.isFinite(resumed)) note('CPU µs per resumed tls connection', resumed);
    for (const [load, clients, outstanding] of LOADS) {
      for (const kind of ['tcp', 'tls'] as const) {
        const before = server.cpu();
        const port = kind === 'tls' ? server.tlsPort : server.port;
        const file = join(given.folder, 'queries');
        const report = await runDnsperf({ transport: kind, clients, outstanding }, port, file, options.seconds);
        const cpu = cpuBetween(before, server.cpu()).total - cost[kind] * clients;
        note(`CPU µs per query, ${kind}, ${load}`, cpu / report.completed);
        note(`queries/s, ${kind}, ${load}`, report.perSecond);
      }
      // dnsperf knows no STARTTLS: this program asks, and asks over TLS too, to compare.
      for (const kind of name === 'adotd' ? (['tls', 'starttls'] as const) : []) {
        note(`CPU µs per query, ${kind}, ${load}, own client`, await ask(server, kind, clients, outstanding, options));
      }
    }
  } finally {
    await server.stop();
  }
}

/** KiB that the server has more in memory for each session. */
async function idleMemory(server: Contestant, count: number): Promise<number> {
  const before = server.memory('VmRSS');
  const clients = await several(count, async (number) => {
    const client = await openClient('tls', server, { from: sourceAddress(number) });
    await client.ask(questionAt(number));
    return client;
  });
  const octets = (server.memory('VmRSS') - before) / count;
  await Promise.all(clients.map((client) => client.close()));
  return octets / 1024;
}

/** CPU microseconds per query on sessions that are up already. */
async function ask(
  server: Contestant,
  kind: SessionKind,
  clients: number,
  outstanding: number,
  { seconds }: SessionBenchOptions,
): Promise<number> {
  const sessions = await several(clients, () => openClient(kind, server));
  const each = Math.round(outstanding / clients);
  const before = server.cpu();
  const end = performance.now() + seconds * 1000;
  const asked = await Promise.all(sessions.map((client, number) => keepAsking(client, number * 37, each, end)));
  const cpu = cpuBetween(before, server.cpu()).total / asked.reduce((sum, one) => sum + one, 0);
  await Promise.all(sessions.map((client) => client.close()));
  return cpu;
}

/** Keeps `outstanding` queries on their way until `end`; says how many were answered. */
async function keepAsking(client: Client, from: number, outstanding: number, end: number): Promise<number> {
  const before = client.messages;
  for (let number = from; performance.now() < end; number += outstanding) {
    await client.ask(Buffer.concat(Array.from({ length: outstanding }, (_, i) => questionAt(number + i))), outstanding);
  }
  return client.messages - before;
}

function print(figures: Figures, present: readonly string[]): void {
  const peers = present.filter((name) => name !== 'adotd');
  const rows = [['', ...present, ...peers.map((name) => `x ${name}`)]];
  for (const [row, values] of figures) {
    const middle = new Map(present.map((name) => [name, median(values.get(name) ?? [])]));
    const own = middle.get('adotd') ?? Number.NaN;
    const cell = (value: number, digits: number): string => (Number.isNaN(value) ? '' : value.toFixed(digits));
    rows.push([
      row,
      ...present.map((name) => cell(middle.get(name) ?? Number.NaN, row.startsWith('queries') ? 0 : 2)),
      ...peers.map((name) => cell(own / (middle.get(name) ?? Number.NaN), 2)),
    ]);
  }
  printTable(rows);
}
