// Stores changes on a small disk until it is full, makes room, and goes on; says on standard output what happened. Argument: folder on that disk.
import { rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { diff } from '../../build/image/changes/diff.js';
import { load } from '../../build/image/load.js';
import { nameFromText } from '../../build/protocol/name.js';
import { ZoneStore } from '../../build/state/zone-store.js';

const ZONE = 'example.test.';
const LARGE = 'large.test.';
const OPTIONS = { now: 1_780_000_000, dnssecCheck: () => 'off' };
const imageOf = (zone, serial, records) => {
  const lines = [`@ 3600 SOA ns host ${serial} 7200 900 1209600 300`, '@ 3600 NS ns', 'ns 60 A 10.0.0.1'];
  for (let i = 0; i < records; i++) lines.push(`host-${i} 60 A 10.1.${i >> 8}.${i & 255}`);
  return load({ file: 'test', bytes: Buffer.from(`${lines.join('\n')}\n`), origin: nameFromText(zone) }, OPTIONS).image;
};
const said = [];
const report = (text) => said.push(text);
const refusal = (promise) =>
  promise.then(
    () => 'none',
    ({ code, message }) => `${code} ${message}`,
  );

const [disk] = process.argv.slice(2);
const folder = join(disk, 'state');
const filler = join(disk, 'filler');
let store = await ZoneStore.open(folder, { report });
const versions = Array.from({ length: 4 }, (_, i) => imageOf(ZONE, i + 1, 200 + i * 2000));
await store.commit(ZONE, { generation: versions[0] });
try {
  for (let i = 0; ; i++) writeFileSync(`${filler}-${i}`, Buffer.alloc(4096));
} catch {
  // The disk is full.
}
const full = await refusal(
  store.commit(ZONE, { differences: [diff(versions[0], versions[1])], generation: versions[1] }),
);
const waiting = await Promise.all(
  [1, 2].map(() => refusal(store.commit(LARGE, { generation: imageOf(LARGE, 1, 4000) }))),
);
const during = [store.zone(ZONE).serial, store.zone(LARGE)?.serial];
for (let i = 0; i < 100; i++) rmSync(`${filler}-${i}`, { force: true });
await store.commit(ZONE, { differences: [diff(versions[0], versions[2])], generation: versions[2] });
await store.close();
store = await ZoneStore.open(folder, { report });
const read = await store.read(ZONE);
const after = [store.zone(ZONE).serial, read.kind, store.zone(LARGE)?.serial];
await store.close();
writeSync(1, JSON.stringify({ full, waiting, during, after, said }));
