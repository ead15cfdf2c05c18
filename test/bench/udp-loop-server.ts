/** The process that udp-loops.ts measures: a thread with the loop that the first argument names. Messages control it. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { COUNTER_WORDS, Counters } from '../../src/observe/counters/counters.js';
import { openUdpSocket } from '../../src/transport/sockets.js';
import { MESSAGES, threadWords } from '../../src/transport/thread-words.js';
import { TransportEvent } from '../../src/transport/transport.js';
import type { LoopData } from './udp-loop-thread.js';
import { workloadCatalog } from './workload-engine.js';

const options = { reusePort: false, receiveBuffer: 4 << 20, sendBuffer: 4 << 20 };
const socket = openUdpSocket({ address: '127.0.0.1', port: 0 }, options);
const words = threadWords();
const counts = new Float64Array(new SharedArrayBuffer(COUNTER_WORDS * Float64Array.BYTES_PER_ELEMENT));
const counters = new Counters(counts);
const worker = new Worker(new URL('./udp-loop-thread.js', import.meta.url), {
  workerData: {
    kind: process.argv[2] ?? '',
    socket,
    catalog: workloadCatalog(100_000, 1_000),
    words,
    counts,
  } satisfies LoopData,
});

/** Milliseconds from an order until its effect. */
async function order(what: 'publish' | 'stop', effect: 'message' | 'exit'): Promise<number> {
  const began = performance.now();
  const happened = once(worker, effect);
  worker.postMessage(what);
  Atomics.add(words, MESSAGES, 1);
  await happened;
  return performance.now() - began;
}

const answers: Readonly<Record<string, () => Promise<number>>> = {
  port: async () => socket.endpoint.port,
  batches: async () => counters.events(TransportEvent.UDP_BATCH),
  publish: () => order('publish', 'message'),
  stop: () => order('stop', 'exit'),
};

process.on('message', async (asked: string) => process.send?.(await answers[asked]?.()));
process.on('disconnect', () => process.exit());
