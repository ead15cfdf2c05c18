/** Asks one question over one transport of a server, over the sessions that are kept for it. */
import type { Settings } from '../client-settings.js';
import { type Deadline, left } from '../deadline.js';
import { type ClientError, fromSystem } from '../errors.js';
import { openSession, type StreamTransport } from '../session/connect.js';
import { askUdp } from '../session/udp.js';
import type { Verification } from '../trust/certificate.js';
import type { Query } from '../wire/message.js';
import { type Asked, ConnectionPool, type Reserved } from './connection-pool.js';
import type { Place } from './pooled-connection.js';
import type { Target } from './target.js';
import { lacksEdns, type TriedTransport } from './transport-plan.js';

export interface Transports {
  /** Takes a place in a session (connection-pool.ts). */
  reserve(transport: StreamTransport, target: Target, deadline: Deadline): Promise<Reserved>;
  /** The error of the opening that is under way; undefined when it succeeds or none is under way. */
  outcome(transport: StreamTransport, target: Target): Promise<ClientError | undefined>;
  /** Asks, over `place` if one was taken. Never rejects with a ClientError. */
  ask(transport: TriedTransport, target: Target, query: Query, deadline: Deadline, place?: Place): Promise<Asked>;
  /** Whether a session is open. */
  live(transport: TriedTransport, target: Target): boolean;
  /** Milliseconds that queries have waited for a session to open; 0 when one is open or none is being opened. */
  waited(transport: StreamTransport, target: Target): number;
  close(): Promise<void>;
}

export function createTransports(settings: Settings): Transports {
  const { clock, timeouts, udpTries, maxServers } = settings;
  /** The least recently used first. */
  const pools = new Map<string, ConnectionPool>();
  const closings = new Set<Promise<void>>();
  const answersOverUdp = createAnswerCounts(maxServers);

  const poolOf = (transport: StreamTransport, target: Target): ConnectionPool => {
    const key = keyOf(transport, target);
    const pool = pools.get(key) ?? poolTo(transport, target, settings);
    pools.delete(key);
    pools.set(key, pool);
    for (const [oldest, one] of pools) {
      if (pools.size <= maxServers) break;
      if (one === pool || one.busy) continue;
      pools.delete(oldest);
      const closing = one.close().finally(() => closings.delete(closing));
      closings.add(closing);
    }
    return pool;
  };

  const askOnce = async (
    transport: TriedTransport,
    target: Target,
    query: Query,
    deadline: Deadline,
    place?: Place,
  ): Promise<Asked> => {
    if (transport !== 'udp') return poolOf(transport, target).ask(query, timeouts.answer, deadline, place);
    const { address, ports } = target;
    const about = aboutOf(transport, target);
    const timeoutMs = Math.max(1, Math.min(timeouts.udp, Math.floor(left(deadline) / udpTries)));
    const options = { timeoutMs, tries: udpTries, ednsFlags: 0, clock, signal: deadline.signal };
    const before = answersOverUdp.of(about);
    try {
      const reply = await askUdp(query, { address, port: ports.udp }, about, options);
      answersOverUdp.add(about);
      return { reply, tls: undefined, reused: false };
    } catch (error) {
      return { error: fromSystem(error, about, 'answer'), neverAnswered: answersOverUdp.of(about) === before };
    }
  };

  return {
    reserve: (transport, target, deadline) => poolOf(transport, target).reserve(deadline),
    outcome: (transport, target) => poolOf(transport, target).outcome(),
    async ask(transport, target, query, deadline, place) {
      const asked = await askOnce(transport, target, query, deadline, place);
      if ('error' in asked || query.edns === undefined || !lacksEdns(asked.reply.message)) return asked;
      const { edns: _, ...bare } = query;
      const again = await askOnce(transport, target, bare, deadline);
      return 'error' in again ? asked : again;
    },
    live: (transport, target) => transport !== 'udp' && (pools.get(keyOf(transport, target))?.live ?? false),
    waited: (transport, target) => pools.get(keyOf(transport, target))?.waited ?? 0,
    async close() {
      for (const pool of pools.values()) closings.add(pool.close());
      await Promise.all(closings);
    },
  };
}

function poolTo(transport: StreamTransport, target: Target, settings: Settings): ConnectionPool {
  const { clock, timeouts, poolLimits, order } = settings;
  const { address, ports, name, verification } = target;
  return new ConnectionPool({
    ...poolLimits,
    clock,
    about: aboutOf(transport, target),
    lastResort: transport === 'tcp' || !order.includes('cleartext'),
    open: (ticket, signal) =>
      openSession({
        transport,
        server: { address, port: ports[transport] },
        timeoutMs: timeouts.establish,
        establishMs: timeouts.establish,
        tls: { verification, ...(name !== undefined && { name }), ...(ticket !== undefined && { ticket }) },
        // Always with the dummy query: neither profile shows a question before TLS.
        upgrade: { withoutOffer: 'fail' },
        signal,
        clock,
      }),
  });
}

/** How many answers have come from each server; the least recently seen servers go first. */
function createAnswerCounts(max: number) {
  const counts = new Map<string, number>();
  return {
    of: (server: string): number => counts.get(server) ?? 0,
    add(server: string): void {
      const count = (counts.get(server) ?? 0) + 1;
      counts.delete(server);
      counts.set(server, count);
      const [oldest] = counts.keys();
      if (counts.size > max && oldest !== undefined) counts.delete(oldest);
    },
  };
}

function aboutOf(transport: TriedTransport, { address, ports }: Target): string {
  return `${address.includes(':') ? `[${address}]` : address}:${ports[transport]} (${transport})`;
}

/** Queries with the same key share their sessions. */
function keyOf(transport: StreamTransport, { address, ports, name, verification }: Target): string {
  return [transport, address, ports[transport], name ?? '', demand(verification)].join(' ');
}

function demand(verification: Verification): string {
  switch (verification.kind) {
    case 'none':
      return '';
    case 'pin':
      return verification.pins.join();
    case 'tlsa':
      return verification.records.join();
    case 'ca':
      return String(verification.ca ?? 'those of Node');
  }
}
