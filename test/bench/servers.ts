/** The contestants: adotd and its peers, each a process pinned to one CPU, with one worker. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { readAnswer } from '../differential/answer.js';
import type { Ports } from '../load/client.js';
import { buildQuery } from '../support/message.js';
import { freePort, knock, stopChild } from '../support/peers/server.js';
import { REPOSITORY } from './machine.js';
import { isInstalled } from './measure.js';
import { type CpuReading, type MemoryKind, readCpu, readMemory } from './proc.js';
import {
  type Given,
  type Launch,
  launchAdotd,
  launchBind,
  launchKnot,
  launchNsd,
  launchPowerDns,
} from './server-configs.js';
import { readStatistics, type Statistics } from './statistics.js';

const run = promisify(execFile);

interface Kind {
  readonly program: string;
  /** Whether it serves DNS over TLS. */
  readonly tls: boolean;
  /** Words that make it print its version. */
  readonly version: readonly string[];
  launch(given: Given, ports: Ports): Launch;
}

/** In the order of the tables; adotd first. */
export const SERVERS: Readonly<Record<string, Kind>> = {
  adotd: { program: process.execPath, tls: true, version: [], launch: launchAdotd },
  NSD: { program: 'nsd', tls: true, version: ['-v'], launch: launchNsd },
  Knot: { program: 'knotd', tls: false, version: ['--version'], launch: launchKnot },
  BIND: { program: 'named', tls: true, version: ['-v'], launch: launchBind },
  PowerDNS: { program: 'pdns_server', tls: false, version: ['--version'], launch: launchPowerDns },
};

export interface Contestant extends Ports {
  readonly name: string;
  readonly pid: number;
  readonly tls: boolean;
  /** As it was started, without the wrapper that pins it. */
  readonly command: readonly string[];
  /** Seconds from its start until all its zones were answered. */
  readonly loading: number;
  cpu(): CpuReading;
  /** Octets in memory of all its processes: pages that they share count once, or once for each process. */
  memory(kind: MemoryKind): number;
  /** Makes it read a zone's file again; it may still be at it when this resolves. */
  reload(zone: string): Promise<void>;
  /** Its counters; undefined for a server that does not print any. */
  statistics(): Promise<Statistics | undefined>;
  stop(): Promise<void>;
}

/** The CPU that servers run on; the load runs on the other. */
const SERVER_CPU = '0';
/** The CPU that the load runs on, and servers that only take part. */
export const OTHER_CPU = '1';
/** Milliseconds until a server has loaded or transferred a million records, or transferred ten thousand zones. */
const READY_WITHIN = 240_000;
/** Octets kept of a server's output. */
const LOG_KEPT = 65_536;
/** Zones that are looked for, of many, before a server counts as loaded. */
const ZONES_ASKED = 64;

export function isPresent(name: string): boolean {
  return isInstalled(SERVERS[name]?.program ?? '');
}

/** A server's version by its own word. */
export function versionOf(name: string): string {
  if (name === 'adotd') {
    const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string };
    const commit = spawnSync('git', ['-C', REPOSITORY, 'describe', '--always', '--dirty'], { encoding: 'utf8' });
    return commit.status === 0 ? `${version} (${commit.stdout.trim()})` : version;
  }
  const { program = '', version = [] } = SERVERS[name] ?? {};
  const { stdout, stderr } = spawnSync(program, [...version], { encoding: 'utf8' });
  return /\d+\.\d+[^\s,]*/.exec(`${stdout}${stderr}`)?.[0] ?? '?';
}

/** Starts a server and waits until it answers for its zones. Throws with its output when it does not. */
export async function startServer(name: string, given: Given, cpu = SERVER_CPU): Promise<Contestant> {
  const kind = SERVERS[name];
  if (kind === undefined) throw new Error(`there is no server ${name}; there are ${Object.keys(SERVERS).join(', ')}`);
  const ports = { port: await freePort(), tlsPort: await freePort() };
  return startLaunch({ name, tls: kind.tls, ports, zones: given.zones, launch: kind.launch(given, ports), cpu });
}

