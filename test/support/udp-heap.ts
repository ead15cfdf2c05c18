/** Sends any number of queries to code that answers UDP by recvmmsg, to measure what they leave on the heap. */

import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { NO_HAND_OFF } from '../../src/answer/hand-off/hand-off.js';
import { createResponder } from '../../src/answer/respond.js';
import type { Catalog } from '../../src/image/catalog.js';
import type { Counters } from '../../src/observe/counters/counters.js';
import { systemClock } from '../../src/session/clock.js';
import type { Libc } from '../../src/transport/libc.js';
import { BATCH, createBatches, createSlots, MSG_DONTWAIT } from '../../src/transport/mmsg.js';
import { encodeSocketAddress } from '../../src/transport/socket-address.js';
import type { Endpoint, UdpContext } from '../../src/transport/transport.js';
import { createWait } from '../../src/transport/wait.js';
import { randomFrom } from '../bench/workload.js';
import { requests, workloadCatalog } from '../bench/workload-engine.js';

const NAMES = 1000;
const DELEGATIONS = 10;
const DISTINCT = 2000;
/** Milliseconds after which a query is lost, which on loopback is never. */
const LOST = 2000;

/** The zone of the workload of benchmarks, a small one. */
export function smallCatalog(): Catalog {
  return workloadCatalog(NAMES, DELEGATIONS);
}

/** The real responder and counters for UDP. */
export function countingContext(counters: Counters): UdpContext {
  return {
    responder: createResponder(DEFAULT_SETTINGS),
    clock: systemClock,
    count: counters.count.bind(counters),
    event: counters.event.bind(counters),
    handOff: NO_HAND_OFF,
    udpPayload: 1232,
    udpUpgradeBit: 0,
  };
}

interface Asker {
  /** Sends `count` queries. `answer` answers them, unless another thread does. Throws when one is lost. */
  ask(count: number, answer?: () => void): void;
}

/** Asks on the socket `fd`, with `outstanding` queries on their way. */
export function createAsker(system: Libc, fd: number, server: Endpoint, outstanding: number): Asker {
  const asked = requests(DISTINCT, randomFrom(1), NAMES, DELEGATIONS);
  const to = encodeSocketAddress(server) ?? Buffer.alloc(0);
  const answers = createBatches(system, fd, server.address.includes(':') ? 6 : 4, false, createSlots(512));
  const wait = createWait(system, [fd]);
  let next = 0;
  return {
    ask(count, answer) {
      let sent = 0;
      for (let received = 0; received < count; ) {
        for (; sent < count && sent - received < outstanding; sent++) {
          const request = asked[next++ % DISTINCT]!;
          if (system.sendto(fd, request, request.length, 0, to, to.length) < 0) throw new Error(system.errno());
        }
        answer?.();
        if (wait.poll(LOST) <= 0) throw new Error(`${sent - received} queries are lost`);
        received += answers.receive(MSG_DONTWAIT, BATCH);
      }
    },
  };
}
