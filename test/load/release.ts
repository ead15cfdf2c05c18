/**
 * Whether a UDP worker gives images back that were replaced: memory of the process while images are published one after the other, with
 * and without transport/release.ts. Prints; asserts nothing:
 * node scripts/run-ts.mjs test/load/release.ts [IMAGES] [MIB]
 */
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Catalog, Publisher } from '../../src/image/catalog.js';
import { collector, createRelease } from '../../src/transport/release.js';
import { closeSocket, openUdpSocket } from '../../src/transport/sockets.js';
import { MESSAGES, threadWords } from '../../src/transport/thread-words.js';
import { serveMmsg } from '../../src/transport/udp-mmsg.js';
import { context } from '../transport/support.js';

const MIB = 1024 * 1024;
/** Milliseconds from one image to the next. */
const INTERVAL = 100;

if (isMainThread) await publishMany(Number(process.argv[2] ?? 50), Number(process.argv[3] ?? 20));
else serveThread();

async function publishMany(images: number, size: number): Promise<void> {
  for (const releasing of [false, true]) {
    const { fd, endpoint } = openUdpSocket(
      { address: '127.0.0.1', port: 0 },
      { reusePort: false, receiveBuffer: 65_536, sendBuffer: 65_536 },
    );
    const words = threadWords();
    const publisher = new Publisher();
    // This thread collects garbage each time, so that only the worker's memory remains.
    const collect = collector();
    const worker = new Worker(new URL(import.meta.url), { workerData: { fd, endpoint, words, releasing } });
    await once(worker, 'message');
    const before = process.memoryUsage.rss();
    const more = (): number => Math.round((process.memoryUsage.rss() - before) / MIB);
    let most = 0;
    for (let i = 0; i < images; i++) {
      publisher.put(Uint8Array.of(1, 97, 0), new Uint8Array(new SharedArrayBuffer(size * MIB)).fill(i + 1));
      worker.postMessage(publisher.publish());
      Atomics.add(words, MESSAGES, 1);
      await wait(INTERVAL);
      collect();
      most = Math.max(most, more());
    }
    await wait(1000);
    collect();
    await wait(INTERVAL);
    const last = more();
    worker.postMessage(undefined);
    const [longest] = (await once(worker, 'message')) as [number];
    await once(worker, 'exit');
    closeSocket(fd);
    console.log(
      `${images} images of ${size} MiB, ${releasing ? 'released' : 'not released'}: ${most} MiB at the most, ${last} in the end` +
        (releasing ? `; longest collection ${longest.toFixed(1)} ms` : ''),
    );
  }
}

function serveThread(): void {
  const { fd, endpoint, words, releasing } = workerData;
  const loop = serveMmsg([{ fd, endpoint }], new Publisher().publish(), context(), words);
  let longest = 0;
  const collect = collector();
  const release = createRelease(() => {
    const began = performance.now();
    collect();
    longest = Math.max(longest, performance.now() - began);
  });
  parentPort?.on('message', async (catalog: Catalog | undefined) => {
    if (catalog === undefined) {
      await loop.stop();
      release.stop();
      parentPort?.postMessage(longest);
      parentPort?.close();
      return;
    }
    loop.publish(catalog);
    if (releasing) release.soon();
  });
  parentPort?.postMessage('ready');
}
