/** The parts that the listeners and connections of one loop share. */

import { threadTime } from '../../native/thread-time.js';
import type { Session } from '../../session/session.js';
import type { TlsEngine } from '../../tls/openssl/engine.js';
import type { Libc } from '../libc.js';
import type { StreamContext } from '../transport.js';
import { createEpoll, type Epoll } from './epoll.js';
import { disownDescriptor, ownDescriptor } from './owned-descriptors.js';

/** The most octets that one read takes from a connection, and that one write takes of those that had to wait. */
export const LARGEST_READ = 32_768;

/** Memory that the system reads and writes. It never moves, and lives as long as the loop. */
interface Memory {
  /** The octets that were read last. */
  readonly input: Uint8Array;
  readonly inputAddress: number;
  /** Octets that had to wait, on their way to the system. */
  readonly output: Uint8Array;
  readonly outputAddress: number;
}

/** A connection as the loop sees it. */
interface LoopConnection {
  readonly generation: number;
  /** Does the work that these events (Ready) make possible. */
  ready(events: number): void;
  /** Whether a TLS handshake is under way. */
  readonly handshaking: boolean;
  /** undefined once it is told that the connection is gone. */
  readonly session: Session | undefined;
  /** Does the deferred work. */
  goOn(): void;
  /** Has its session go on. */
  sessionGoOn(): void;
  /** Closes it at once. */
  destroy(): void;
  /** It is closed: tells the session, and counts. */
  tellGone(): void;
}

export interface LoopParts {
  readonly system: Libc;
  readonly epoll: Epoll;
  readonly memory: Memory;
  readonly context: StreamContext;
  /** By descriptor. */
  readonly connections: (LoopConnection | undefined)[];
  /** Connections that are closed, and whose sessions are to be told. */
  readonly gone: LoopConnection[];
  /** The TLS engine of this thread; undefined where TLS is not served. */
  readonly tls: TlsEngine | undefined;
  /** The address of its output. */
  readonly tlsOutputAddress: number;
  /** Connections that are to go on when those that are established have had their turn: handshakes are dear. */
  readonly deferred: LoopConnection[];
  /** Connections whose sessions have a long answer to go on with, when all others have had their turn. */
  readonly yielded: LoopConnection[];
  /** Turns of connections until one is timed. */
  untimed: number;
  /** Milliseconds in which this thread had the CPU. */
  cpu(): number;
  /** Connections that are closed until one is asked for its round trip. */
  unmeasured: number;
  /** The number of the next descriptor that is watched. */
  generation(): number;
  /** The address of octets that a session composes answers in. */
  addressOf(octets: Uint8Array): number;
  /** Enters a descriptor that has just been opened. */
  own(fd: number): void;
  /** Closes a descriptor that was entered. */
  close(fd: number): void;
}

/** `owned`: of descriptorTable(). Throws ADOTD_LISTEN when descriptors are short. */
export function createLoopParts(
  system: Libc,
  context: StreamContext,
  owned: Int32Array,
  tls: TlsEngine | undefined,
): LoopParts {
  const epoll = createEpoll(system);
  ownDescriptor(owned, epoll.fd);
  const input = new Uint8Array(new SharedArrayBuffer(LARGEST_READ));
  const output = new Uint8Array(new SharedArrayBuffer(LARGEST_READ));
  const memory = {
    input,
    inputAddress: system.address(input, input),
    output,
    outputAddress: system.address(output, output),
  };
  let generation = 0;
  let scratch: Uint8Array = output;
  let scratchAddress = memory.outputAddress;
  return {
    system,
    epoll,
    memory,
    context,
    connections: [],
    gone: [],
    tls,
    tlsOutputAddress: tls?.outgoingAddress ?? 0,
    deferred: [],
    yielded: [],
    untimed: 1,
    cpu: threadTime(),
    unmeasured: 1,
    generation() {
      generation = (generation + 1) | 0;
      return generation;
    },
    addressOf(octets) {
      if (octets !== scratch) {
        scratch = octets;
        scratchAddress = system.address(octets, octets);
      }
      return scratchAddress;
    },
    own: (fd) => ownDescriptor(owned, fd),
    close(fd) {
      disownDescriptor(owned, fd);
      system.close(fd);
    },
  };
}
