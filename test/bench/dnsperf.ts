/** dnsperf as the load: its command line, and what its report says. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type LoadTransport = 'udp' | 'tcp' | 'tls';

export interface Load {
  readonly transport: LoadTransport;
  /** Sockets that queries come from. */
  readonly clients: number;
  /** Queries on their way, over all clients together. */
  readonly outstanding: number;
  /** Queries a second at the most; as many as are answered when absent. */
  readonly rate?: number;
  /** Whether queries have an OPT record, and whether it has the DO bit. */
  readonly edns?: 'plain' | 'DO' | undefined;
}

export interface LoadReport {
  readonly sent: number;
  readonly completed: number;
  readonly lost: number;
  /** Answers a second. */
  readonly perSecond: number;
  /** Mean octets of the responses. */
  readonly responseOctets: number;
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

const MODES: Readonly<Record<LoadTransport, string>> = { udp: 'udp', tcp: 'tcp', tls: 'dot' };

/** The words of the command line. `seconds` may be a fraction; `file` has a name and a type on each line. */
export function dnsperfWords(load: Load, port: number, file: string, seconds: number): string[] {
  return [
    ...['-m', MODES[load.transport], '-s', '127.0.0.1', '-p', String(port)],
    ...['-c', String(load.clients), '-T', '1', '-q', String(load.outstanding)],
    ...['-l', String(seconds), '-t', String(TIMEOUT), '-d', file],
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
  };
}

/** Puts the load on a server. Throws when dnsperf fails, or nothing was answered. */
export async function runDnsperf(load: Load, port: number, file: string, seconds: number): Promise<LoadReport> {
  const words = ['-c', LOAD_CPU, 'dnsperf', ...dnsperfWords(load, port, file, seconds)];
  // It writes a line for every lost query.
  const { stdout, stderr } = await run('taskset', words, { maxBuffer: 1 << 28 });
  const report = parseDnsperf(stdout);
  if (report.completed === 0) throw new Error(`nothing was answered on port ${port}: ${stderr.slice(0, 500)}`);
  return report;
}
