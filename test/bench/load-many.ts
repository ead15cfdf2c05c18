/** Loads every zone of a folder into a catalog; prints time and memory. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Publisher } from '../../src/image/catalog.js';
import { load } from '../../src/image/load.js';
import { nameFromText } from '../../src/protocol/name.js';

const folder = process.argv[2]!;
const publisher = new Publisher();
const before = process.memoryUsage().rss;
const started = performance.now();
for (const name of readdirSync(folder)) {
  const origin = nameFromText(name.replace(/zone$/, ''));
  const { apex, image } = load({ file: name, bytes: readFileSync(join(folder, name)), origin }, { now: 0 });
  if (apex === undefined || image === undefined) throw new Error(`${name} did not load`);
  publisher.put(apex, image);
}
const catalog = publisher.publish();
const elapsed = (performance.now() - started) / 1000;
const memory = (process.memoryUsage().rss - before) / 1048576;
console.log(`${catalog.zoneCount} zones in ${elapsed.toFixed(2)} s, ${memory.toFixed(0)} MiB more resident`);
