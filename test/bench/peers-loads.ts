/** Loads of the comparison, and one server under one of them. */
import { setTimeout as wait } from 'node:timers/promises';
import { connectionCost } from './connections.js';
import { type Load, type LoadReport, runDnsperf } from './dnsperf.js';
import type { Figure } from './peers-results.js';
import { cpuBetween } from './proc.js';
import type { Contestant } from './servers.js';
import { meanBatch } from './statistics.js';
import type { World } from './worlds.js';

/** A row of the tables. */
export interface NamedLoad extends Load {
  readonly id: string;
  readonly title: string;
}

export const LOADS: readonly NamedLoad[] = [
  { id: 'udp', title: 'UDP, 500 outstanding', transport: 'udp', clients: 1, outstanding: 500 },
  { id: 'udp-20k', title: 'UDP, 20,000 a second', transport: 'udp', clients: 1, outstanding: 500, rate: 20_000 },
  { id: 'udp-100k', title: 'UDP, 100,000 a second', transport: 'udp', clients: 1, outstanding: 500, rate: 100_000 },
  { id: 'tcp', title: 'TCP, 20 connections, 500 outstanding', transport: 'tcp', clients: 20, outstanding: 500 },
  {
    id: 'tcp-single',
    title: 'TCP, 400 connections, one outstanding each',
    transport: 'tcp',
    clients: 400,
    outstanding: 400,
  },
  { id: 'tls', title: 'TLS, 20 connections, 500 outstanding', transport: 'tls', clients: 20, outstanding: 500 },
  {
    id: 'tls-single',
    title: 'TLS, 400 connections, one outstanding each',
    transport: 'tls',
    clients: 400,
    outstanding: 400,
  },
];

/** Microseconds of CPU that a connection costs, by transport. */
export type ConnectionCosts = Partial<Record<Load['transport'], number>>;

/** Milliseconds for a server to be done with the connections that the load has closed. */
const SETTLE = 50;
/** Connections whose cost is measured in each turn, and before it for the first time. */
const CONNECTIONS = 150;
/** Measured: Node's CPU per connection falls by 40 % over the first 4,000, as their code is compiled. */
const WARMING_CONNECTIONS = 3000;

export function portOf(server: Contestant, { transport }: Load): number {
  return transport === 'tls' ? server.tlsPort : server.port;
}

/** The loads that a server can take. */
export function loadsFor<T extends Load>(server: Contestant, loads: readonly T[]): T[] {
  return loads.filter(({ transport }) => server.tls || transport !== 'tls');
}

/** One server under loads at once, as a figure over them all. What connections cost is taken off. */
export async function measure(
  server: Contestant,
  world: World,
  loads: readonly Load[],
  seconds: number,
  costs: ConnectionCosts,
): Promise<Figure> {
  const asked = loads.some(({ transport }) => transport === 'udp');
  const earlier = asked ? await server.statistics() : undefined;
  const before = server.cpu();
  const reports = await Promise.all(
    loads.map((load) => runDnsperf(load, portOf(server, load), world.queries, seconds)),
  );
  await wait(SETTLE);
  const cpu = cpuBetween(before, server.cpu());
  const batch = asked ? meanBatch(earlier, await server.statistics()) : undefined;
  const connections = loads.reduce((sum, { transport, clients }) => sum + (costs[transport] ?? 0) * clients, 0);
  const sum = (of: (report: LoadReport) => number): number => reports.reduce((all, report) => all + of(report), 0);
  const completed = sum((report) => report.completed);
  const kept = 1 - connections / cpu.total;
  return {
    cpu: (cpu.total * kept) / completed,
    user: (cpu.user * kept) / completed,
    system: (cpu.system * kept) / completed,
    perSecond: sum((report) => report.perSecond),
    lost: sum((report) => report.lost),
    octets: sum((report) => report.responseOctets * report.completed) / completed,
    ...(batch !== undefined && { batch }),
  };
}

/** What a server's connections cost now, for the transports of these loads. */
export async function costsOf(
  server: Contestant,
  loads: readonly Load[],
  count = CONNECTIONS,
): Promise<ConnectionCosts> {
  const costs: ConnectionCosts = {};
  for (const kind of ['tcp', 'tls'] as const) {
    if (loads.some(({ transport }) => transport === kind)) costs[kind] = await connectionCost(server, kind, count);
  }
  return costs;
}

/** Has a server do once what will be measured, so that its code is compiled and its data in the caches. */
export async function warm(
  server: Contestant,
  world: World,
  loads: readonly NamedLoad[],
  seconds: number,
): Promise<void> {
  await costsOf(server, loads, server.name === 'adotd' ? WARMING_CONNECTIONS : CONNECTIONS);
  for (const load of loads) {
    if (load.rate === undefined) await runDnsperf(load, portOf(server, load), world.queries, seconds);
  }
}
