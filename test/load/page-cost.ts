/**
 * What the page costs the thread that makes it: CPU of the control thread, by its own clock, without viewers and with some. Starts the built
 * server with N small zones, and reads the stream of events as a browser does.
 *
 *   node scripts/run-ts.mjs test/load/page-cost.ts [--zones N] [--viewers N] [--seconds N]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { adotdServe } from '../support/cli.js';

const { values } = parseArgs({
  options: {
    zones: { type: 'string', default: '10' },
    viewers: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '10' },
  },
});
const [zones, viewers, seconds] = [values.zones, values.viewers, values.seconds].map(Number) as [
  number,
  number,
  number,
];
const folder = mkdtempSync(join(tmpdir(), 'adotd-page-cost-'));
mkdirSync(join(folder, 'zones'));
const text = '$TTL 1h\n@ SOA ns.example. h.example. 1 1h 1h 1w 1h\n@ NS ns.example.\n';
for (let i = 0; i < zones; i++) writeFileSync(join(folder, 'zones', `zone-${i}.example.zone`), text);
writeFileSync(
  join(folder, 'adotd.yaml'),
  'listen: [127.0.0.1]\nmetrics: { listen: 0 }\nzones: { folder: zones }\nworkers: 1\n',
);
const server = await adotdServe('--config', join(folder, 'adotd.yaml'));
const [, url = ''] = /metrics at (http:\/\/[^/]+\/)metrics/.exec(server.stderr()) ?? [];

/** Milliseconds of CPU that the control thread has used. */
function used(): number {
  const [nanoseconds = '0'] = readFileSync(`/proc/${server.pid}/task/${server.pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e6;
}

/** Milliseconds of CPU a second. */
async function measured(): Promise<number> {
  await wait(2000);
  const [before, began] = [used(), performance.now()];
  await wait(seconds * 1000);
  return (used() - before) / ((performance.now() - began) / 1000);
}

const idle = await measured();
let octets = 0;
const open = await Promise.all(
  Array.from({ length: viewers }, async () => {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${url}page/events`, { agent: false }, resolve).on('error', reject);
    });
    response.on('data', (piece: Buffer) => (octets += piece.length)).on('error', () => {});
    return response;
  }),
);
const began = performance.now();
const watched = await measured();
const rate = octets / ((performance.now() - began) / 1000) / Math.max(1, viewers);
for (const response of open) response.destroy();
await server.stop();
rmSync(folder, { recursive: true, force: true });
console.log(
  `${zones} zones: idle ${idle.toFixed(2)} ms of CPU a second, with ${viewers} viewers ${watched.toFixed(2)}: ${((watched - idle) / 10).toFixed(2)} % of a core; ${(rate / 1000).toFixed(1)} kB a second each`,
);
