/** Loads for a server, used by tests with few connections and by main.ts with many. */
import { createSocket } from 'node:dgram';
import { setTimeout as wait } from 'node:timers/promises';
import { buildQuery } from '../support/message.js';
import { PATIENCE } from '../support/patience.js';
import { type Client, connection, framed, openClient, type Ports, type SessionKind, sourceAddress } from './client.js';

const QUESTION = buildQuery({ name: 'www.load.test.', type: 'A', edns: {} });
const QUERY = framed(QUESTION);
/** Three hundred questions for the long answer: 12 MB, more than any socket buffer takes. */
const GREEDY = Buffer.concat(Array(300).fill(framed(buildQuery({ name: 'big.load.test.', type: 'TXT', edns: {} }))));
const KINDS: readonly SessionKind[] = ['tls', 'starttls', 'tls', 'tcp'];

/** Connections that are begun at the same time: fewer than a listener's backlog. */
const AT_ONCE = 64;

/** Calls `act` for 0 … count − 1, some at a time; an error ends everything. */
export async function several<T>(count: number, act: (number: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      results[number] = await act(number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker));
  return results;
}

/**
 * Opens sessions of all kinds (or of one), each with one answered query. They are in the order in which their answers came, but for those that
 * were under way at once (AT_ONCE).
 */
export async function openSessions(count: number, ports: Ports, kind?: SessionKind): Promise<Client[]> {
  const clients: Client[] = [];
  await several(count, async (number) => {
    const client = await openClient(kind ?? KINDS[number % KINDS.length] ?? 'tls', ports, {
      from: sourceAddress(number),
    });
    await client.ask(QUERY);
    clients.push(client);
  });
  return clients;
}

/** Waits until `done`, looking again and again; says whether it came to that in time. */
export async function until(done: () => boolean, milliseconds = PATIENCE): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (!done()) {
    if (Date.now() > end) return false;
    await wait(20);
  }
  return true;
}

/** A ClientHello's record header that promises more than comes. */
const HALF_HELLO = Buffer.from('16030101000100', 'hex');

/** Handshakes that never go on. Returns a function that ends them. */
export async function stallHandshakes(count: number, ports: Ports): Promise<() => void> {
  const sockets = await several(count, async (number) => {
    const socket = await connection(ports.tlsPort, sourceAddress(number));
    socket.on('error', () => {});
    socket.write(HALF_HELLO);
    return socket;
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** Sessions that ask for very much and read nothing. Returns a function that ends them. */
export async function readSlowly(count: number, ports: Ports): Promise<() => void> {
  const clients = await several(count, async (number) => {
    const client = await openClient(KINDS[number % KINDS.length] ?? 'tls', ports, { from: sourceAddress(number) });
    client.socket.pause();
    client.socket.write(GREEDY);
    return client;
  });
  return () => {
    for (const { socket } of clients) socket.destroy();
  };
}

/** The experience of an ordinary client while something goes on. */
interface Witnessed {
  readonly asked: number;
  /** Milliseconds of the slowest answer. */
  readonly slowest: number;
  /** Its failures, in words. */
  readonly failures: readonly string[];
}

/** Asks over UDP, TCP and TLS in turn, one connection for each question, until `act` is done. */
export async function witness(ports: Ports, act: () => Promise<unknown>): Promise<Witnessed> {
  const failures: string[] = [];
  let asked = 0;
  let slowest = 0;
  let over = false;
  const watching = (async () => {
    for (; !over; await wait(20)) {
      for (const kind of ['udp', 'tcp', 'tls'] as const) {
        const began = performance.now();
        await ask(kind, ports).catch((error: unknown) => failures.push(`${kind}: ${error}`));
        slowest = Math.max(slowest, performance.now() - began);
        asked++;
      }
    }
  })();
  try {
    await act();
  } finally {
    over = true;
    await watching;
  }
  return { asked, slowest, failures };
}

async function ask(kind: 'udp' | 'tcp' | 'tls', ports: Ports): Promise<void> {
  if (kind === 'udp') return askUdp(ports.port);
  const client = await openClient(kind, ports, { from: '127.2.0.1' });
  await client.ask(QUERY);
  await client.close();
}

/** Milliseconds after which a question is repeated: a busy server may lose datagrams. */
const RETRY = 2000;

async function askUdp(port: number): Promise<void> {
  const socket = createSocket('udp4');
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      const answer = new Promise<boolean>((resolve) => socket.once('message', () => resolve(true)));
      socket.send(QUESTION, port, '127.0.0.1');
      const timeout = new AbortController();
      const late = wait(RETRY, false, { signal: timeout.signal }).catch(() => false);
      const answered = await Promise.race([answer, late]);
      timeout.abort();
      if (answered) return;
    }
    throw new Error('no answer to five questions');
  } finally {
    socket.close();
  }
}
