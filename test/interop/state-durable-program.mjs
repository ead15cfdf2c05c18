// Stores a change and an image, and says on standard output what is done when. Argument: folder.
import { writeSync } from 'node:fs';
import { diff } from '../../build/image/changes/diff.js';
import { load } from '../../build/image/load.js';
import { nameFromText } from '../../build/protocol/name.js';
import { ZoneStore } from '../../build/state/zone-store.js';

const ZONE = 'example.test.';
const OPTIONS = { now: 1_780_000_000, dnssecCheck: () => 'off' };
const imageOf = (serial, records) => {
  const lines = [`@ 3600 SOA ns host ${serial} 7200 900 1209600 300`, '@ 3600 NS ns', 'ns 60 A 10.0.0.1'];
  for (let i = 0; i < records; i++) lines.push(`host-${i} 60 A 10.1.${i >> 8}.${i & 255}`);
  return load({ file: 'test', bytes: Buffer.from(`${lines.join('\n')}\n`), origin: nameFromText(ZONE) }, OPTIONS).image;
};
const say = (text) => writeSync(1, `${text}\n`);

const store = await ZoneStore.open(process.argv[2], { report: (text) => say(`report ${text}`) });
const [first, second] = [imageOf(1, 9000), imageOf(2, 9001)];
say('opened');
await store.commit(ZONE, { generation: first });
say('generation acknowledged');
await store.commit(ZONE, { differences: [diff(first, second)], generation: second });
say('difference acknowledged');
await store.note(ZONE, { timers: { refresh: 1 } });
say('note written');
await store.note(ZONE, { timers: { refresh: 2 } }, true);
say('note acknowledged');
await store.close();
say('closed');
