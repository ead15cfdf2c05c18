/** Asks over UDP, TCP and TLS at an even rate, and judges each answer: lost, how late, and whether it is of an older version than one before. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { buildQuery } from '../support/message.js';
import { LOOPBACK } from '../support/peers/server.js';
import { connection, framed, openClient, type Ports } from './client.js';

const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;
type LoadedTransport = (typeof TRANSPORTS)[number];

/** Connections of each kind of stream. */
const CONNECTIONS = 5;
/** Milliseconds: queries that are due for longer are left out, as in a burst they would be another load. */
const LATE = 5;
/** Milliseconds after which a query without an answer is lost. */
const PATIENCE = 3000;
/** IDs of messages: an answer belongs to the latest query with its ID. */
const IDS = 65_536;
/** Numbers at the end of an answer with an SOA record: the serial is the first of five. */
const SOA_NUMBERS = 20;

/** What is asked in turn. `isSoa`: the answer ends with the SOA record. */
export interface SteadyQuestion {
  readonly name: string;
  readonly type: string;
  readonly isSoa: boolean;
}

export interface Judged {
  readonly transport: LoadedTransport;
  readonly asked: number;
  readonly lost: number;
  /** Answers with another RCODE than NOERROR. */
  readonly wrong: number;
  /** Answers with an older serial than one that had come over this transport before the question was sent; and over any. */
  readonly older: number;
  readonly olderAcross: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
  readonly latest: number;
  /** Versions that were seen. */
  readonly versions: number;
}

/** The queries over one transport. */
class Lane {
  readonly transport: LoadedTransport;
  readonly #send: (message: Buffer) => void;
  readonly #sentAt: number[] = [];
  readonly #took: (number | undefined)[] = [];
  readonly #questions: number[] = [];
  /** For each query: the newest serials when it was sent, of this transport and of all. */
  readonly #before: [number | undefined, number | undefined][] = [];
  readonly #newest = new Map<number, number>();
  readonly #all: Map<number, number>;
  readonly #versions = new Set<string>();
  #wrong = 0;
  #older = 0;
  #olderAcross = 0;

  constructor(transport: LoadedTransport, send: (message: Buffer) => void, all: Map<number, number>) {
    this.transport = transport;
    this.#send = send;
    this.#all = all;
  }

  ask(question: number, octets: Uint8Array): void {
    const query = this.#sentAt.length;
    const message = Buffer.from(octets);
    message.writeUInt16BE(query % IDS, 0);
    this.#questions.push(question);
    this.#before.push([this.#newest.get(question), this.#all.get(question)]);
    this.#sentAt.push(performance.now());
    this.#send(message);
  }

  take(message: Buffer, questions: readonly SteadyQuestion[]): void {
    const last = this.#sentAt.length - 1;
    const query = last - ((last - message.readUInt16BE(0)) & (IDS - 1));
    if (query < 0 || this.#took[query] !== undefined) return;
    this.#took[query] = performance.now() - (this.#sentAt[query] ?? 0);
    if (((message[3] ?? 0) & 15) !== 0) this.#wrong++;
    const question = this.#questions[query] ?? 0;
    if (questions[question]?.isSoa) this.#judge(question, message.readUInt32BE(message.length - SOA_NUMBERS), query);
  }

  /** Serials are compared as in RFC 1982. */
  #judge(question: number, serial: number, query: number): void {
    const [own, all] = this.#before[query] ?? [];
    if (own !== undefined && ((serial - own) | 0) < 0) this.#older++;
    if (all !== undefined && ((serial - all) | 0) < 0) this.#olderAcross++;
    this.#versions.add(`${question} ${serial}`);
    for (const newest of [this.#newest, this.#all]) {
      const known = newest.get(question);
      if (known === undefined || ((serial - known) | 0) > 0) newest.set(question, serial);
    }
  }

  result(): Judged {
    const times = this.#took.filter((took) => took !== undefined).sort((a, b) => a - b);
    const at = (part: number): number =>
      times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? Number.NaN;
    return {
      transport: this.transport,
      asked: this.#sentAt.length,
      lost: this.#sentAt.length - times.length,
      wrong: this.#wrong,
      older: this.#older,
      olderAcross: this.#olderAcross,
      median: at(0.5),
      p99: at(0.99),
      latest: at(1),
      versions: this.#versions.size,
    };
  }
}

/** Asks for so many seconds, `rate` questions a second over all transports together. */
export async function askSteadily(
  ports: Ports,
  questions: readonly SteadyQuestion[],
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
): Promise<Judged[]> {
  const messages = questions.map(({ name, type }) => buildQuery({ name, type }));
  const all = new Map<number, number>();
  const udp = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  udp.connect(ports.port, LOOPBACK);
  await once(udp, 'connect');
  const sockets: Record<'tcp' | 'tls', Socket[]> = { tcp: [], tls: [] };
  for (let i = 0; i < CONNECTIONS; i++) {
    sockets.tcp.push(await connection(ports.port));
    sockets.tls.push((await openClient('tls', ports)).socket);
  }
  let turn = 0;
  const stream = (kind: 'tcp' | 'tls') => (message: Buffer) =>
    void sockets[kind][turn % CONNECTIONS]?.write(framed(message));
  const lanes = {
    udp: new Lane('udp', (message) => udp.send(message), all),
    tcp: new Lane('tcp', stream('tcp'), all),
    tls: new Lane('tls', stream('tls'), all),
  };
  udp.on('error', () => {}); // What is lost is counted.
  udp.on('message', (message) => lanes.udp.take(message, questions));
  for (const kind of ['tcp', 'tls'] as const)
    for (const socket of sockets[kind]) readMessages(socket, (message) => lanes[kind].take(message, questions));
  const end = performance.now() + seconds * 1000;
  for (let due = performance.now(); due < end; await wait(1)) {
    const now = performance.now();
    for (due = Math.max(due, now - LATE); due < now; due += 1000 / rate) {
      const transport = TRANSPORTS[turn % TRANSPORTS.length] ?? 'udp';
      const question = Math.floor(turn / TRANSPORTS.length) % questions.length;
      lanes[transport].ask(question, messages[question] ?? new Uint8Array());
      turn++;
    }
  }
  await wait(PATIENCE);
  udp.close();
  for (const socket of [...sockets.tcp, ...sockets.tls]) socket.destroy();
  return TRANSPORTS.map((transport) => lanes[transport].result());
}

function readMessages(socket: Socket, take: (message: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => {}); // What is lost is counted.
  socket.on('data', (octets: Buffer) => {
    rest = rest.length === 0 ? octets : Buffer.concat([rest, octets]);
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      take(rest.subarray(2, end));
      rest = rest.subarray(end);
    }
  });
}
