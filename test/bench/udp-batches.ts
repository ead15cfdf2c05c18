/**
 * npm run bench -- batches: the cost of a batch of datagrams by its size, and the shares of receiving, answering and sending. One
 * thread asks and answers itself, so that nobody is woken and other programs of the machine matter little; sending includes the
 * delivery to the asker, since that is how loopback works.
 */
import { Counters } from '../../src/observe/counters/counters.js';
import { type Libc, libc } from '../../src/transport/libc.js';
import { BATCH, type Batches, createBatches, createSlots, MSG_DONTWAIT } from '../../src/transport/mmsg.js';
import { encodeSocketAddress } from '../../src/transport/socket-address.js';
import { openUdpSocket } from '../../src/transport/sockets.js';
import { threadWords } from '../../src/transport/thread-words.js';
import { udpFacts } from '../../src/transport/udp-facts.js';
import { createAnswerer, slotsFor } from '../../src/transport/udp-mmsg.js';
import { createWait } from '../../src/transport/wait.js';
import { countingContext } from '../support/udp-heap.js';
import { median, printTable } from './measure.js';
import { randomFrom } from './workload.js';
import { requests, workloadCatalog } from './workload-engine.js';

const SIZES = [1, 2, 4, 8, 16, 32, 64] as const;
const DISTINCT = 100_000;
const NAMES = 100_000;
const DELEGATIONS = 1_000;
const WARM_UP = 4_000;
/** Octets of a response where none is made. */
const PLAIN = 60;
const BUFFERS = { reusePort: false, receiveBuffer: 4 << 20, sendBuffer: 4 << 20 } as const;

/** Prints medians over `count` queries for each size. */
export function benchBatches(count: number): void {
  const system = libc();
  if (typeof system === 'string') throw new Error(system);
  const rows: string[][] = [['us a query, batches of', ...SIZES.map(String)]];
  for (const wildcard of [false, true]) {
    const suffix = wildcard ? ', on 0.0.0.0' : '';
    for (const [name, time] of Object.entries(timers(system, wildcard))) {
      for (let i = 0; i < WARM_UP; i++) time(64);
      const cells = SIZES.map((size) => {
        const times = Array.from({ length: Math.ceil(count / size) }, () => time(size));
        return ((median(times) * 1000) / size).toFixed(2);
      });
      rows.push([name + suffix, ...cells]);
    }
  }
  printTable(rows);
  const wait = createWait(system, [openUdpSocket({ address: '127.0.0.1', port: 0 }, BUFFERS).fd, system.eventLoop()]);
  const polls = Array.from({ length: count }, () => {
    const began = performance.now();
    wait.poll(0);
    return performance.now() - began;
  });
  console.log(`poll() of a socket and the event loop: ${(median(polls) * 1000).toFixed(2)} us`);
}

/** Each function exchanges `count` messages and returns the milliseconds of its part. */
function timers(system: Libc, wildcard: boolean): Record<string, (count: number) => number> {
  const server = openUdpSocket({ address: wildcard ? '0.0.0.0' : '127.0.0.1', port: 0 }, BUFFERS);
  const client = openUdpSocket({ address: '127.0.0.1', port: 0 }, BUFFERS);
  const context = countingContext(new Counters());
  const slots = slotsFor(context);
  const batches = createBatches(system, server.fd, 4, wildcard, slots);
  const facts = udpFacts(workloadCatalog(NAMES, DELEGATIONS), context);
  const answerer = createAnswerer(batches, slots, facts, context, threadWords());
  const answers = createBatches(system, client.fd, 4, false, createSlots(512));
  const to = encodeSocketAddress({ address: '127.0.0.1', port: server.endpoint.port }) ?? Buffer.alloc(0);
  const asked = requests(DISTINCT, randomFrom(1), NAMES, DELEGATIONS);
  let next = 0;
  const exchange = (count: number, answer: () => number): number => {
    for (let i = 0; i < count; i++) {
      const request = asked[next++ % DISTINCT]!;
      system.sendto(client.fd, request, request.length, 0, to, to.length);
    }
    const time = answer();
    for (let received = 0; received < count; ) received += answers.receive(MSG_DONTWAIT, BATCH);
    return time;
  };
  return {
    'receive, answer, send': (count) => exchange(count, () => timed(() => answerer.answer(MSG_DONTWAIT, BATCH))),
    receive: (count) =>
      exchange(count, () => {
        const time = timed(() => batches.receive(MSG_DONTWAIT, BATCH));
        sendPlain(batches, count);
        return time;
      }),
    send: (count) =>
      exchange(count, () => {
        batches.receive(MSG_DONTWAIT, BATCH);
        return timed(() => sendPlain(batches, count));
      }),
  };
}

function timed(act: () => void): number {
  const began = performance.now();
  act();
  return performance.now() - began;
}

/** Sends the slots as they are. */
function sendPlain(batches: Batches, count: number): void {
  for (let i = 0; i < count; i++) batches.put(i, i, PLAIN);
  batches.send(count);
}
