/**
 * Streams by chance, against a server that runs: whole queries, then arbitrary octets and mutated messages, cut anywhere, over TCP,
 * TLS, and TCP upgraded by STARTTLS. Every query before the first octet of nonsense has to be answered.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Chance, chanceOf } from '../reference/generate.js';
import { buildQuery, decodeMessage } from '../support/message.js';
import { someMessage } from './mutate.js';

interface StreamTarget {
  readonly port: number;
  readonly tlsPort: number;
}

/** `garbled …`: octets of no sense where a handshake is expected. */
export const KINDS = ['tcp', 'tls', 'starttls', 'garbled tls', 'garbled starttls'] as const;
export type Kind = (typeof KINDS)[number];

/** EDNS flag of draft-ietf-dprive-start-tls-for-dns. */
const TO = 0x4000;
const MAX_QUERIES = 12;
const MAX_NONSENSE = 6;
/** Octets of a piece of noise. */
const MAX_NOISE = 3000;
/** Milliseconds that one stream may take; only a server that hangs needs them. */
const LIMIT = 20_000;

interface StreamReport {
  readonly kind: Kind;
  /** Queries that no answer came to; undefined: there are none. */
  readonly wrong: string | undefined;
}

/** Stream number `index` of this seed. Rejected when the server neither answers nor closes. */
export async function fuzzStream(target: StreamTarget, seed: number, index: number): Promise<StreamReport> {
  // Seeds that follow each other begin alike.
  const chance = chanceOf(seed + Math.imul(index, 2_654_435_761));
  const kind = chance.of(KINDS);
  const names = Array.from({ length: chance.below(MAX_QUERIES + 1) }, (_, index) => `q${index}.a.test.`);
  const garbled = kind.startsWith('garbled');
  const queries = garbled ? [] : names.map((name, id) => framed(buildQuery({ id, name })));
  const stream = Buffer.concat([...queries, ...nonsense(chance)]);
  const answers = await converse(target, kind, cut(chance, stream));
  const missing = garbled ? [] : names.filter((name, id) => !answers.some((answer) => isAnswer(answer, id, name)));
  return { kind, wrong: missing.length === 0 ? undefined : `no answer to ${missing.join(', ')} of ${names.length}` };
}

/** Mutated messages with their lengths, some of them wrong, and noise. */
function nonsense(chance: Chance): Uint8Array[] {
  return Array.from({ length: chance.below(MAX_NONSENSE + 1) }, () => {
    if (chance.percent(30)) return Uint8Array.from({ length: chance.below(MAX_NOISE) }, () => chance.below(256));
    const message = framed(someMessage(chance));
    if (chance.percent(20)) message[chance.below(2)] = chance.below(256);
    return message;
  });
}

/** The stream in one to nine pieces. */
function cut(chance: Chance, stream: Buffer): Buffer[] {
  const places = Array.from({ length: chance.below(9) }, () => chance.below(stream.length + 1)).sort((a, b) => a - b);
  return [...places, stream.length].map((place, index) => stream.subarray(places[index - 1] ?? 0, place));
}

/** Sends the pieces, then FIN, and returns all octets received until the server closed. */
async function converse(target: StreamTarget, kind: Kind, pieces: readonly Buffer[]): Promise<Uint8Array[]> {
  const socket = await open(target, kind);
  const received: Buffer[] = [];
  const closed = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${kind}: the server neither answers nor closes`)), LIMIT);
    socket.on('close', () => {
      clearTimeout(late);
      resolve();
    });
  });
  // A server may reset a connection with nonsense.
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  for (const piece of pieces) {
    if (socket.destroyed) break;
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
  await closed;
  return kind.startsWith('garbled') ? [] : messagesIn(Buffer.concat(received));
}

async function open({ port, tlsPort }: StreamTarget, kind: Kind): Promise<Socket> {
  const host = '127.0.0.1';
  if (kind === 'tls') return secured(connectTls({ port: tlsPort, host, rejectUnauthorized: false }));
  const socket = connect({ port: kind === 'garbled tls' ? tlsPort : port, host, noDelay: true });
  await happened(socket, 'connect');
  if (!kind.endsWith('starttls')) return socket;
  socket.write(framed(buildQuery({ name: 'STARTTLS.', class: 3, type: 16, edns: { flags: TO } })));
  await happened(socket, 'readable');
  socket.read();
  return kind === 'starttls' ? secured(connectTls({ socket, rejectUnauthorized: false })) : socket;
}

async function secured(socket: TLSSocket): Promise<TLSSocket> {
  await happened(socket, 'secureConnect');
  return socket;
}

function happened(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once(event, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

function framed(message: Uint8Array): Uint8Array {
  return Uint8Array.from([message.length >> 8, message.length & 255, ...message]);
}

function messagesIn(stream: Buffer): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 2 <= stream.length; ) {
    const end = at + 2 + stream.readUInt16BE(at);
    if (end > stream.length) break;
    messages.push(stream.subarray(at + 2, end));
    at = end;
  }
  return messages;
}

function isAnswer(bytes: Uint8Array, id: number, name: string): boolean {
  const { id: found, question } = decodeMessage(bytes);
  return found === id && question[0]?.name === name;
}
