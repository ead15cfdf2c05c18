import { getHeapStatistics } from 'node:v8';
import { afterEach, describe, expect, it } from 'vitest';
import { Counters } from '../../src/observe/counters/counters.js';
import { type Libc, libc } from '../../src/transport/libc.js';
import { BATCH, createBatches, MSG_DONTWAIT } from '../../src/transport/mmsg.js';
import { collector } from '../../src/transport/release.js';
import { closeSocket, openUdpSocket } from '../../src/transport/sockets.js';
import { threadWords } from '../../src/transport/thread-words.js';
import { TransportEvent } from '../../src/transport/transport.js';
import { udpFacts } from '../../src/transport/udp-facts.js';
import { createAnswerer, slotsFor } from '../../src/transport/udp-mmsg.js';
import { countingContext, createAsker, smallCatalog } from '../support/udp-heap.js';

const loaded = libc();
const system = loaded as Libc;
const descriptors: number[] = [];
afterEach(() => {
  for (const fd of descriptors.splice(0)) closeSocket(fd);
});

function open() {
  const buffers = { reusePort: false, receiveBuffer: 4 << 20, sendBuffer: 4 << 20 };
  const socket = openUdpSocket({ address: '127.0.0.1', port: 0 }, buffers);
  descriptors.push(socket.fd);
  return socket;
}

/** More than ten million queries: test/load/udp-heap.ts. */
const QUERIES = 200_000;

describe('answering UDP by recvmmsg', () => {
  it('leaves nothing on the heap, and its memory where it is', () => {
    const collect = collector();
    const counters = new Counters();
    const context = countingContext(counters);
    const slots = slotsFor(context);
    const server = open();
    const batches = createBatches(system, server.fd, 4, false, slots);
    const answerer = createAnswerer(batches, slots, udpFacts(smallCatalog(), context), context, threadWords());
    const asker = createAsker(system, open().fd, server.endpoint, 64);
    const answer = (): void => void answerer.answer(MSG_DONTWAIT, BATCH);
    // Until everything is compiled.
    asker.ask(QUERIES / 2, answer);
    collect();
    const before = getHeapStatistics().used_heap_size;
    asker.ask(QUERIES, answer);
    collect();
    const grown = getHeapStatistics().used_heap_size - before;
    expect(counters.messages).toBe(QUERIES * 1.5);
    expect(counters.events(TransportEvent.UDP_ERROR)).toBe(0);
    // Less than an octet a query: what the test runner does meanwhile.
    expect(grown).toBeLessThan(QUERIES / 2);
  });
});
