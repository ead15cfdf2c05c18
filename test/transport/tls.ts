/** TLS clients, and what stands between them and a listener under test. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, type SecureVersion, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { TlsContexts } from '../../src/tls/context.js';
import type { TlsOffer } from '../../src/transport/transport.js';
import { make } from '../tls/support.js';

/** What TLS is made with on the server's side: a certificate of its own, and a ticket key. */
export async function tlsOffer(): Promise<TlsOffer> {
  const certificate = { ...(await make({ names: ['ns.test'] })), names: ['ns.test'] };
  const contexts = new TlsContexts({ certificates: [certificate], ticketKey: randomBytes(48), sessionTimeout: 3600 });
  return { options: () => contexts.socketOptions() };
}

export const only = (version: SecureVersion): ConnectionOptions => ({ minVersion: version, maxVersion: version });

/** `allowHalfOpen` is missing in the types of node:tls. */
export type DialOptions = ConnectionOptions & { readonly allowHalfOpen?: boolean };

/** A TLS client over a connection of its own, or over `options.socket`; the handshake is complete. */
export async function dialTls(port: number, options: DialOptions = {}): Promise<TLSSocket> {
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before the handshake was complete')));
  });
  return socket;
}

/** The first octets that a TLS client sends. */
export async function clientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = tlsConnect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ...options });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [octets] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return octets;
}

/** A TLS record as it is seen on the way. */
export interface TlsRecord {
  readonly type: number;
  /** Octets behind its header. */
  readonly length: number;
}

export interface Relay extends AsyncDisposable {
  readonly port: number;
  /** What the server has sent, as records; of all connections. */
  records(): TlsRecord[];
  /** Connections on which the server's FIN has come. */
  readonly ends: number;
}

/**
 * Relays connections to `port`, and remembers what the server sends. `piece`: octets that go on in one go, in both
 * directions; without, whatever has come. FINs are passed on as they come.
 */
export async function relay(port: number, piece = Number.POSITIVE_INFINITY): Promise<Relay> {
  const sent: Buffer[] = [];
  const sockets: Socket[] = [];
  let ends = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    sockets.push(client, upstream);
    upstream.on('data', (octets: Buffer) => sent.push(octets));
    upstream.once('end', () => ends++);
    forward(client, upstream, piece);
    forward(upstream, client, piece);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    records: () => recordsOf(Buffer.concat(sent)),
    get ends() {
      return ends;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function forward(from: Socket, to: Socket, piece: number): void {
  let last = Promise.resolve();
  const pass = async (octets: Buffer): Promise<void> => {
    for (let at = 0; at < octets.length; at += piece) {
      to.write(octets.subarray(at, Math.min(octets.length, at + piece)));
      if (piece < octets.length) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  from.on('error', () => to.destroy());
  from.on('data', (octets: Buffer) => {
    last = last.then(() => pass(octets));
  });
  from.on('end', () => {
    last = last.then(() => void to.end());
  });
}

function recordsOf(stream: Buffer): TlsRecord[] {
  const records: TlsRecord[] = [];
  for (let at = 0; at + 5 <= stream.length; at += 5 + stream.readUInt16BE(at + 3)) {
    records.push({ type: stream.readUInt8(at), length: stream.readUInt16BE(at + 3) });
  }
  return records;
}

const ALERT = 21;
const APPLICATION_DATA = 23;
/** An alert inside of a TLS 1.3 record: two octets, the true type, and the tag. */
const SEALED_ALERT = 19;

/** Whether a record is an alert, as far as that can be seen from outside. */
export function isAlert({ type, length }: TlsRecord, version: string): boolean {
  return version === 'TLSv1.2' ? type === ALERT : type === APPLICATION_DATA && length === SEALED_ALERT;
}
