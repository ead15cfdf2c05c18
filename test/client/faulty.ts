/** A server on loopback. Each of its transports works or is broken in a way of its own. */

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import type { ClientServer } from '../../src/client/index.js';
import { freePort } from '../support/peers/server.js';
import { answer, framed, onMessages, questionOf, TO, upgraded } from './support.js';

const OTHER = Buffer.from('\x05other\x04test\0\0\x10\0\x01', 'latin1');
/** One octet of the answer's RDATA is missing. */
const cut = (message: Buffer): Buffer => message.subarray(0, -1);

/** The messages that answer a query, with their text. */
type Answering = (query: Buffer, text: string) => readonly Buffer[];

const good: Answering = (query, text) => [answer(query, { text, ...(hasOpt(query) && { ednsFlags: 0 }) })];
const ANSWERINGS = {
  good,
  servfail: (query) => [answer(query, { rcode: 2, ednsFlags: 0 })],
  refused: (query) => [answer(query, { rcode: 5, ednsFlags: 0 })],
  'without EDNS': (query, text) => (hasOpt(query) ? [answer(query, { rcode: 1 })] : good(query, text)),
  'wrong ID': (query, text) => [answer(query, { text, id: query.readUInt16BE() ^ 1 })],
  'wrong question': (query, text) => [answer(query, { text, question: OTHER })],
  malformed: (query, text) => [cut(answer(query, { text }))],
  'the query itself': (query) => [query],
  'wrong first': (query, text) => [
    answer(query, { text: 'forged', id: query.readUInt16BE() ^ 1 }),
    answer(query, { text: 'forged', question: OTHER }),
    cut(answer(query, { text: 'forged' })),
    ...good(query, text),
  ],
  truncated: (query) => [answer(query, { truncated: true, ednsFlags: 0 })],
  silent: () => [],
} satisfies Record<string, Answering>;

export const UDP_FAULTS = [
  'refused port',
  'silent',
  'wrong ID',
  'wrong question',
  'malformed',
  'the query itself',
  'servfail',
  'refused',
  'truncated',
] as const;
export const UDP_GOOD = ['good', 'wrong first', 'without EDNS'] as const;

const STREAM_ACTS = {
  'reset on the query': (socket: Socket) => void socket.resetAndDestroy(),
  'close on the query': (socket: Socket) => void socket.end(),
  'destroy on the query': (socket: Socket) => void socket.destroy(),
  'close within the answer': (socket: Socket, query: Buffer) => void socket.end(framed(answer(query)).subarray(0, 9)),
  'reset within the answer': (socket: Socket, query: Buffer) => {
    socket.write(framed(answer(query)).subarray(0, 9), () => socket.resetAndDestroy());
  },
};
export const STREAM_FAULTS = [
  'silent',
  'wrong ID',
  'wrong question',
  'malformed',
  'the query itself',
  'servfail',
  'refused',
  'reset on the query',
  'close on the query',
  'destroy on the query',
  'close within the answer',
  'reset within the answer',
] as const;
export const STREAM_GOOD = ['good', 'close after each', 'without EDNS'] as const;
/** What happens to a ClientHello, or instead of it. */
export const TLS_FAULTS = [
  'refused port',
  'reset on connect',
  'close on connect',
  'stalled handshake',
  'reset in the handshake',
  'close in the handshake',
  'alert',
  'plaintext',
] as const;
/** What happens to the dummy query. */
export const STARTTLS_FAULTS = [
  'no TO',
  'no EDNS',
  'formerr',
  'dropped dummy',
  'reset on dummy',
  'close on dummy',
  'injected plaintext',
  'stalled handshake',
  'reset in the handshake',
  'close in the handshake',
  'alert',
] as const;

type StreamKind = (typeof STREAM_FAULTS)[number] | (typeof STREAM_GOOD)[number];
export type UdpKind = (typeof UDP_FAULTS)[number] | (typeof UDP_GOOD)[number];
export type TlsKind = (typeof TLS_FAULTS)[number] | StreamKind;
export type StarttlsKind = (typeof STARTTLS_FAULTS)[number] | StreamKind;
export type TcpKind = 'refused port' | StreamKind;

export interface Kinds {
  readonly udp: UdpKind;
  readonly tcp: TcpKind;
  readonly starttls: StarttlsKind;
  readonly tls: TlsKind;
}

interface FaultyOptions {
  readonly certificate: TlsOptions;
  /** Called when a client waits in vain, with the step that it waits for. */
  stalled?(step: 'udp' | 'stream'): void;
}

export interface FaultyServer extends AsyncDisposable {
  readonly server: Required<Pick<ClientServer, 'address' | 'port' | 'tlsPort'>>;
  /** All octets that came in plaintext, over UDP and TCP. */
  readonly plain: Buffer[];
  /** Connections accepted, and queries, by transport. */
  readonly counts: Record<'tls' | 'tcp' | 'tlsQueries' | 'starttlsQueries' | 'tcpQueries' | 'udpQueries', number>;
}

const hasOpt = (query: Buffer): boolean => query.readUInt16BE(10) > 0;
const isDummy = (query: Buffer): boolean => questionOf(query).toString('latin1').toLowerCase().includes('starttls');