/** A command, and what it has to answer before it counts as started. */
interface Started {
  readonly name: string;
  /** Whether it serves DNS over TLS. */
  readonly tls: boolean;
  readonly ports: Ports;
  /** Zones that are looked for, without the final dot. */
  readonly zones: readonly string[];
  readonly launch: Launch;
  readonly cpu?: string;
}

/** The same for a command of any kind. */
export async function startLaunch({ name, tls, ports, zones, launch, cpu = SERVER_CPU }: Started): Promise<Contestant> {
  for (const [program = '', ...words] of launch.before ?? []) await run(program, words);
  const started = performance.now();
  const child = spawn('taskset', ['-c', cpu, ...launch.command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collect(child);
  const orphan = (): void => void child.kill('SIGKILL');
  process.once('exit', orphan);
  const stop = async (): Promise<void> => {
    await stopChild(child);
    process.off('exit', orphan);
  };
  const pid = child.pid ?? 0;
  try {
    await ready(child, ports.port, zones);
    // A server may answer over UDP before it listens for streams.
    for (const port of tls ? [ports.port, ports.tlsPort] : [ports.port]) await listening(child, port);
  } catch (error) {
    await stop();
    throw new Error(`${name} does not answer: ${error instanceof Error ? error.message : error}\n${output.text()}`);
  }
  return {
    name,
    pid,
    tls,
    ...ports,
    command: launch.command,
    loading: (performance.now() - started) / 1000,
    cpu: () => readCpu(pid),
    memory: (of) => readMemory(pid, of),
    reload: async (zone) => {
      const [program, ...words] = launch.reload?.(zone) ?? [];
      if (program === undefined) child.kill('SIGHUP');
      else await run(program, words);
    },
    statistics: async () => {
      if (name !== 'adotd') return undefined;
      const line = output.next('"statistics"');
      child.kill('SIGUSR1');
      return readStatistics(await Promise.race([line, wait(1000, '')]));
    },
    stop,
  };
}

interface Output {
  /** The last part of it. */
  text(): string;
  /** The next line that has these characters. */
  next(part: string): Promise<string>;
}

function collect(child: ChildProcess): Output {
  let text = '';
  let unfinished = '';
  const waiting = new Map<string, (line: string) => void>();
  const take = (chunk: Buffer): void => {
    text = (text + chunk.toString('latin1')).slice(-LOG_KEPT);
    const lines = (unfinished + chunk.toString('latin1')).split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) {
      for (const [part, resolve] of waiting) if (line.includes(part) && waiting.delete(part)) resolve(line);
    }
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  return { text: () => text, next: (part) => new Promise((resolve) => waiting.set(part, resolve)) };
}

/** Waits until the SOA records of the zones are answered, of many zones of some. */
async function ready(child: ChildProcess, port: number, zones: readonly string[]): Promise<void> {
  const step = Math.max(1, Math.floor(zones.length / ZONES_ASKED));
  const end = performance.now() + READY_WITHIN;
  for (let index = 0; index < zones.length; ) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`it ended: ${child.signalCode ?? `exit status ${child.exitCode}`}`);
    }
    if (performance.now() > end) throw new Error(`zone ${zones[index]} is not there after ${READY_WITHIN} ms`);
    if ((await serialOf(port, zones[index] ?? '')) === undefined) await wait(10);
    else index += index < zones.length - 1 ? Math.min(step, zones.length - 1 - index) : 1;
  }
}

/** Waits until connections to the port are accepted. */
async function listening(child: ChildProcess, port: number): Promise<void> {
  const end = performance.now() + READY_WITHIN;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > end) throw new Error(`it does not listen on TCP port ${port}`);
    await wait(10);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** The serial that a zone is served with; undefined when there is no answer within 200 ms, or none with an SOA record. */
export async function serialOf(port: number, zone: string): Promise<number | undefined> {
  const query = buildQuery({ name: `${zone}.`, type: 'SOA' });
  const response = await knock(port, query);
  const rrsets = response === undefined ? [] : [...readAnswer(response).answer.values()];
  const soa = rrsets.find(({ type }) => type === 6)?.rdata[0];
  // The serial, then four numbers (RFC 1035 §3.3.13).
  return soa === undefined ? undefined : Buffer.from(soa, 'latin1').readUInt32BE(soa.length - 20);
}
