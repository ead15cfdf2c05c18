/**
 * Changes a zone of argv[2] records in a running server with threads, beside argv[3] other zones, and prints milliseconds as JSON: from
 * change() to the answer of every thread, once the change is on disk. `block`: the longest time that the control thread did not turn.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema } from '../../src/config/schema.js';
import { PendingView } from '../../src/image/changes/pending-view.js';
import { silentLog } from '../../src/observe/log.js';
import { nameFromText } from '../../src/protocol/name.js';
import { createServer } from '../../src/server/server.js';
import type { ZoneFile } from '../../src/server/zones/zone-files.js';
import { largeZone } from './load.js';
import { median } from './measure.js';

const [records, others] = [Number(process.argv[2]), Number(process.argv[3])];
const TURNS = records >= 1_000_000 ? 6 : 60;
/** Changes that come at once. */
const TOGETHER = 20;
const ZONE = 'big.test.';

const folder = mkdtempSync(join(tmpdir(), 'adotd-bench-'));
const text = largeZone(records).replace(/^\$ORIGIN .*\n/, '');
writeFileSync(join(folder, 'big.zone'), text);
const small = '@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n';
const zones: ZoneFile[] = [{ file: join(folder, 'big.zone'), name: ZONE }];
for (let i = 0; i < others; i++) zones.push({ file: `z${i}`, name: `z${i}.test.`, text: small });

const server = await createServer({
  config: configSchema.parse({
    port: 0,
    tls: { enabled: false },
    workers: 1,
    state: { folder: join(folder, 'state') },
    zones: { policies: [{ zones: [ZONE], serial: 'increment' }] },
  }),
  zones: () => zones,
  log: silentLog,
  loader: { thread: true },
});

const change = (name: string, number: number): Promise<unknown> =>
  server.keeper.change(ZONE, (view) => {
    const pending = new PendingView(view);
    pending.removeRrset(nameFromText(`${name}.${ZONE}`), 1);
    pending.add(nameFromText(`${name}.${ZONE}`), 1, {
      ttl: 60,
      rdata: Uint8Array.of(10, number >> 16, number >> 8, number),
    });
    return pending.changes();
  });

let block = 0;
let last = performance.now();
const watch = setInterval(() => {
  const now = performance.now();
  block = Math.max(block, now - last);
  last = now;
}, 1);

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const first = await timed(() => change('first', 1));
for (let i = 0; i < TURNS / 3; i++) await change('warm', i + 1);
block = 0;
last = performance.now();
const one: number[] = [];
for (let i = 0; i < TURNS; i++) one.push(await timed(() => change('one', i + 1)));
const blocked = block;
const together: number[] = [];
for (let i = 0; i < TURNS / 2; i++) {
  const all = Array.from({ length: TOGETHER }, (_, at) => change(`many${at}`, i * TOGETHER + at + 1));
  together.push(await timed(() => Promise.all(all)));
}
clearInterval(watch);
console.log(
  JSON.stringify({
    first,
    least: Math.min(...one),
    one: median(one),
    worst: Math.max(...one),
    together: median(together),
    block: blocked,
  }),
);
await server.close();
rmSync(folder, { recursive: true });