/** The text of an answer is the transport that it came over. */
export async function faulty(kinds: Kinds, options: FaultyOptions): Promise<FaultyServer> {
  const plain: Buffer[] = [];
  const counts = { tls: 0, tcp: 0, tlsQueries: 0, starttlsQueries: 0, tcpQueries: 0, udpQueries: 0 };
  const sockets = new Set<Socket>();
  const stalled = (step: 'udp' | 'stream'): void => void setImmediate(() => options.stalled?.(step));

  /** Answers the messages of a stream. */
  const converse = (socket: Socket, kind: StreamKind, text: string, count: keyof typeof counts, beneath = socket) =>
    onMessages(socket, (query) => {
      counts[count]++;
      if (kind in STREAM_ACTS) return STREAM_ACTS[kind as keyof typeof STREAM_ACTS](beneath, query);
      const answering = ANSWERINGS[kind === 'close after each' ? 'good' : (kind as keyof typeof ANSWERINGS)];
      const messages = answering(query, text);
      if (messages.length > 0) socket.write(Buffer.concat(messages.map(framed)));
      if (messages.length === 0) stalled('stream');
      if (kind === 'close after each') socket.end();
    });

  /** What happens to a ClientHello; false: TLS goes on. */
  const hello = (socket: Socket, kind: TlsKind | StarttlsKind): boolean => {
    const act = {
      'stalled handshake': () => stalled('stream'),
      'reset in the handshake': () => socket.resetAndDestroy(),
      'close in the handshake': () => socket.end(),
      alert: () => socket.end(Buffer.of(0x15, 3, 3, 0, 2, 2, 40)),
      plaintext: () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    }[kind as string];
    if (act === undefined) return false;
    socket.removeAllListeners('data');
    socket.once('data', () => void act());
    socket.resume();
    return true;
  };

  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };

  const overTls = (socket: Socket): void => {
    counts.tls++;
    track(socket);
    const { tls } = kinds;
    if (tls === 'reset on connect') socket.resetAndDestroy();
    else if (tls === 'close on connect') socket.end();
    else if (!hello(socket, tls)) {
      const secure = upgraded(socket, options.certificate);
      converse(secure, tls as StreamKind, 'tls', 'tlsQueries', socket);
    }
  };

  const upgrade = (socket: Socket, query: Buffer): void => {
    const { starttls } = kinds;
    const offer = (ednsFlags?: number) =>
      framed(answer(query, { text: 'STARTTLS', ...(ednsFlags !== undefined && { ednsFlags }) }));
    if (starttls === 'no TO') socket.write(offer(0));
    else if (starttls === 'no EDNS') socket.write(offer());
    else if (starttls === 'formerr') socket.write(framed(answer(query, { rcode: 1 })));
    else if (starttls === 'dropped dummy') stalled('stream');
    else if (starttls === 'reset on dummy') socket.resetAndDestroy();
    else if (starttls === 'close on dummy') socket.end();
    else if (starttls === 'injected plaintext') socket.write(Buffer.concat([offer(TO), offer(TO)]));
    else {
      socket.write(offer(TO));
      if (hello(socket, starttls)) return;
      const secure = upgraded(socket, options.certificate);
      converse(secure, starttls as StreamKind, 'starttls', 'starttlsQueries', socket);
    }
  };

  const overTcp = (socket: Socket): void => {
    counts.tcp++;
    track(socket);
    let first = true;
    // For errors until TLS takes the socket over.
    socket.on('data', (octets) => plain.push(octets));
    onMessages(socket, (query) => {
      if (first && isDummy(query)) {
        first = false;
        upgrade(socket, query);
      } else if (first) {
        first = false;
        socket.removeAllListeners('data');
        socket.on('data', (octets) => plain.push(octets));
        converse(socket, kinds.tcp as StreamKind, 'tcp', 'tcpQueries');
        socket.emit('data', framed(query));
      } else {
        // In plaintext after a dummy query that was answered without TO.
        counts.tcpQueries++;
        stalled('stream');
      }
    });
  };

  const closers: (() => Promise<unknown>)[] = [];
  const listening = async (port: number, serve: (socket: Socket) => void): Promise<Server> => {
    const server = createServer({ noDelay: true }, serve);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    closers.push(async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    });
    return server;
  };
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;
  /** A port that nothing listens on. */
  const closedPort = async (): Promise<number> => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = portOf(server);
    server.close();
    await once(server, 'close');
    return port;
  };
  const bindUdp = async (port: number): Promise<void> => {
    const socket: UdpSocket = createSocket('udp4');
    socket.on('message', (query, from) => {
      counts.udpQueries++;
      plain.push(query);
      const messages = ANSWERINGS[kinds.udp as keyof typeof ANSWERINGS](query, 'udp');
      for (const message of messages) socket.send(message, from.port, from.address);
      if (!['good', 'servfail', 'refused', 'truncated', 'wrong first', 'without EDNS'].includes(kinds.udp))
        stalled('udp');
    });
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    closers.push(async () => {
      socket.close();
      await once(socket, 'close');
    });
  };

  const port = await freePort();
  if (kinds.tcp !== 'refused port') await listening(port, overTcp);
  if (kinds.udp !== 'refused port') await bindUdp(port);
  const tlsPort = kinds.tls === 'refused port' ? await closedPort() : portOf(await listening(0, overTls));
  return {
    server: { address: '127.0.0.1', port, tlsPort },
    plain,
    counts,
    [Symbol.asyncDispose]: async () => void (await Promise.all(closers.map((close) => close()))),
  };
}
