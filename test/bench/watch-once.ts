/** One process that watches a folder of zone files: prints what that costs, as JSON. Arguments: the folder, one of its files. */
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWatcher } from '../../src/server/watch/watch.js';
import { systemClock } from '../../src/session/clock.js';

/** Milliseconds, the least that a configuration may ask for. */
const SETTLE = 10;
/** Milliseconds in which everything that a start or a change sets going is done. */
const QUIET = 2000;
const CHANGES = 5;

const [folder = '', name = ''] = process.argv.slice(2);
const files = readdirSync(folder).map((file) => join(folder, file));
const log = { debug() {}, info() {}, error() {}, warn: (_: object, text: string) => console.error(text) };
let told = (): void => undefined;
const watcher = createWatcher({ settle: SETTLE, poll: 0, clock: systemClock, log, changed: () => told() });

await sleep(QUIET);
const before = { memory: process.memoryUsage.rss(), cpu: process.cpuUsage() };
const began = performance.now();
watcher.update({ files, folders: [folder] });
const blocked = performance.now() - began;
const first = await change();
await sleep(QUIET);
const start = cpuSince(before.cpu);
const memory = process.memoryUsage.rss() - before.memory;
const watches = inotifyWatches();
const delays: number[] = [];
const changesBegan = process.cpuUsage();
for (let i = 0; i < CHANGES; i++) {
  delays.push(await change());
  await sleep(QUIET);
}
const perChange = cpuSince(changesBegan) / CHANGES;
watcher.close();
console.log(JSON.stringify({ blocked, first, start, memory: memory / 2 ** 20, watches, delays, perChange }));

/** Changes the file; fulfilled with the milliseconds until that is told. */
function change(): Promise<number> {
  const changed = performance.now();
  // Watching does not keep a process alive.
  const alive = setInterval(() => undefined, QUIET);
  return new Promise((resolve) => {
    told = () => {
      clearInterval(alive);
      resolve(performance.now() - changed);
    };
    appendFileSync(join(folder, name), '; changed\n');
  });
}

/** Milliseconds of CPU. */
function cpuSince(earlier: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(earlier);
  return (user + system) / 1000;
}

/** Watches that this process has with the system: a line each in the information on its inotify descriptors. */
function inotifyWatches(): number {
  const texts = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
    } catch {
      return '';
    }
  });
  return texts.join('').match(/^inotify /gm)?.length ?? 0;
}
