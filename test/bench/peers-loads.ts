/** Loads of the comparison, and one server under one of them. */
import { setTimeout as wait } from 'node:timers/promises';
import { completedAt, type Load, type LoadReport, runDnsperf, startDnsperf } from './dnsperf.js';
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
  /** It is measured so many times longer than others: few queries need long. 1 when absent. */
  readonly longer?: number;
}

/** As fast as the server answers, or nearly. */
export const LOADS: readonly NamedLoad[] = [
  load('udp', 'UDP, 500 outstanding', 'udp', 1, 500, 0.1),
  { ...load('udp-100k', 'UDP, 100,000 a second', 'udp', 1, 500, 0.1), rate: 100_000 },
  load('tcp', 'TCP, 20 connections, 500 outstanding', 'tcp', 20, 500, 0.2),
  load('tcp-single', 'TCP, 400 connections, one outstanding each', 'tcp', 400, 400, 0.3),
  load('tls', 'TLS, 20 connections, 500 outstanding', 'tls', 20, 500, 0.3),
  // Measured: NSD and BIND take 0.4 s of CPU for 400 handshakes, adotd up to 0.5.
  load('tls-single', 'TLS, 400 connections, one outstanding each', 'tls', 400, 400, 0.8),
];

/** Loads at the rates of most servers: what counts there is what it costs to be woken. Measured with the unsigned zone only. */
export const PACED: readonly NamedLoad[] = [
  ...paced('udp', 'UDP', 1, 0.1),
  ...paced('tcp', 'TCP, 20 connections', 20, 0.2),
  ...paced('tls', 'TLS, 20 connections', 20, 0.3),
];

function paced(transport: Load['transport'], title: string, clients: number, lead: number): NamedLoad[] {
  const row = (suffix: string, rate: number, longer: number): NamedLoad => ({
    ...load(`${transport}-${suffix}`, `${title}, ${rate.toLocaleString('en')} a second`, transport, clients, 500, lead),
    rate,
    longer,
  });
  return [row('1k', 1000, 5), row('5k', 5000, 3), row('20k', 20_000, 2)];
}

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

/** Of the time: a server that does less under load was waiting, even on a busy machine. */
const IDLE = 0.05;
/** The least seconds of warming up. V8 needs more, to compile adotd's hot code on a busy machine too. */
const WARM = 0.3;
const WARM_COMPILING = 1.2;
/** Seconds that a load goes on after the measurement unless it is stopped, since a busy machine is late. */
const BEHIND = 3;

function portOf(server: Contestant, { transport }: Load): number {
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
  const now = (): number => (performance.timeOrigin + performance.now()) / 1000;
  const before = now();
  const cpu = server.cpu();
  // A server may have hundreds of threads to look at.
  return { ...cpu, at: (before + now()) / 2 };
}

/**
 * One server under loads at once, as one figure over them all. Measured between two moments while they are going on, so
 * that it holds neither opening nor closing of connections. `patience`: seconds that connections may take longer.
 */
export async function measure(
  server: Contestant,
  world: World,
  loads: readonly NamedLoad[],
  seconds: number,
  patience = 0,
): Promise<Figure> {
  const hasUdp = loads.some(({ transport }) => transport === 'udp');
  const lead = patience + Math.max(...loads.map((one) => one.lead));
  const earlier = hasUdp ? await server.statistics() : undefined;
  const running = loads.map((one) => startDnsperf(one, portOf(server, one), world.queries, lead + seconds + BEHIND));
  const all = Promise.all(running.map(({ report }) => report));
  const watched = Promise.all(running.map(({ started }) => started)).then(async () => {
    const moments = await watch(server, lead, seconds);
    await Promise.all(running.map(({ stopBehind }) => stopBehind(moments[1].at)));
    return moments;
  });
  // A load that fails may never have started: then nothing is awaited.
  const reports = await all;
  const [from, to] = await watched;
  const batch = hasUdp ? meanBatch(earlier, await server.statistics()) : undefined;
  const figure = figureOf(reports, from, to);
  checkBusy(figure, loads);
  return { ...figure, ...(batch !== undefined && { batch }) };
}

async function watch(server: Contestant, lead: number, seconds: number): Promise<[Moment, Moment]> {
  await wait(lead * 1000);
  const from = look(server);
  await wait(seconds * 1000);
  return [from, look(server)];
}

/** The figure for the time between two moments. Throws when a load ended before the second one. */
function figureOf(reports: readonly LoadReport[], from: Moment, to: Moment): Figure {
  const sum = (of: (report: LoadReport) => number): number => reports.reduce((all, report) => all + of(report), 0);
  const completed = sum(({ progress }) => completedAt(progress, to.at) - completedAt(progress, from.at));
  if (Number.isNaN(completed)) throw new Error('the load was over before it was measured');
  if (completed === 0) throw new Error('nothing was answered while it was measured');
  const cpu = cpuBetween(from, to);
  return {
    cpu: cpu.total / completed,
    user: cpu.user / completed,
    system: cpu.system / completed,
    wakeUps: cpu.wakeUps / completed,
    perSecond: completed / (to.at - from.at),
    lost: sum((report) => report.lost),
    reconnections: sum((report) => report.reconnections),
    octets: sum((report) => report.responseOctets * report.completed) / sum((report) => report.completed),
  };
}

/** A server that has hardly anything to do under a load without end waits for connections that are not up. */
function checkBusy({ cpu, perSecond }: Figure, loads: readonly Load[]): void {
  const busy = (cpu * perSecond) / 1e6;
  if (busy > IDLE || loads.some(({ rate }) => rate !== undefined)) return;
  throw new Error(
    `the server was idle: it answered ${perSecond.toFixed(0)} queries a second in ${(busy * 100).toFixed(1)} % of the time`,
  );
}

/**
 * Puts the loads on a server for a while before they are measured, so that its code is compiled and its data in the caches. The paced ones
 * come without their pace: a server that is asked a thousand times a second has been so for hours.
 */
export async function warm(
  server: Contestant,
  world: World,
  loads: readonly NamedLoad[],
  seconds: number,
): Promise<void> {
  const least = server.name === 'adotd' ? WARM_COMPILING : WARM;
  const hurried = loads.map(({ rate: _, ...one }): NamedLoad => one);
  // Loads that differ only in pace are one.
  const distinct = new Map(hurried.map((one) => [`${one.transport} ${one.clients} ${one.outstanding}`, one]));
  for (const one of distinct.values()) {
    await runDnsperf(one, portOf(server, one), world.queries, one.lead + Math.max(seconds, least));
  }
}
