/** The thread that udp-loops.ts measures: started by udp-loop-server.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Catalog } from '../../src/image/catalog.js';
import { Counters } from '../../src/observe/counters/counters.js';
import type { UdpSocket } from '../../src/transport/udp-mmsg.js';
import { countingContext } from '../support/udp-heap.js';
import { LOOPS } from './udp-loop-kinds.js';

export interface LoopData {
  readonly kind: string;
  readonly socket: UdpSocket;
  readonly catalog: Catalog;
  readonly words: Int32Array;
  readonly counts: Float64Array;
}

const { kind, socket, catalog, words, counts }: LoopData = workerData;
const loop = LOOPS[kind]?.(socket, catalog, countingContext(new Counters(counts)), words);
parentPort?.on('message', async (order: 'publish' | 'stop') => {
  if (order === 'publish') {
    loop?.publish(catalog);
    parentPort?.postMessage('published');
    return;
  }
  await loop?.stop();
  parentPort?.close();
});
