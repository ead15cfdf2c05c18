/**
 * Starting and stopping a fixture: in its own process, as in the first test of a file, beside the smallest possible server;
 * again and again; and many at once.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CertificateAuthority } from '../../src/fixture/tls/certificate-authority.js';
import { startServer } from '../../src/index.js';
import { askTls, askUdp } from '../support/ask.js';
import { collectGarbage } from '../support/garbage.js';
import { TRANSPORTS } from './fixture-client.js';
import { describeMachine } from './machine.js';
import { median, printTable } from './measure.js';

const ONCE = fileURLToPath(new URL('fixture-once.js', import.meta.url));
const MANY = fileURLToPath(new URL('fixture-many.js', import.meta.url));
const CYCLES = 500;
const TOGETHER = [1, 10, 50, 100, 200, 400];
const QUERY = Buffer.from('\x12\x67\0\0\0\x01\0\0\0\0\0\0\x03www\x07example\x04test\0\0\x01\0\x01', 'latin1');

/** Prints medians of `turns` processes for each transport and number of servers, and time and memory of cycles in this process. */
export async function benchFixture(turns: number): Promise<void> {
  for (const [name, value] of Object.entries(describeMachine())) console.log(`${name}: ${value}`);
  benchStart(turns);
  await benchCycles();
  benchTogether(turns);
}

const COLUMNS = ['import', 'start', ...TRANSPORTS, 'stop', 'resident'] as const;
type Figures = Map<string, number[]>;

interface Once {
  readonly import: number;
  readonly start: number;
  readonly answer: number;
  readonly stop: number;
  readonly resident: number;
}

function benchStart(turns: number): void {
  console.log(
    '\nA server with one small zone, the first in its process, and an empty one. Milliseconds; udp to tls: from the',
  );
  console.log(
    `call of startServer() to the first answer; resident: MB after the stop. Medians of ${turns} for each transport.`,
  );
  const { cert, key } = new CertificateAuthority().issue({ names: ['localhost', '127.0.0.1'], selfSigned: true });
  const [adotd, noTls, empty] = [new Map(), new Map(), new Map()] as [Figures, Figures, Figures];
  // In turns, so that other programs of the machine disturb all of them alike.
  for (let turn = 0; turn < turns; turn++) {
    for (const transport of TRANSPORTS) {
      note(adotd, transport, ['adotd', transport]);
      if (transport === 'udp' || transport === 'tcp') note(noTls, transport, ['no-tls', transport]);
      if (transport !== 'starttls') note(empty, transport, ['empty', transport, cert, key]);
    }
  }
  const figure = (figures: Figures, column: string): number => median(figures.get(column) ?? []);
  const row = (name: string, value: (column: string) => number, digits: number): string[] => [
    name,
    ...COLUMNS.map((column) => (Number.isFinite(value(column)) ? value(column).toFixed(digits) : '-')),
  ];
  printTable([
    ['', ...COLUMNS],
    row('adotd', (column) => figure(adotd, column), 1),
    // Other programs of the machine can only add to it.
    row('adotd, the least', (column) => Math.min(...(adotd.get(column) ?? [])), 1),
    row('adotd without TLS', (column) => figure(noTls, column), 1),
    row('empty server', (column) => figure(empty, column), 1),
    row('adotd / empty', (column) => figure(adotd, column) / figure(empty, column), 2),
  ]);
}

function note(figures: Figures, transport: string, words: readonly string[]): void {
  const { answer, ...others } = program<Once>(ONCE, words);
  for (const [column, value] of [[transport, answer] as const, ...Object.entries(others)]) {
    figures.set(column, [...(figures.get(column) ?? []), value]);
  }
}

async function benchCycles(): Promise<void> {
  console.log(`\n${CYCLES} cycles of start, an answer over UDP and one over TLS, stop, in one process:`);
  console.log('cycles  start (median)  close (median)  heap MB  external MB  resident MB  active resources');
  const starts: number[] = [];
  const closes: number[] = [];
  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    const began = performance.now();
    const server = await startServer({ zones: { 'example.test': 'www A 192.0.2.1' } });
    starts.push(performance.now() - began);
    await askUdp({ port: server.udp }, QUERY);
    await askTls({ port: server.tls }, QUERY);
    const closing = performance.now();
    await server.close();
    closes.push(performance.now() - closing);
    if (cycle % (CYCLES / 5) !== 0 && cycle !== 1) continue;
    await collectGarbage();
    const { heapUsed, external, rss } = process.memoryUsage();
    const megabytes = (octets: number): string => (octets / 2 ** 20).toFixed(1);
    const figures = [median(starts.splice(0)).toFixed(1), median(closes.splice(0)).toFixed(1), megabytes(heapUsed)];
    figures.push(megabytes(external), megabytes(rss), String(process.getActiveResourcesInfo().length));
    const widths = [15, 15, 8, 12, 12, 17];
    console.log(`${String(cycle).padStart(6)} ${figures.map((text, i) => text.padStart(widths[i] ?? 0)).join(' ')}`);
  }
}

function benchTogether(turns: number): void {
  console.log(`\nMany started together in one process, for each of them; medians of ${turns}:`);
  const rows = TOGETHER.map((count) => {
    const runs = Array.from({ length: turns }, () => program<Record<string, number>>(MANY, [String(count)]));
    const of = (key: string, unit = 1): string => (median(runs.map((run) => run[key] ?? Number.NaN)) / unit).toFixed(2);
    return [String(count), of('start'), of('stop'), of('heap', 1024), of('resident', 1024)];
  });
  printTable([['servers', 'start ms', 'stop ms', 'heap kB', 'resident kB'], ...rows]);
}

/** The JSON that a program of this folder prints. */
function program<T>(file: string, words: readonly string[]): T {
  return JSON.parse(execFileSync(process.execPath, [file, ...words], { encoding: 'utf8' })) as T;
}
