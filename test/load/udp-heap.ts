/**
 * The heap of a worker after it has answered millions of queries over UDP. Prints; asserts nothing:
 * node scripts/run-ts.mjs [--trace-gc] test/load/udp-heap.ts [QUERIES]
 */
import { once } from 'node:events';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { COUNTER_WORDS, Counters } from '../../src/observe/counters/counters.js';
import { type Libc, libc } from '../../src/transport/libc.js';
import { collector } from '../../src/transport/release.js';
import { openUdpSocket } from '../../src/transport/sockets.js';
import { MESSAGES, threadWords } from '../../src/transport/thread-words.js';
import { TransportEvent } from '../../src/transport/transport.js';
import { serveMmsg } from '../../src/transport/udp-mmsg.js';
import { countingContext, createAsker, smallCatalog } from '../support/udp-heap.js';

/** Queries until everything is compiled. */
const WARM_UP = 1_000_000;
/** Queries between two looks at the heap: few enough that nothing is collected meanwhile. */
const SHORT = 500_000;
const OUTSTANDING = 256;
/** Looks at the heap. */
const PARTS = 5;

interface Heap {
  /** Octets used after a collection, and of new objects before it. */
  readonly used: number;
  readonly young: number;
}

if (isMainThread) await main(Number(process.argv[2] ?? 10_000_000));
else serveThread();

async function main(queries: number): Promise<void> {
  const options = { reusePort: false, receiveBuffer: 4 << 20, sendBuffer: 4 << 20 };
  const [server, client] = [1, 2].map(() => openUdpSocket({ address: '127.0.0.1', port: 0 }, options));
  if (!server || !client) return;
  const words = threadWords();
  const counters = new Counters(new Float64Array(new SharedArrayBuffer(COUNTER_WORDS * 8)));
  const worker = new Worker(new URL(import.meta.url), { workerData: { server, words, counts: counters.words } });
  await once(worker, 'message');
  const tell = async (order: 'measure' | 'stop'): Promise<Heap> => {
    worker.postMessage(order);
    Atomics.add(words, MESSAGES, 1);
    return ((await once(worker, 'message')) as [Heap])[0];
  };
  const asker = createAsker(libc() as Libc, client.fd, server.endpoint, OUTSTANDING);
  const batches = (): number => counters.events(TransportEvent.UDP_BATCH);
  asker.ask(WARM_UP);
  await tell('measure');
  // Measuring allocates too: how much, is seen by measuring nothing.
  const idle = await tell('measure');
  const before = batches();
  asker.ask(SHORT);
  const short = await tell('measure');
  const perBatch = (short.young - idle.young) / (batches() - before);
  console.log(
    `new objects: ${perBatch.toFixed(1)} octets a batch, of ${(SHORT / (batches() - before)).toFixed(1)} queries`,
  );
  // Compiled code comes and goes; several looks tell it from memory that only grows.
  for (let part = 1; part <= PARTS; part++) {
    asker.ask(queries / PARTS);
    const { used } = await tell('measure');
    console.log(`after ${(queries / PARTS) * part} queries: ${used} octets of heap used`);
  }
  await tell('stop');
}

function serveThread(): void {
  const { server, words, counts } = workerData;
  const collect = collector();
  const loop = serveMmsg([server], smallCatalog(), countingContext(new Counters(counts)), words);
  parentPort?.on('message', async (order) => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_used_size ?? 0;
    collect();
    parentPort?.postMessage({ young, used: getHeapStatistics().used_heap_size } satisfies Heap);
    if (order !== 'stop') return;
    await loop.stop();
    parentPort?.close();
  });
  parentPort?.postMessage('ready');
}
