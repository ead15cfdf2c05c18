/** Applies one change to a zone of argv[2] records, again and again, and prints milliseconds and MiB as JSON. */
import { readFileSync } from 'node:fs';
import { applyDifference } from '../../src/image/changes/apply.js';
import { diff } from '../../src/image/changes/diff.js';
import { load } from '../../src/image/load.js';
import { nameFromText } from '../../src/protocol/name.js';
import { compose } from '../../src/zone/changes/compose.js';
import type { Difference } from '../../src/zone/changes/difference.js';
import { largeZone } from './load.js';
import { median } from './measure.js';

const MIB = 2 ** 20;
const options = { now: 1_780_000_000 };
const records = Number(process.argv[2]);
/** The code of a server that has run for a while is compiled; a large zone takes its time. */
const TURNS = records < 1_000_000 ? 30 : 3;

/** Highest resident memory so far, MiB. */
function peak(): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
}

function small(serial: number): Uint8Array {
  const text = `@ 60 SOA ns1 host ${serial} 7200 900 1209600 300\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n`;
  const source = {
    file: 'bench',
    bytes: Buffer.from(`${text}new${serial} 60 A 192.0.2.9\n`),
    origin: nameFromText('big.test.'),
  };
  return load(source, options).image!;
}

function imageOf(text: string): Uint8Array {
  return load({ file: 'bench', bytes: Buffer.from(text), origin: nameFromText('big.test.') }, options).image!;
}

let image = imageOf(largeZone(records).replace('$TTL 3600\n@ IN', '$TTL 3600\n@ 60 IN'));
/** Changes that add a name, and remove the one that the last one added. */
const changes: Difference[] = Array.from({ length: 100 }, (_, i) => diff(small(i + 2), small(i + 3)));
changes.unshift(
  diff(imageOf(`@ 60 SOA ns1 host 1 7200 900 1209600 300\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n`), small(2)),
);

const timed = (action: () => void): number => {
  const start = performance.now();
  action();
  return performance.now() - start;
};
const apply = (change: Difference): void => {
  image = applyDifference(image, change, options).image!;
};

const first = timed(() => apply(changes[0]!));
globalThis.gc?.();
const before = process.memoryUsage().rss / MIB;
let extra = 0;
const times: number[] = [];
const cpus: number[] = [];
const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
for (let turn = 1; turn <= TURNS; turn++) {
  const began = cpu();
  times.push(timed(() => apply(changes[turn]!)));
  cpus.push(cpu() - began);
  // Of one change: later ones find what the earlier left to be collected.
  if (turn === 1) extra = peak() - before;
}
const older = image;
apply(changes[TURNS + 1]!);
console.log(
  JSON.stringify({
    first,
    next: median(times),
    cpu: median(cpus),
    diff: timed(() => diff(older, image)),
    compose: timed(() => changes.reduce(compose)),
    image: image.length / MIB,
    extra,
  }),
);
