/** dnsperf as the load: its command line, and its report. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

type LoadTransport = 'udp' | 'tcp' | 'tls';

export interface Load {
  readonly transport: LoadTransport;
  /** Sockets that queries come from. */
  readonly clients: number;
  /** Queries on their way, over all clients together. */
  readonly outstanding: number;
  /** The most queries a second; without it, as many as are answered. */
  readonly rate?: number;
  /** Whether queries have an OPT record, and whether it has the DO bit. */
  readonly edns?: 'plain' | 'DO' | undefined;
}

/** How many answers had come at a moment. */
interface Progress {
  /** Seconds of the epoch. */
  readonly at: number;
  readonly completed: number;
}

export interface LoadReport {
  readonly sent: number;
  readonly completed: number;
  readonly lost: number;
  /** Answers a second, over the whole time. */
  readonly perSecond: number;
  /** Mean octets of the responses. */
  readonly responseOctets: number;
  /** Connections that had to be opened again. */
  readonly reconnections: number;
  readonly progress: readonly Progress[];
}

/** The CPU that the load runs on; servers run on the other. */
export const LOAD_CPU = '1';
/** Seconds after which an unanswered query counts as lost. On loopback a whole one is for ever. */
const TIMEOUT = 1;
/**
 * KiB of socket buffers for UDP. Measured: with dnsperf's default of 32 it drops some hundred answers itself at 500
 * outstanding, which then look lost.
 */
const UDP_BUFFER = 4096;

/** Seconds between two lines of progress. */
const INTERVAL = 0.05;

const MODES: Readonly<Record<LoadTransport, string>> = { udp: 'udp', tcp: 'tcp', tls: 'dot' };

/** The words of the command line. `seconds` may be a fraction; `file` has a name and a type on each line. */
export function dnsperfWords(load: Load, port: number, file: string, seconds: number): string[] {
  return [
    ...['-m', MODES[load.transport], '-s', '127.0.0.1', '-p', String(port)],
    ...['-c', String(load.clients), '-T', '1', '-q', String(load.outstanding)],
    ...['-l', String(seconds), '-t', String(TIMEOUT), '-S', String(INTERVAL), '-d', file],
    ...(load.transport === 'udp' ? ['-b', String(UDP_BUFFER)] : []),
    ...(load.rate === undefined ? [] : ['-Q', String(load.rate)]),
    ...(load.edns === undefined ? [] : [load.edns === 'DO' ? '-D' : '-e']),
  ];
}

/** Reads dnsperf's report. Throws when figures are missing. */
export function parseDnsperf(output: string): LoadReport {
  const figure = (pattern: RegExp): number => {
    const found = pattern.exec(output)?.[1];
    if (found === undefined) throw new Error(`dnsperf did not report ${pattern.source}: ${output.slice(-2000)}`);
    return Number(found);
  };
  return {
    sent: figure(/Queries sent:\s+(\d+)/),
    completed: figure(/Queries completed:\s+(\d+)/),
    lost: figure(/Queries lost:\s+(\d+)/),
    perSecond: figure(/Queries per second:\s+([\d.]+)/),
    responseOctets: figure(/Average packet size:\s+request \d+, response (\d+)/),
    reconnections: Number(/Reconnections:\s+(\d+)/.exec(output)?.[1] ?? 0),
    progress: progressOf(output),
  };
}

/** Lines of -S: when an interval began, and the answers a second in it. */
function progressOf(output: string): Progress[] {
  const lines = [...output.matchAll(/^(\d+\.\d{6}): (\d+\.\d+)$/gm)].map(([, at, rate]) => [Number(at), Number(rate)]);
  let completed = 0;
  return lines.map(([at = 0, rate = 0], index) => {
    const progress = { at, completed };
    completed += rate * ((lines[index + 1]?.[0] ?? at) - at);
    return progress;
  });
}

/** Answers that had come at this moment, interpolated; NaN before the first and after the last line of progress. */
export function completedAt(progress: readonly Progress[], at: number): number {
  const next = progress.findIndex((one) => one.at >= at);
  const [before, after] = [progress[next - 1], progress[next]];
  if (before === undefined || after === undefined) return after?.at === at ? after.completed : Number.NaN;
  const share = (at - before.at) / (after.at - before.at);
  return before.completed + share * (after.completed - before.completed);
}

/** A load on its way. */
interface Running {
  /** When it opens its first connection or sends its first query; never when it fails before. */
  readonly started: Promise<void>;
  /** Ends it once its report covers this moment (seconds of the epoch). */
  stopBehind(at: number): Promise<void>;
  /** Rejects when dnsperf fails, or nothing was answered. */
  readonly report: Promise<LoadReport>;
}

/** Puts the load on a server, for `seconds` at most. */
export function startDnsperf(load: Load, port: number, file: string, seconds: number): Running {
  const words = ['-c', LOAD_CPU, 'dnsperf', ...dnsperfWords(load, port, file, seconds)];
  // It writes a line to standard error for every lost query.
  const child = spawn('taskset', words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const orphan = (): void => void child.kill('SIGKILL');
  process.once('exit', orphan);
  let output = '';
  let start = (): void => {};
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
    if (output.includes('Started at')) start();
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const report = ended.then(([status]) => {
    process.off('exit', orphan);
    if (status !== 0) throw new Error(`dnsperf ended with status ${status}: ${output.slice(-2000)}`);
    const parsed = parseDnsperf(output);
    if (parsed.completed === 0) throw new Error(`nothing was answered on port ${port}`);
    return parsed;
  });
  const stopBehind = async (at: number): Promise<void> => {
    while (child.exitCode === null && (progressOf(output).at(-1)?.at ?? 0) < at) await wait(INTERVAL * 500);
    child.kill('SIGINT');
  };
  return { started, stopBehind, report };
}

/** Puts the load on a server for `seconds`. */
export async function runDnsperf(load: Load, port: number, file: string, seconds: number): Promise<LoadReport> {
  return startDnsperf(load, port, file, seconds).report;
}
