/** Starting and stopping a fixture: in a process of its own, as in the first test of a file, and again and again. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startServer } from '../../src/index.js';
import { askTls, askUdp } from '../support/ask.js';
import { collectGarbage } from '../support/garbage.js';
import { median } from './measure.js';

const ONCE = fileURLToPath(new URL('fixture-once.js', import.meta.url));
const CYCLES = 500;
const QUERY = Buffer.from('\x12\x67\0\0\0\x01\0\0\0\0\0\0\x03www\x07example\x04test\0\0\x01\0\x01', 'latin1');

/** Prints medians of `turns` processes, then what `CYCLES` cycles in this one took and left. */
export async function benchFixture(turns: number): Promise<void> {
  console.log(`startServer() with one small zone, the first in its process; milliseconds, medians of ${turns}:`);
  console.log('          import   start  first answer  first answer in TLS   close');
  for (const words of [[], ['no-tls']]) {
    const runs = Array.from({ length: turns }, () => once(words));
    const of = (key: string): string => median(runs.map((run) => run[key] ?? 0)).toFixed(1);
    const line = [of('import').padStart(6), of('start').padStart(7), of('answer').padStart(13)];
    line.push((words.length > 0 ? '-' : of('tls')).padStart(20), of('close').padStart(7));
    console.log(`${(words[0] ?? 'with TLS').padEnd(9)} ${line.join(' ')}`);
  }
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

function once(words: readonly string[]): Record<string, number> {
  return JSON.parse(execFileSync(process.execPath, [ONCE, ...words], { encoding: 'utf8' })) as Record<string, number>;
}
