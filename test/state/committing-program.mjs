// Changes zones in a state folder until it is killed, and says on standard output what was acknowledged: a line of JSON each, `{ opened }` with
// the serials found at the start, `{ wrong }`, and `{ zone, serial }`, `{ note }`, `{ value }` for what is stored. Arguments: folder, seed.
import { writeSync } from 'node:fs';
import { applyDifference } from '../../build/image/changes/apply.js';
import { diff } from '../../build/image/changes/diff.js';
import { loadRun } from '../../build/image/changes/load-run.js';
import { load } from '../../build/image/load.js';
import { imageText } from '../../build/image/text.js';
import { nameFromText } from '../../build/protocol/name.js';
import { ZoneStore } from '../../build/state/zone-store.js';

const OPTIONS = { now: 1_780_000_000, dnssecCheck: () => 'off' };
const ZONES = Array.from({ length: 6 }, (_, i) => `zone-${i}.test.`);
/** Octets of a ledger that is written anew: few, so that it often is. */
const REWRITE_AT = 200_000;

const [folder, seedText] = process.argv.slice(2);
let state = Number(seedText) >>> 0;
const below = (limit) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
};
const say = (line) => writeSync(1, `${JSON.stringify(line)}\n`);

/** The image of a version: what is in it follows from zone and serial. Some are large. */
function imageOf(zone, serial) {
  const records = serial % 25 === 0 ? 1600 : 5 + ((serial * 7) % 40);
  const lines = [`@ 3600 SOA ns host ${serial} 7200 900 1209600 300`, '@ 3600 NS ns', 'ns 60 A 10.0.0.1'];
  for (let i = 0; i < records; i++)
    lines.push(`host-${(i * serial) % 9000} 60 A 10.${serial & 255}.${i >> 8}.${i & 255}`);
  return load({ file: 'test', bytes: Buffer.from(`${lines.join('\n')}\n`), origin: nameFromText(zone) }, OPTIONS).image;
}

const textOf = (image) => [...imageText(image)].join('').split('\n').sort().join('\n');

async function check(store, zone, serial) {
  const read = await store.read(zone);
  if (read?.kind !== 'content') return `${zone}: ${read?.reason ?? 'not known'}`;
  let image = read.base.image ?? loadRun(nameFromText(zone), read.base.run, OPTIONS).image;
  for (const difference of read.differences) image = applyDifference(image, difference, OPTIONS).image;
  return textOf(image) === textOf(imageOf(zone, serial)) ? undefined : `${zone} ${serial} has other records`;
}

const store = await ZoneStore.open(folder, { report: (text) => say({ wrong: text }), rewriteAt: REWRITE_AT });
const opened = {};
for (const { zone, serial, facts } of store.zones()) {
  opened[zone] = [serial ?? 0, facts.timers.count ?? 0];
  const wrong = serial === undefined ? undefined : await check(store, zone, serial);
  if (wrong !== undefined) say({ wrong });
}
const table = store.table('values');
say({ opened, value: Number(Buffer.from(table.get('count') ?? []).toString()) });

async function change(zone) {
  let [serial, count] = opened[zone] ?? [0, 0];
  let image = serial === 0 ? undefined : imageOf(zone, serial);
  for (;;) {
    const next = imageOf(zone, serial + 1);
    const kind = below(10);
    if (kind === 0) {
      await store.note(zone, { timers: { count: ++count } }, true);
      say({ zone, count });
      continue;
    }
    if (image === undefined || kind === 1) await store.commit(zone, { generation: next });
    else await store.commit(zone, { differences: [diff(image, next)], ...(kind < 6 ? { generation: next } : {}) });
    serial++;
    image = next;
    say({ zone, serial });
  }
}

async function changeTable() {
  for (let value = Number(Buffer.from(table.get('count') ?? []).toString()) + 1; ; value++) {
    await table.put('count', Buffer.from(String(value)));
    say({ value });
  }
}

await Promise.all([...ZONES.map(change), changeTable()]);
