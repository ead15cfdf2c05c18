/** Starts many servers together in one process: prints milliseconds and octets as JSON, for each of them. Argument: how many. */
import { startServer } from '../../src/index.js';
import { collectGarbage } from '../support/garbage.js';
import { askOnce } from './fixture-client.js';

const count = Number(process.argv[2]);
const start = () => startServer({ zones: { 'example.test': 'www A 192.0.2.1' } });

// The cost of the first one is not counted.
const first = await start();
await askOnce(first, 'tls');
await first.close();
await collectGarbage();
const { heapUsed, rss } = process.memoryUsage();
const began = performance.now();
const servers = await Promise.all(Array.from({ length: count }, start));
const started = performance.now();
await collectGarbage();
const now = process.memoryUsage();
const closing = performance.now();
await Promise.all(servers.map((server) => server.close()));
console.log(
  JSON.stringify({
    start: (started - began) / count,
    stop: (performance.now() - closing) / count,
    heap: (now.heapUsed - heapUsed) / count,
    resident: (now.rss - rss) / count,
  }),
);
