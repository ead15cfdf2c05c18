/** The engine under test: load(), a catalog and respond() in this process, or a whole server over sockets. */
import { readFileSync } from 'node:fs';
import { DEFAULT_SETTINGS } from '../../src/answer/answer-settings.js';
import { createFacts, Transport } from '../../src/answer/facts.js';
import { createResponder } from '../../src/answer/respond.js';
import { Publisher } from '../../src/image/catalog.js';
import { load } from '../../src/image/load.js';
import { startServer } from '../../src/index.js';
import { summaryOf, summaryText } from '../../src/observe/counters/summary.js';
import { formatDiagnostic } from '../../src/zone/diagnostics.js';
import type { PeerZone } from '../support/peers/server.js';
import { startThreads } from '../support/threads.js';
import { type Asked, Exchange } from './exchange.js';
import { nameFromPlain, nameToWire } from './names.js';

/** How ours is asked: respond() in this process, a server over sockets in one thread, or one with threads. */
export type Path = 'engine' | 'embedded' | 'threads';

/** Something of ours to ask, and to stop. */
export interface Ours extends Asked {
  /** Proof of the path that has answered so far. Throws when it was another one than asked for. */
  path(): string;
  stop(): Promise<void>;
}

/** Octets: a message and then some, so that writing past the capacity given would be seen. */
const ROOM = 65_535;
const GUARD = 64;

/** Loads the zones and returns something to ask. `refused` gets the diagnostics of zones that do not load. */
export function startEngine(zones: readonly PeerZone[], refused: string[]): Ours {
  const publisher = new Publisher();
  const now = Math.floor(Date.now() / 1000);
  for (const { name, file } of zones) {
    const origin = nameToWire(nameFromPlain(name));
    const { apex, image, diagnostics } = load({ file, bytes: readFileSync(file), origin }, { now });
    for (const d of diagnostics.list) if (d.severity === 'error') refused.push(formatDiagnostic(d));
    if (image !== undefined && apex !== undefined) publisher.put(apex, image);
  }
  const facts = createFacts(publisher.publish());
  facts.now = now;
  const responder = createResponder(DEFAULT_SETTINGS);
  const out = new Uint8Array(ROOM + GUARD);
  return {
    name: 'adotd',
    async ask(query, tcp) {
      facts.transport = tcp ? Transport.TCP : Transport.UDP;
      out.fill(0xa5, ROOM);
      const length = responder.respond(query, 0, query.length, facts, out, 0, ROOM);
      if (length <= 0) throw new Error(`respond() returned ${length}`);
      if (out.subarray(ROOM).some((octet) => octet !== 0xa5)) throw new Error('respond() wrote past its buffer');
      return out.slice(0, length);
    },
    path: () => 'respond() in this process',
    async stop() {},
  };
}

/** The same zones behind startServer(). */
export async function startOurs(zones: readonly PeerZone[]): Promise<Ours & { address: string; port: number }> {
  const server = await startServer({ files: zones.map(({ file }) => file), lenient: true });
  const exchange = await Exchange.open({ name: 'adotd', address: server.address, port: server.udp });
  return {
    name: exchange.name,
    address: server.address,
    port: server.udp,
    ask: (query, tcp) => exchange.ask(query, tcp),
    path: () => 'embedded, over sockets',
    async stop() {
      exchange.close();
      await server.close();
    },
  };
}

/** The same zones behind two threads for UDP and two for streams. */
export async function startThreaded(zones: readonly PeerZone[]): Promise<Ours> {
  const running = await startThreads(
    zones.map(({ file }) => file),
    { workers: 2 },
  );
  const exchange = await Exchange.open({ name: 'adotd', address: '127.0.0.1', port: running.port });
  return {
    name: exchange.name,
    ask: (query, tcp) => exchange.ask(query, tcp),
    path() {
      const { udp, tcp, events } = summaryOf(running.server.counters);
      const { path, restarts } = running.plane.status;
      if (path !== 'threads' || restarts > 0 || !udp?.messages || !tcp?.messages || !events?.udp_batch) {
        throw new Error(`threads did not answer, or died: ${summaryText(summaryOf(running.server.counters))}`);
      }
      return `threads: ${udp.messages} over UDP in ${events.udp_batch} batches of recvmmsg, ${tcp.messages} over TCP`;
    },
    async stop() {
      exchange.close();
      await running.server.close();
    },
  };
}
