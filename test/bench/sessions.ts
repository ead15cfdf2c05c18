/**
 * Stream sessions, beside NSD and BIND: server CPU of a connection (full handshake, resumed, STARTTLS, plain), of a query on
 * sessions that are up, and memory of an idle TLS session. Server on core 0; this process, and dnsperf, on core 1.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, framed, openClient, type SessionKind, sourceAddress } from '../load/client.js';
import { several } from '../load/scenarios.js';
import { buildQuery } from '../support/message.js';
import { make } from '../tls/support.js';
import { isInstalled, median, printTable, run } from './measure.js';
import { type Contestant, type Given, STARTERS } from './session-servers.js';
import { queries, randomFrom, ZONE, zoneText } from './workload.js';

export interface SessionBenchOptions {
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
const PROGRAMS: Readonly<Record<string, string>> = { NSD: 'nsd', BIND: 'named' };
/** Connections of the two loads, and queries outstanding on all of them. */
const LOADS = [
  ['20 connections, 500 outstanding', 20, 500],
  ['400 connections, 1 outstanding each', 400, 400],
] as const;

const QUERIES = queries(5000, randomFrom(SEED)).map(([name, type]) => framed(buildQuery({ name: `${name}.`, type })));
const questionAt = (number: number): Buffer => QUERIES[number % QUERIES.length] ?? Buffer.alloc(0);

/** Prints the tables. */
export async function benchSessions(options: SessionBenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
  try {
    const { cert, key } = await make({ names: [`ns1.${ZONE}`] });
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 });
    writeFileSync(
      join(folder, 'queries'),
      `${queries(100_000, randomFrom(SEED))
        .map((q) => q.join(' '))
        .join('\n')}\n`,
    );
    const given: Given = {
      folder,
      zone: zoneText(),
      cert: join(folder, 'cert.pem'),
      key: join(folder, 'key.pem'),
      connections: options.idle + 1000,
      node: options.profile ? ['--cpu-prof'] : [],
    };
    spawnSync('taskset', ['-cp', '1', String(process.pid)]);
    const present = Object.keys(STARTERS).filter((name) => isInstalled(PROGRAMS[name] ?? 'node'));
    for (const name of Object.keys(STARTERS)) if (!present.includes(name)) console.log(`${name} is not installed`);
    const figures: Figures = new Map();
    for (let turn = 0; turn < options.turns; turn++) {
      for (const name of present) await oneTurn(name, given, options, figures);
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
  const server = await STARTERS[name]?.(given);
  if (server === undefined) return;
  try {
    // Memory first, on a server that has not had sessions yet; it has the code in memory that they need.
    await connections(server, 'tls', 50);
    note('KiB per idle TLS session', await idleMemory(server, options.idle));
    const kinds: SessionKind[] = name === 'adotd' ? ['tcp', 'tls', 'starttls'] : ['tcp', 'tls'];
    const cost = { tcp: 0, tls: 0, starttls: 0 };
    for (const kind of kinds) {
      // Measured: Node's CPU per connection falls by 40 % over the first 4,000, as their code is compiled.
      await connections(server, kind, 2 * options.connections);
      cost[kind] = await connections(server, kind, options.connections);
      note(`CPU µs per ${kind} connection`, cost[kind]);
    }
    const resumed = await connections(server, 'tls', options.connections, true);
    if (Number.isFinite(resumed)) note('CPU µs per resumed tls connection', resumed);
    for (const [load, clients, outstanding] of LOADS) {
      for (const kind of ['tcp', 'tls'] as const) {
        const result = await dnsperf(server, kind, clients, outstanding, given.folder, options.seconds);
        note(`CPU µs per query, ${kind}, ${load}`, result.cpu - (cost[kind] * clients) / result.completed);
        note(`queries/s, ${kind}, ${load}`, result.perSecond);
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

/** CPU microseconds of a connection with one query; NaN when sessions were to be resumed and were not. */
async function connections(server: Contestant, kind: SessionKind, count: number, resume = false): Promise<number> {
  let session: Buffer | undefined;
  if (resume) {
    const first = await openClient(kind, server);
    await first.ask(questionAt(0));
    session = first.session;
    await first.close();
  }
  const before = server.cpu();
  const resumed = await several(count, async (number) => {
    const client = await openClient(kind, server, { session });
    await client.ask(questionAt(number));
    await client.close();
    return client.resumed;
  });
  const cpu = (server.cpu() - before) / count;
  return resume && resumed.filter(Boolean).length < count * 0.9 ? Number.NaN : cpu;
}

/** KiB that the server has more in memory for each session. */
async function idleMemory(server: Contestant, count: number): Promise<number> {
  const before = server.resident();
  const clients = await several(count, async (number) => {
    const client = await openClient('tls', server, { from: sourceAddress(number) });
    await client.ask(questionAt(number));
    return client;
  });
  const octets = (server.resident() - before) / count;
  await Promise.all(clients.map((client) => client.close()));
  return octets / 1024;
}

interface Result {
  /** Microseconds per query, the connections included. */
  readonly cpu: number;
  readonly completed: number;
  readonly perSecond: number;
}

async function dnsperf(
  server: Contestant,
  kind: 'tcp' | 'tls',
  clients: number,
  outstanding: number,
  folder: string,
  seconds: number,
): Promise<Result> {
  const port = kind === 'tls' ? server.tlsPort : server.port;
  const before = server.cpu();
  const words = `-c 1 dnsperf -m ${kind === 'tls' ? 'dot' : 'tcp'} -s 127.0.0.1 -p ${port} -c ${clients} -T 1`;
  const { output } = await run('taskset', [
    ...words.split(' '),
    ...['-q', String(outstanding), '-l', String(seconds), '-d', join(folder, 'queries')],
  ]);
  const completed = Number(/Queries completed:\s+(\d+)/.exec(output)?.[1] ?? Number.NaN);
  const perSecond = Number(/Queries per second:\s+([\d.]+)/.exec(output)?.[1] ?? Number.NaN);
  return { cpu: (server.cpu() - before) / completed, completed, perSecond };
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
  const cpu = (server.cpu() - before) / asked.reduce((sum, one) => sum + one, 0);
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
