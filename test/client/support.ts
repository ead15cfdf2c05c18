/** Servers on loopback that do exactly what a test tells them, right or wrong. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createSecureContext, TLSSocket, type TlsOptions } from 'node:tls';

export const TO = 0x4000;

/** Timeouts with which a transport begins only when the one before has failed, for clocks that jump. */
export const ONE_BY_ONE = { headStart: 4000, cleartextAfter: 86_400_000 } as const;

interface AnswerOptions {
  readonly id?: number;
  readonly rcode?: number;
  readonly truncated?: boolean;
  /** Flags of the OPT record; undefined: none is sent. */
  readonly ednsFlags?: number;
  /** Text of one TXT record. */
  readonly text?: string;
  /** Replaces the question's octets. */
  readonly question?: Uint8Array;
}

/** Octets of the question of a query. */
export function questionOf(query: Buffer): Buffer {
  let at = 12;
  while (query[at] !== 0) at += 1 + (query[at] ?? 0);
  return query.subarray(12, at + 5);
}

/** Whether TO is set in the OPT record of a query. That record must be the last one and have no options. */
export function toSet(query: Buffer): boolean {
  const opt = query.subarray(12 + questionOf(query).length);
  return query.readUInt16BE(10) === 1 && (opt.readUInt16BE(7) & TO) !== 0;
}

/** A response to a query. */
export function answer(query: Buffer, options: AnswerOptions = {}): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(options.id ?? query.readUInt16BE(), 0);
  head.writeUInt16BE(0x8400 | (options.truncated ? 0x0200 : 0) | (options.rcode ?? 0), 2);
  head.writeUInt16BE(1, 4);
  const parts: Uint8Array[] = [head, options.question ?? questionOf(query)];
  if (options.text !== undefined) {
    const text = Buffer.from(options.text);
    const record = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, text.length + 1, text.length, ...text]);
    parts.push(record);
    head.writeUInt16BE(1, 6);
  }
  if (options.ednsFlags !== undefined) {
    const opt = Buffer.from([0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0]);
    opt.writeUInt16BE(options.ednsFlags, 7);
    parts.push(opt);
    head.writeUInt16BE(1, 10);
  }
  return Buffer.concat(parts);
}

/** A response without a question, with `records` behind its header, if any. */
export function headerOnly(query: Buffer, rcode: number, ...records: readonly Buffer[]): Buffer {
  const head = answer(query, { rcode }).subarray(0, 12);
  head.writeUInt16BE(0, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, ...records]);
}

export const framed = (message: Buffer): Buffer =>
  Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);

export interface TestServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Connections accepted. */
  readonly connections: () => number;
}

/** Accepts connections and hands each to `serve`. */
export async function tcpServer(serve: (socket: Socket) => void): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Calls `each` for every message that comes on a stream, in plaintext or inside TLS. */
export function onMessages(socket: Socket, each: (query: Buffer) => void): void {
  let octets = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    octets = Buffer.concat([octets, chunk]);
    while (octets.length >= 2 && octets.length >= 2 + octets.readUInt16BE()) {
      const end = 2 + octets.readUInt16BE();
      const message = octets.subarray(2, end);
      octets = octets.subarray(end);
      each(message);
    }
  });
}

/** Makes TLS of the server's side of a connection. */
export function upgraded(socket: Socket, options: TlsOptions): TLSSocket {
  socket.removeAllListeners('data');
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: createSecureContext({ key: options.key, cert: options.cert, ticketKeys: options.ticketKeys }),
    ALPNProtocols: ['dot'],
  });
  secure.on('error', () => {});
  return secure;
}

/** Answers datagrams; `respond` returns the responses, in order. */
export async function udpServer(respond: (query: Buffer, nth: number) => readonly Buffer[]): Promise<TestServer> {
  const socket: UdpSocket = createSocket('udp4');
  let count = 0;
  socket.on('message', (query, from) => {
    for (const message of respond(query, count++)) socket.send(message, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: '127.0.0.1',
    port: socket.address().port,
    connections: () => count,
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Waits until everything that has begun on loopback has arrived: round trips of a connection of its own take turns with it. For
 * tests that show that something does not happen, without regard to how fast the machine is.
 */
export async function settled(): Promise<void> {
  await using echo = await tcpServer((socket) => socket.pipe(socket));
  const socket = connect({ port: echo.port, host: echo.address, noDelay: true });
  for (let i = 0; i < 20; i++) {
    socket.write('x');
    await once(socket, 'data');
  }
  socket.destroy();
}
