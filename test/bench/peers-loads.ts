/** Loads of the comparison, and one server under one of them. */
import { setTimeout as wait } from 'node:timers/promises';
import { completedAt, type Load, type LoadReport, startDnsperf } from './dnsperf.js';
import type { Figure } from './peers-results.js';
import { type CpuReading, cpuBetween } from './proc.js';
import type { Contestant } from './servers.js';
import { meanBatch } from './statistics.js';
import type { World } from './worlds.js';

/** A row of the tables. */
export interface NamedLoad extends Load {
  readonly id: string;
  readonly title: string;
  /** Seconds until all its connections are up, generously. */
  readonly lead: number;
}

export const LOADS: readonly NamedLoad[] = [
  load('udp', 'UDP, 500 outstanding', 'udp', 1, 500, 0.1),
  { ...load('udp-20k', 'UDP, 20,000 a second', 'udp', 1, 500, 0.1), rate: 20_000 },
  { ...load('udp-100k', 'UDP, 100,000 a second', 'udp', 1, 500, 0.1), rate: 100_000 },
  load('tcp', 'TCP, 20 connections, 500 outstanding', 'tcp', 20, 500, 0.2),
  load('tcp-single', 'TCP, 400 connections, one outstanding each', 'tcp', 400, 400, 0.3),
  load('tls', 'TLS, 20 connections, 500 outstanding', 'tls', 20, 500, 0.3),
  // Measured: NSD and BIND take 0.4 s of CPU for 400 handshakes, adotd up to 0.5.
  load('tls-single', 'TLS, 400 connections, one outstanding each', 'tls', 400, 400, 0.8),
];

/** All transports at once. */
export const MIXED: readonly NamedLoad[] = [
  load('mixed-udp', 'UDP', 'udp', 1, 100, 0.3),
  load('mixed-tcp', 'TCP', 'tcp', 20, 100, 0.3),
  load('mixed-tls', 'TLS', 'tls', 20, 100, 0.3),
];

function load(
  id: string,
  title: string,
  transport: Load['transport'],
  clients: number,
  outstanding: number,
  lead: number,
): NamedLoad {
  return { id, title, transport, clients, outstanding, lead };
}

/** Seconds that a load goes on behind what is measured. */
const BEHIND = 0.15;

export function portOf(server: Contestant, { transport }: Load): number {
  return transport === 'tls' ? server.tlsPort : server.port;
}

/** The loads that a server can take. */
export function loadsFor<T extends Load>(server: Contestant, loads: readonly T[]): T[] {
  return loads.filter(({ transport }) => server.tls || transport !== 'tls');
}

interface Moment extends CpuReading {
  /** Seconds of the epoch. */
  readonly at: number;
}

function look(server: Contestant): Moment {
  const cpu = server.cpu();
  return { ...cpu, at: (performance.timeOrigin + performance.now()) / 1000 };
}

/**
 * One server under loads at once, as one figure over them all. Measured between two moments while they are going on, so
 * that it holds neither opening nor closing of connections.
 */
export async function measure(
  server: Contestant,
  world: World,
  loads: readonly NamedLoad[],
  seconds: number,
): Promise<Figure> {
  const hasUdp = loads.some(({ transport }) => transport === 'udp');
  const lead = Math.max(...loads.map((one) => one.lead));
  const earlier = hasUdp ? await server.statistics() : undefined;
  const running = loads.map((one) => startDnsperf(one, portOf(server, one), world.queries, lead + seconds + BEHIND));
  const all = Promise.all(running.map(({ report }) => report));
  const watched = Promise.all(running.map(({ started }) => started)).then(() => watch(server, lead, seconds));
  // A load that fails may never have started: then there is nothing to wait for.
  const reports = await all;
  const [from, to] = await watched;
  const batch = hasUdp ? meanBatch(earlier, await server.statistics()) : undefined;
  return { ...figureOf(reports, from, to), ...(batch !== undefined && { batch }) };
}

async function watch(server: Contestant, lead: number, seconds: number): Promise<[Moment, Moment]> {
  await wait(lead * 1000);
  const from = look(server);
  await wait(seconds * 1000);
  return [from, look(server)];
}

/** What the reports and the server's CPU say of the time between two moments. Throws when a load did not last so long. */
function figureOf(reports: readonly LoadReport[], from: Moment, to: Moment): Figure {
  const sum = (of: (report: LoadReport) => number): number => reports.reduce((all, report) => all + of(report), 0);
  const completed = sum(({ progress }) => completedAt(progress, to.at) - completedAt(progress, from.at));
  if (!(completed > 0)) throw new Error('the load was over before it was measured');
  const cpu = cpuBetween(from, to);
  return {
    cpu: cpu.total / completed,
    user: cpu.user / completed,
    system: cpu.system / completed,
    perSecond: completed / (to.at - from.at),
    lost: sum((report) => report.lost),
    reconnections: sum((report) => report.reconnections),
    octets: sum((report) => report.responseOctets * report.completed) / sum((report) => report.completed),
  };
}

/** Has a server do for a while what will be measured, so that its code is compiled and its data in the caches. */
export async function warm(
  server: Contestant,
  world: World,
  loads: readonly NamedLoad[],
  seconds: number,
): Promise<void> {
  for (const one of loads) {
    if (one.rate === undefined) {
      await startDnsperf(one, portOf(server, one), world.queries, one.lead + seconds).report;
    }
  }
}
